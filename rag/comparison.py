"""An answer that sets papers beside each other, as rows of a table: one for each paper."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from rag.asked import compares, lists
from rag.types import Answer, Sentence, Source

_FEWEST = 2


@dataclass(frozen=True, slots=True)
class Row:
    """What a paper says."""

    source: Source
    first: int
    """The number of the first of ``sentences`` in the answer, from 1."""
    sentences: tuple[Sentence, ...]

    @property
    def text(self) -> str:
        """The sentences, as in the answer."""
        return " ".join(sentence.text for sentence in self.sentences)


def rows(answer: Answer) -> tuple[Row, ...]:
    """A row for each paper, in the answer's order; none where the answer is no comparison.

    It is one if several things were asked about, the writer is the extractive one (a chat model
    writes its own transitions), and each paper is heard once, in sentences that cite it alone.
    """
    asked = compares(answer.question) and not lists(answer.question)
    if answer.model != "extractive" or not asked or answer.refusal:
        return ()
    found, first = [], 1
    for citations, group in groupby(answer.sentences, key=lambda sentence: sentence.citations):
        sentences = tuple(group)
        if len(set(citations)) != 1 or not 0 < citations[0] <= len(answer.sources):
            return ()
        found.append(Row(answer.sources[citations[0] - 1], first, sentences))
        first += len(sentences)
    heard = {row.source.n for row in found}
    return tuple(found) if len(heard) == len(found) >= _FEWEST else ()


def to_table(answer: Answer) -> str:
    """The answer's Markdown, a comparison as a table."""
    told = rows(answer)
    if not told:
        return answer.text
    lines = [f"| {_cell(row.source.title)} | {_cell(row.text)} |" for row in told]
    return "\n".join(["| Paper | What it says |", "|---|---|", *lines])


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
