from __future__ import annotations

from dataclasses import replace

from rag import sample
from rag.loaders import load_papers
from rag.types import Paper
from rag.web.examples import OFFERED, examples, follow_ups
from tests.conftest import RECORDS
from tests.stub_assistant import PAPERS, answered, refused


def test_examples_are_of_different_kinds_and_stand_in_the_papers() -> None:
    papers = list(load_papers(sample.path(), lambda _failure: None))
    offered = examples(papers)
    assert len(offered) == OFFERED
    assert len({question.split()[0] + question.split()[1] for question in offered}) == OFFERED
    told = [question.split(" does ")[1].split()[0] for question in offered if " does " in question]
    assert told
    assert all(any(name in paper.title for paper in papers) for name in told)


def test_papers_without_names_are_asked_for_by_their_titles() -> None:
    papers = [Paper(row["id"], row["title"], row["abstract"]) for row in RECORDS]
    assert examples(papers)[0] == (
        "What is reported in “Kelp Forests Recover After Sea Urchin Removal”?"
    )


def test_keywords_that_several_papers_have_are_asked_for() -> None:
    papers = [Paper(str(n), f"Title {n}", "Text.", keywords=("albedo",)) for n in range(3)]
    assert "What is reported on albedo?" in examples(papers)


def test_a_name_that_two_papers_share_names_neither() -> None:
    papers = [Paper(str(n), "ISLES 2022: a set", "Held.") for n in range(2)]
    assert not any("does ISLES" in question for question in examples(papers))


def test_no_papers_no_examples() -> None:
    assert examples([]) == ()


def test_what_was_found_and_not_cited_is_offered_next() -> None:
    offered = follow_ups(answered("How quiet?"), PAPERS)
    assert "What does AURORA report?" in offered
    assert "How many patients does HELIOS report?" in offered


def test_nothing_is_offered_that_was_just_asked() -> None:
    question = "What does AURORA report?"
    assert question not in follow_ups(answered(question), PAPERS)


def test_limits_are_offered_only_where_the_abstract_speaks_of_them() -> None:
    limited = replace(PAPERS["helios"], abstract="It is limited by noise.")
    question = "What are the limits of HELIOS?"
    assert question in follow_ups(answered("q"), PAPERS | {"helios": limited})
    assert question not in follow_ups(answered("q"), PAPERS)


def test_a_refusal_offers_nothing() -> None:
    assert follow_ups(refused("q"), PAPERS) == ()
