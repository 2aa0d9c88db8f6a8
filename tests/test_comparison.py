from __future__ import annotations

from dataclasses import replace

import pytest

from rag.comparison import rows, to_table
from rag.types import Answer, Sentence, Source


def said(text: str, *citations: int) -> Sentence:
    marks = "".join(f"[{n}]" for n in citations)
    return Sentence(f"{text} {marks}.", citations, "supported", 1.0, ())


SENTENCES = (said("Otters eat", 1), said("They sleep", 1), said("Seals | bark", 2))
ANSWER = Answer(
    "x", "How do otters and seals differ?", "", False,
    "Otters eat [1]. They sleep [1].\n\nSeals | bark [2].", SENTENCES, (), None, (),
    (Source(1, "o", "Otters", "", None, ""), Source(2, "s", "Seals", "", None, "")), (),
    "extractive",
)  # fmt: skip


def test_each_paper_of_a_comparison_has_its_row() -> None:
    first, second = rows(ANSWER)
    assert (first.source.title, first.first, first.sentences) == ("Otters", 1, SENTENCES[:2])
    assert (second.source.title, second.first, second.text) == ("Seals", 3, "Seals | bark [2].")


def test_the_table_is_markdown() -> None:
    assert to_table(ANSWER).split("\n") == [
        "| Paper | What it says |",
        "|---|---|",
        "| Otters | Otters eat [1]. They sleep [1]. |",
        "| Seals | Seals \\| bark [2]. |",
    ]


@pytest.mark.parametrize(
    "other",
    [
        {"question": "What do otters eat?"},
        {"question": "Which papers compare otters and seals?"},
        {"model": "gpt-otter"},
        {"sentences": SENTENCES[:2]},
        {"sentences": (*SENTENCES, said("Otters swim", 1))},
        {"sentences": (*SENTENCES[:2], said("Both swim", 1, 2))},
        {"sentences": (*SENTENCES[:2], said("Nobody", 7))},
        {"sentences": ()},
    ],
)
def test_what_is_no_comparison_of_papers_stays_text(other: dict) -> None:
    answer = replace(ANSWER, **other)
    assert rows(answer) == ()
    assert to_table(answer) == answer.text
