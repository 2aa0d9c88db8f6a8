from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from rag.types import Hit, Paper, Passage
from rag.web.exchange import follow
from rag.web.reasons import reason
from tests.serving import small_library

TEXT = "We segment the liver on CT of 40 patients."
HIT = Hit(Paper("p", "CT of the liver", TEXT), Passage("p-0", "p", TEXT, 0, len(TEXT)), 0.8,
          0.71, 8.2, dense_rank=1, lexical_rank=2, answered=0.93)  # fmt: skip


def test_a_reason_is_a_line_in_words_with_its_figures() -> None:
    why = reason("Which computed tomography scans of the liver did Kelp segment?", HIT)
    assert why.line == (
        "near in meaning and has “liver” and “segment”, is about CT, reads like an answer"
    )
    assert why.figures == (
        "Meaning: cosine 0.71, place 1.", "Words: BM25+ 8.2, place 2.",
        "Reading: answers with 93%.", "Topics: modality:CT, organ:liver.",
        "Lacks “computed”, “tomography” and “scans”.",
    )  # fmt: skip


def test_each_way_of_being_found_has_its_words() -> None:
    far = replace(HIT, dense_rank=9, answered=0.3)
    assert reason("livers", far).line == "among the best for the words “livers”"
    assert reason("livers", replace(far, lexical_rank=8)).line.startswith("has “livers”")
    unread = replace(far, answered=None, lexical=0.0, lexical_rank=0)
    assert reason("kelp", unread).line == "further off in meaning"
    assert reason("kelp", replace(HIT, answered=0.01)).line == (
        "near in meaning, hardly reads like an answer"
    )


def test_the_papers_of_an_answer_come_with_their_reasons(tmp_path: Path) -> None:
    from rag.assistant import Assistant

    with small_library(tmp_path) as library:
        *_, last = follow(Assistant(library), "How did kelp cover change on cleared reefs?")
        assert last.answer
        assert set(last.reasons) == {row.paper_id for row in last.answer.retrieved}
        cited = next(iter(last.sources)).paper_id
        assert "“kelp”" in last.reasons[cited].line
