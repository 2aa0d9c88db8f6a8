"""Which sentences of the sources answer: how they are ranked, and how many are taken of whom."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from rag.asked import asks_quantity
from rag.openings import leans
from rag.quantities import quantities
from rag.relevance import log_odds
from rag.types import Source

MAX_SENTENCES = 4
MAX_SENTENCES_OF_SEVERAL = 6
MAX_PER_PAPER_OF_SEVERAL = 3
MAX_OF_EACH_ASKED = 2
# Chosen on the development half of the questions (docs/retrieval.md).
_COSINE_WEIGHT = 1.0
_PAPER_WEIGHT = 0.5
_FIGURE_BONUS = 0.5  # where a quantity is asked for; as much less without one
_LEANING_COST = 0.3
_INTRODUCES_BONUS = 1.5
_BELOW_BEST = 4.0  # a further sentence may score this much less than the best
_NEAR_DUPLICATE = 0.9
_FEW = 2

_INTRODUCES = re.compile(
    r"\b(?:we|authors?|paper|article|study|work|they)(?: \w+){0,2} (?:introduc|present|propos|"
    r"construct|develop|describ|design|build|creat|releas|put forward|survey|review)\w*",
    re.I,
)
_LONGEST_NAME = 3  # words before the colon of a title
_EARLY = 4  # sentences of an abstract in which its thing is introduced


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence of a source, with its place in the abstract."""

    source: Source
    order: int
    text: str
    question: str
    """What its paper is asked."""
    share: float
    """Probability that it is part of the answer."""
    answered: float
    """Probability that its abstract answers the question."""


def score(candidates: Sequence[Candidate], cosines: np.ndarray) -> np.ndarray:
    """How well each sentence answers.

    Args:
        candidates: n sentences.
        cosines: of each with its question, shape (n,).

    Returns:
        Scores, shape (n,): the log odds that it is part of the answer, with the cosine, what
        its paper has on the question beside the best one, and whether it holds a figure where
        one is asked for; less for a sentence that leans on the one before.
    """
    best = max(log_odds(candidate.answered) for candidate in candidates)
    scores = _COSINE_WEIGHT * np.asarray(cosines, dtype=np.float64)
    for row, candidate in enumerate(candidates):
        figure = _FIGURE_BONUS * asks_quantity(candidate.question)
        scores[row] += log_odds(candidate.share)
        scores[row] += _PAPER_WEIGHT * (log_odds(candidate.answered) - best)
        scores[row] += figure if quantities(candidate.text) else -figure
        scores[row] -= _LEANING_COST * leans(candidate.text)
    return scores


def choose(
    candidates: Sequence[Candidate],
    scores: np.ndarray,
    vectors: np.ndarray,
    wanted: Collection[int],
    several: bool,
) -> list[Candidate]:
    """The best sentences, no two alike; of several papers where several are asked for.

    Of each source in ``wanted`` the best one is among them. ``vectors`` are the sentences',
    shape (n, dimension), of length 1.
    """
    most = MAX_SENTENCES_OF_SEVERAL if several else MAX_SENTENCES
    per_paper = MAX_PER_PAPER_OF_SEVERAL if several else MAX_SENTENCES
    least = float(scores.max()) - _BELOW_BEST
    ranked = [int(row) for row in np.argsort(-scores, kind="stable")]
    chosen = [
        next(row for row in ranked if candidates[row].source.n == number)
        for number in sorted(wanted)
    ][:most]
    for row in ranked:
        if len(chosen) >= most or scores[row] < least:
            break
        same_paper = sum(candidates[c].source.n == candidates[row].source.n for c in chosen)
        repeats = any(float(vectors[row] @ vectors[c]) > _NEAR_DUPLICATE for c in chosen)
        if same_paper < per_paper and not repeats:
            chosen.append(row)
    return [candidates[row] for row in chosen]


def choose_of_each(candidates: Sequence[Candidate], scores: np.ndarray) -> list[Candidate]:
    """The best sentence of each paper and the next, if it comes near it: for a comparison."""
    return _of_each(candidates, scores, MAX_OF_EACH_ASKED)


def choose_for_list(candidates: Sequence[Candidate], scores: np.ndarray) -> list[Candidate]:
    """One sentence of each paper, the one that says what the paper is about; of few papers two."""
    papers = len({candidate.source.n for candidate in candidates})
    scores = scores + _INTRODUCES_BONUS * np.array([_introduces(c) for c in candidates])
    return _of_each(candidates, scores, 2 if papers <= _FEW else 1)


def _of_each(candidates: Sequence[Candidate], scores: np.ndarray, most: int) -> list[Candidate]:
    chosen = []
    for number in dict.fromkeys(candidate.source.n for candidate in candidates):
        own = [row for row, candidate in enumerate(candidates) if candidate.source.n == number]
        own.sort(key=lambda row: -scores[row])
        chosen += [row for row in own[:most] if scores[row] >= scores[own[0]] - _BELOW_BEST]
    return [candidates[row] for row in chosen]


def _introduces(candidate: Candidate) -> bool:
    """Whether it presents what its paper is about: by the title's name, or in so many words."""
    name = candidate.source.title.partition(":")[0]
    named = len(name.split()) <= _LONGEST_NAME and name in candidate.text
    return (named and candidate.order < _EARLY) or _INTRODUCES.search(candidate.text) is not None
