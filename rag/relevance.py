"""What the papers that were found have on the question, by the model that reads them.

The question is put whole and, where it asks several things, in its parts; what a paper has on
any of them counts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from rag import answering
from rag.answering import Relevance
from rag.asked import compares, lists, parts
from rag.focus import focused, only_one
from rag.injection import without_instructions
from rag.types import Hit
from rag.words import content_words, stem

FOUND_WEIGHT = 1.5
"""What the search's score counts beside the reading, both as log odds; see docs/retrieval.md."""
_SURE = 0.5
_LEAST = 1e-4
_FEW = 2
_HOW = content_words("many much long far often large big fast")


def read(question: str, papers: Sequence[tuple[str, str]]) -> list[Relevance]:
    """What each of ``papers``, (title, abstract), has on the question or on a part of it.

    Sentences that give orders to their reader are not read; the words that a paper lacks are
    those of the whole question.
    """
    return [_best(each) for each in zip(*_each_part(question, papers), strict=True)]


def best_for_parts(question: str, papers: Sequence[tuple[str, str]]) -> set[int]:
    """The rows of ``papers`` that are the best for a part of the question, and answer it."""
    rows = (_best_row(readings) for readings in _each_part(question, papers)[1:])
    return {row for row in rows if row is not None}


def each_asked(question: str, papers: Sequence[tuple[str, str]]) -> dict[int, str]:
    """What a question about several of ``papers`` asks each of them, by row; see ``focus``."""
    if lists(question):
        return {}
    texts = _readable(papers)

    def best(clause: str) -> int | None:
        if not compares(question):
            return None
        row = _best_row(answering.read(clause, texts))
        return only_one(clause, texts, _FEW) if row is None else row

    return focused(question, papers, best)


def _best_row(readings: Sequence[Relevance]) -> int | None:
    row = max(range(len(readings)), key=lambda row: readings[row].answered)
    return row if readings[row].answered >= _SURE else None


def _each_part(question: str, papers: Sequence[tuple[str, str]]) -> list[list[Relevance]]:
    """For the question and each of its parts, what the papers have on it."""
    texts = _readable(papers)
    return [answering.read(part, texts) for part in parts(question)]


def _readable(papers: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(without_instructions(title), without_instructions(text)) for title, text in papers]


def _best(readings: Sequence[Relevance]) -> Relevance:
    whole = readings[0]
    columns = zip(*(reading.sentences for reading in readings), strict=True)
    return Relevance(
        max(reading.answered for reading in readings), tuple(map(max, columns)), whole.lacking
    )


def rerank(question: str, hits: Sequence[Hit]) -> list[Hit]:
    """The hits in the order of what they have on the question, best first.

    The score becomes the mean of both log odds, as a share; ``answered`` and ``lacking`` are
    what was read.
    """
    papers = [(hit.paper.title, hit.paper.abstract) for hit in hits]
    rated = [_rated(hit, r, question) for hit, r in zip(hits, read(question, papers), strict=True)]
    return sorted(rated, key=lambda hit: -hit.score)


def _rated(hit: Hit, relevance: Relevance, question: str) -> Hit:
    odds = log_odds(relevance.answered) + FOUND_WEIGHT * log_odds(hit.score)
    score = 1 / (1 + math.exp(-odds / (1 + FOUND_WEIGHT)))
    lacking = _lacking(hit, relevance, question)
    return replace(hit, score=score, answered=relevance.answered, lacking=lacking)


def _lacking(hit: Hit, relevance: Relevance, question: str) -> tuple[str, ...]:
    """The words that carry content and that the paper lacks, by the model and by the letter."""
    text = f"{hit.paper.title} {hit.paper.abstract}"
    has = content_words(text)
    words = (question[a:b] for a, b, share in relevance.lacking if share >= _SURE)
    return tuple(
        word
        for word in dict.fromkeys(words)
        if (content_words(word) - _HOW and stem(word.lower()) not in has)
        or (word[0].isdigit() and word not in text)
    )


def log_odds(share: float) -> float:
    """The logarithm of the odds, within what four digits can tell."""
    share = min(max(share, _LEAST), 1 - _LEAST)
    return math.log(share / (1 - share))
