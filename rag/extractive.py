"""The writer without a model: whole sentences of the sources, chosen to answer."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rag.history import standalone
from rag.injection import without_instructions
from rag.names import holders
from rag.quantities import asked_unit, quantities
from rag.sentences import sentence_spans, without_markers
from rag.types import Delta, Removed, Source, Turn
from rag.words import content_words

if TYPE_CHECKING:
    from rag.embedding import Embedder

MAX_SENTENCES = 4
MAX_SENTENCES_COMPARED = 6
MAX_PER_PAPER_COMPARED = 2
# Chosen on the development half of the questions (docs/evaluation.md).
_WORD_WEIGHT = 0.35
_CUE_BONUS = 0.2
_RANK_COST = 0.08  # for each paper that ranks above the sentence's
_OPENING_COST = 0.05  # an abstract's first sentence is mostly background
_DANGLING_COST = 0.05
_NO_FIGURE_COST = 0.2  # where a quantity is asked for
_BELOW_BEST = 0.25  # a further sentence may score this much less than the best
_BELOW_BEST_COMPARED = 0.4
_NEAR_DUPLICATE = 0.9

# What is asked for shows in the question; what answers it shows in the sentence.
_CUES = (
    (re.compile(r"\b(?:data ?sets?|benchmarks?|cohort|corpus|data)\b", re.I),
     re.compile(r"\b(?:data ?sets?|benchmarks?|cohorts?|corpus|challenge)\b", re.I)),
    (re.compile(r"\b(?:code|github|repository|download|available|released?|link)\b", re.I),
     re.compile(r"https?://|\bavailable\b|\breleased?\b", re.I)),
    (re.compile(r"\b(?:limit\w*|weakness\w*|drawback\w*|shortcoming\w*|fail\w*)\b", re.I),
     re.compile(r"\b(?:however|limit\w*|fail\w*|worse|weak\w*|struggl\w*|lack\w*|but)\b", re.I)),
    (re.compile(r"\bwhy\b|\breasons?\b|\bmotivat\w*", re.I),
     re.compile(r"\b(?:because|since|due|owing|so that|therefore|reason\w*|to avoid)\b", re.I)),
)  # fmt: skip
_ASKS_QUANTITY = re.compile(
    r"\bhow (?:many|much|long|often|large|big|fast\w*)|\bwhat (?:\w+ )?"
    r"(?:percentage|share|fraction|number|score|accuracy|size|rate|dice|auc\w*)\b", re.I
)  # fmt: skip
_ASKS_PRICE = re.compile(r"\bhow much (?:does|do|did|would|will)\b.*\bcosts?\b(?! in\b)", re.I)
_PRICE = re.compile(r"[$€£¥]\s?\d|\b(?:dollars?|euros?|pounds|usd|eur|gbp)\b", re.I)
# A sentence that leans on the one before it says little when it stands alone.
_DANGLING = re.compile(
    r"^(?:it|its|they|their|this|these|those|such|both|here|there|moreover|furthermore|additionally|also|"
    r"however|thus|hence|therefore|in addition|as a result|consequently|then)\b", re.I
)  # fmt: skip
_COMPARES = re.compile(
    r"\b(?:compar\w*|differ\w*|versus|vs|both|each|respectively|than|these (?:two|three)|"
    r"and (?:what|how|which|where)|which .* or)\b", re.I
)  # fmt: skip
# Such a question is not answered by one paper.
_CONTRASTS = re.compile(r"\b(?:compar\w*|differ\w*|versus|vs|both|each)\b", re.I)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence of a source, with its place in the abstract."""

    source: Source
    order: int
    text: str


class ExtractiveWriter:
    """Quotes the sources; needs no model and no network."""

    name = "extractive"
    remote = False
    endpoint = ""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    def draft(
        self, question: str, sources: Sequence[Source], history: Sequence[Turn]
    ) -> Generator[Delta, None, None]:
        """The sentences that answer best, grouped by paper, papers in their order."""
        candidates = _candidates(sources, history)
        if not candidates:
            return
        topic = standalone(question, history)
        named = holders(
            topic, [without_instructions(f"{source.title}. {source.text}") for source in sources]
        )
        compared = bool(_COMPARES.search(question))
        named_papers = {sources[row].n for row in named}
        if not _has_asked_unit(question, candidates, named_papers):
            return
        asked_for = named_papers | {s.n for s in sources[: 2 * bool(_CONTRASTS.search(question))]}
        asked_for &= {candidate.source.n for candidate in candidates}
        vectors = self._embedder.encode([question, *(c.text for c in candidates)])
        scores = score_sentences(question, topic, candidates, vectors[1:] @ vectors[0])
        chosen = _choose(candidates, scores, vectors[1:], asked_for, compared)
        paper = None
        for candidate in sorted(chosen, key=lambda c: (c.source.n, c.order)):
            gap = "" if paper is None else (" " if paper == candidate.source.n else "\n\n")
            paper = candidate.source.n
            yield Delta(gap + _cite(candidate))

    def repair(
        self, question: str, sources: Sequence[Source], draft: str, faults: Sequence[Removed]
    ) -> Delta | None:
        """None: what is quoted cannot be put better."""

    def condense(self, question: str, history: Sequence[Turn]) -> Delta | None:
        """None: rewriting a question takes a model."""


def _has_asked_unit(question: str, candidates: Sequence[Candidate], named: Collection[int]) -> bool:
    """Whether a question for hours or a price finds any, in the papers that it names."""
    unit = asked_unit(question)
    read = [c for c in candidates if c.source.n in named] or candidates
    if _ASKS_PRICE.search(question):
        return any(_PRICE.search(c.text) for c in read)
    return not unit or any(q.unit == unit for c in read for q in quantities(c.text))


def score_sentences(
    question: str, topic: str, candidates: Sequence[Candidate], cosines: np.ndarray
) -> np.ndarray:
    """How well each sentence answers.

    Args:
        question: as it was asked.
        topic: the question with what it refers to.
        candidates: n sentences.
        cosines: of question and sentences, shape (n,).

    Returns:
        Scores, shape (n,): the cosine, the share of the topic's words (weighted by IDF over
        the candidates), and whether the sentence holds the kind of thing that is asked for;
        less for lower papers, openings and sentences that lean on the one before.
    """
    words = [content_words(c.text) for c in candidates]
    asked = content_words(topic)
    rarity = {w: math.log(1 + len(words) / (1 + sum(w in has for has in words))) for w in asked}
    total = sum(rarity.values()) or 1.0
    scores = np.asarray(cosines, dtype=np.float64).copy()
    for row, candidate in enumerate(candidates):
        scores[row] += _WORD_WEIGHT * sum(rarity[w] for w in asked & words[row]) / total
        scores[row] += _CUE_BONUS * sum(
            bool(cue.search(question) and kind.search(candidate.text)) for cue, kind in _CUES
        )
        if _ASKS_QUANTITY.search(question):
            scores[row] += _CUE_BONUS if quantities(candidate.text) else -_NO_FIGURE_COST
        scores[row] -= _RANK_COST * (candidate.source.n - 1)
        scores[row] -= _OPENING_COST * (candidate.order == 0)
        scores[row] -= _DANGLING_COST * bool(_DANGLING.match(candidate.text))
    return scores


def _candidates(sources: Sequence[Source], history: Sequence[Turn]) -> list[Candidate]:
    said = " ".join(turn.content for turn in history if turn.role == "assistant")
    found = []
    for source in sources:
        research = without_instructions(source.text)
        for order, (start, end) in enumerate(sentence_spans(research)):
            text = " ".join(research[start:end].split())
            if text not in said and len(text.split()) > 1:
                found.append(Candidate(source, order, text))
    return found


def _choose(
    candidates: Sequence[Candidate],
    scores: np.ndarray,
    vectors: np.ndarray,
    asked_for: Collection[int],
    compared: bool,
) -> list[Candidate]:
    """The best sentences, no two alike; of several papers where papers are compared.

    Of each source in ``asked_for`` the best one is among them.
    """
    most = MAX_SENTENCES_COMPARED if compared else MAX_SENTENCES
    per_paper = MAX_PER_PAPER_COMPARED if compared else MAX_SENTENCES
    least = float(scores.max()) - (_BELOW_BEST_COMPARED if compared else _BELOW_BEST)
    ranked = [int(row) for row in np.argsort(-scores, kind="stable")]
    chosen = [
        next(row for row in ranked if candidates[row].source.n == number) for number in asked_for
    ]
    for row in ranked:
        if len(chosen) >= most or scores[row] < least:
            break
        same_paper = sum(candidates[c].source.n == candidates[row].source.n for c in chosen)
        repeats = any(float(vectors[row] @ vectors[c]) > _NEAR_DUPLICATE for c in chosen)
        if same_paper < per_paper and not repeats:
            chosen.append(row)
    return [candidates[row] for row in chosen]


def _cite(candidate: Candidate) -> str:
    """The sentence with its citation before the full stop, and no marker of its own."""
    text = without_markers(candidate.text)
    body = text.rstrip(".")
    if re.search(r"https?://\S+$", body) or not text.endswith("."):
        return f"{text.rstrip('.')} [{candidate.source.n}]."
    return f"{body} [{candidate.source.n}]."
