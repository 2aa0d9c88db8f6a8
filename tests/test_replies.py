from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rag.assistant import Assistant
from rag.library import Library
from rag.types import Answer, Filter
from tests.serving import small_library


@pytest.fixture
def ask(library: Library) -> Callable[..., Answer]:
    return Assistant(library).ask


def titles(answer: Answer) -> list[str]:
    return [source.paper_id for source in answer.sources]


def test_a_greeting_gets_a_short_reply_and_no_refusal(ask: Callable[..., Answer]) -> None:
    answer = ask("Hello!")
    assert not answer.refused and answer.text.startswith("Hello.")
    assert [sentence.verdict for sentence in answer.sentences] == ["not_a_claim"]
    assert answer.sources == answer.retrieved == answer.notes == ()


def test_papers_are_counted(ask: Callable[..., Answer]) -> None:
    assert ask("How many papers are there?").text == "There are 6 papers in this collection."
    since = ask("How many papers since 2020?")
    assert since.text == "There is 1 paper within the filter (since 2020) in this collection."


def test_the_newest_are_those_with_a_year_newest_first(ask: Callable[..., Answer]) -> None:
    answer = ask("the newest ones")
    assert titles(answer) == ["kelp", "bees"]
    assert titles(ask("oldest papers")) == ["bees", "kelp"]
    assert answer.text.startswith("6 papers in this collection; the newest 2:\n\n- Kelp Forests")
    assert titles(ask("the newest ones", where=Filter(until=2019))) == ["bees"]


def test_what_a_collection_is_about_names_the_topics_of_most_papers(tmp_path: Path) -> None:
    scans = [
        {"id": str(n), "title": f"CT of the liver, part {n}", "abstract": f"A CT of {n} livers."}
        for n in range(3)
    ]
    with small_library(tmp_path, scans) as library:
        ask = Assistant(library).ask
        answer = ask("What is this collection about?")
        assert answer.text.startswith(
            "What most papers are about: modality CT (3); organ abdomen (3), liver (3). 3 papers"
        )
        assert not ask("How many papers are there?").text.startswith("What most")
    with small_library(tmp_path / "b") as library:  # of which nothing is known
        said = Assistant(library).ask("What is this collection about?").text
        assert said.startswith("6 papers in this collection")


def test_papers_on_a_subject_are_named_and_their_titles_are_the_evidence(
    ask: Callable[..., Answer],
) -> None:
    answer = ask("What do you have on dust?")
    assert sorted(titles(answer)) == ["chess", "glacier"]
    intro, first, _ = answer.sentences
    assert intro.text == "2 papers of this collection mention “dust”:"
    assert first.text == f"{answer.sources[0].title} [1]" and first.text in answer.text
    [span] = first.evidence
    assert (span.source, span.field, span.quote) == (1, "title", answer.sources[0].title)
    assert [note.kind for note in answer.notes] == ["collection"]
    assert [row.paper_id for row in answer.retrieved] == titles(answer)


def test_where_none_is_on_the_subject_that_is_a_refusal(ask: Callable[..., Answer]) -> None:
    answer = ask("Is there anything on volcanoes?")
    assert answer.refused and answer.refusal is not None
    assert answer.refusal.cause == "not_in_collection"
    assert answer.text == "No paper of this collection mentions “volcanoes”."


def test_years_that_leave_nothing_are_said(ask: Callable[..., Answer]) -> None:
    answer = ask("papers since 2020", where=Filter(until=2019))
    assert answer.refused and "of these years" in answer.text


def test_another_language_is_refused_with_the_reason(ask: Callable[..., Answer]) -> None:
    answer = ask("Wie viele Imker wurden in der Stadt mit dem Rauch verletzt?")
    assert answer.refusal is not None and answer.refusal.cause == "out_of_scope"
    assert "German" in answer.text and "RAG_MODEL" in answer.text


def test_papers_in_that_language_are_answered_from(
    library: Library, ask: Callable[..., Answer], tmp_path
) -> None:
    source = tmp_path / "deutsch.jsonl"
    source.write_text(
        '{"id": "hecht", "title": "Hechte in der Havel", "abstract": "Die Hechte der Havel wurden '
        'mit Netzen gefangen und gezählt. Es waren 140 Hechte in der Havel."}\n'
    )
    library.ingest(source)
    answer = ask("Wie viele Hechte wurden in der Havel mit Netzen gefangen?")
    assert not answer.refused and "140" in answer.text
