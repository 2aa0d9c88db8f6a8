"""A paper's abstract to passages: windows of whole sentences that overlap by one."""

from __future__ import annotations

from collections.abc import Iterator

from rag.sentences import sentence_spans
from rag.types import Paper, Passage

MAX_CHARS = 1000
"""Longest passage: about the 256 tokens that the embedded model reads."""


def split_paper(paper: Paper) -> list[Passage]:
    """Split the abstract into passages with the ids ``PAPER#0``, ``PAPER#1``, …

    Together they cover every character that is not white space. Only a sentence that is
    itself longer than ``MAX_CHARS`` is cut.
    """
    spans = [piece for span in sentence_spans(paper.abstract) for piece in _cut(paper, *span)]
    return [
        Passage(f"{paper.id}#{number}", paper.id, paper.abstract[start:end], start, end)
        for number, (start, end) in enumerate(_windows(spans))
    ]


def _cut(paper: Paper, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Cut one sentence into pieces of at most ``MAX_CHARS``, between words if there are any."""
    text = paper.abstract
    while end - start > MAX_CHARS:
        blank = max(text.rfind(c, start + 1, start + MAX_CHARS + 1) for c in " \t\n")
        stop = blank if blank > start else start + MAX_CHARS
        yield start, start + len(text[start:stop].rstrip())
        start = end - len(text[stop:end].lstrip())
    yield start, end


def _windows(spans: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    first = 0
    while first < len(spans):
        start = spans[first][0]
        after = first + 1
        while after < len(spans) and spans[after][1] - start <= MAX_CHARS:
            after += 1
        yield start, spans[after - 1][1]
        if after == len(spans):
            return
        overlaps = after - 1 > first and spans[after][1] - spans[after - 1][0] <= MAX_CHARS
        first = after - 1 if overlaps else after
