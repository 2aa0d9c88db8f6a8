"""Two papers of one answer that say opposite things: set side by side in a note."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag.citations import strip_markers
from rag.evidence import best_spans, read
from rag.grounding import judge, stays_within
from rag.text import brief
from rag.types import Note, Sentence, Source

DENIES = 0.9
"""Probability of contradiction from which another paper is said to disagree."""
MAX_NOTES = 2
_AGAINST = re.compile(
    r"Papers disagree: against “(.+?)” \((.*?), source (\d+)\) stands “(.+?)” "
    r"\((.*), source (\d+)\)\.",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Side:
    """What one of two papers that disagree says."""

    said: str
    title: str
    source: int


def sides(note: str) -> tuple[Side, Side] | None:
    """The two sides of a note made here; None: it is another's."""
    match = _AGAINST.fullmatch(note)
    if not match:
        return None
    return Side(match[1], match[2], int(match[3])), Side(match[4], match[5], int(match[6]))


def disagreements(sentences: Sequence[Sentence], sources: Sequence[Source]) -> tuple[Note, ...]:
    """Notes on sentences of an answer that a source which they do not cite contradicts.

    A source has a say only on what it speaks of: it must hold every figure and name of the
    sentence and half of its content words, so that two methods with different results on
    different data are not set against each other.
    """
    by_number = {source.n: source for source in sources}
    pairs = [
        (sentence, source)
        for sentence in sentences
        for source in sources
        if source.n not in sentence.citations and stays_within(_said(sentence), source)
    ]
    found = judge([(_said(sentence), (source,)) for sentence, source in pairs])
    notes = []
    for (sentence, source), judgement in zip(pairs, found, strict=True):
        if judgement.contradiction >= DENIES:
            cited = by_number[sentence.citations[0]]
            quote = best_spans(_said(sentence), [read(source)])[0].quote
            notes.append(
                f"Papers disagree: against “{brief(_said(sentence))}” ({_title(cited)}, source "
                f"{cited.n}) stands “{brief(quote)}” ({_title(source)}, source {source.n})."
            )
    return tuple(Note("disagreement", text) for text in dict.fromkeys(notes))[:MAX_NOTES]


def _said(sentence: Sentence) -> str:
    return strip_markers(sentence.text)


def _title(source: Source) -> str:
    return brief(source.title or source.paper_id)
