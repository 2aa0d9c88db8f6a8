"""The writer without a model: whole sentences of the sources, chosen to answer."""

from __future__ import annotations

import re
from collections.abc import Collection, Generator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rag.answering import Relevance
from rag.asked import asks_price, asks_quantity, compares, contrasts, lists, open_ended
from rag.history import standalone
from rag.injection import without_instructions
from rag.names import holders
from rag.quantities import asked_unit, quantities
from rag.relevance import best_for_parts, each_asked, log_odds, read
from rag.sentences import sentence_spans, without_markers
from rag.types import Delta, Removed, Source, Turn

if TYPE_CHECKING:
    from rag.embedding import Embedder

MAX_SENTENCES = 4
MAX_SENTENCES_OF_SEVERAL = 6
MAX_PER_PAPER_OF_SEVERAL = 3
# Chosen on the development half of the questions (docs/retrieval.md).
_LEAST_ANSWERED = 0.005
"""A question that no paper answers with this probability, on its scale, is not answered."""
_COSINE_WEIGHT = 1.0
_PAPER_WEIGHT = 0.5
_FIGURE_BONUS = 0.5  # where a quantity is asked for; as much less without one
_DANGLING_COST = 0.3
_BELOW_BEST = 4.0  # a further sentence may score this much less than the best
_NEAR_DUPLICATE = 0.9

_PRICE = re.compile(r"[$€£¥]\s?\d|\b(?:dollars?|euros?|pounds|usd|eur|gbp)\b", re.I)
_INTRODUCES = re.compile(
    r"\b(?:we|authors?|paper|article|study|work|they)(?: \w+){0,2} "
    r"(?:introduc|present|propos|construct|develop|describ|design|build|creat|releas|put forward|survey|review)\w*",
    re.I,
)
_INTRODUCES_BONUS = 1.5
# A sentence that leans on the one before it says little when it stands alone.
_DANGLING = re.compile(
    r"^(?:it|its|they|their|this|these|those|such|both|here|there|moreover|furthermore|additionally|also|"
    r"however|thus|hence|therefore|in addition|as a result|consequently|then)\b", re.I
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence of a source, with its place in the abstract."""

    source: Source
    order: int
    text: str
    share: float
    """Probability that it is part of the answer."""
    answered: float
    """Probability that its abstract answers the question."""


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
        """The sentences that answer best, grouped by paper, papers in their order.

        None where no source answers: a paper on the subject is no answer yet.
        """
        topic = standalone(question, history)
        papers = [(source.title, source.text) for source in sources]
        found, asked = read(topic, papers), each_asked(topic, papers)
        for row, own in asked.items():
            found[row] = read(own, [papers[row]])[0]
        candidates = _candidates(sources, found, history)
        if not candidates:
            return
        several = _asks_several(question)
        named = _named(topic, sources)
        # Each paper has only its side of a comparison.
        sure = open_ended(topic) or (contrasts(question) and len(named) > 1)
        if not sure and max(r.answered for r in found) < _LEAST_ANSWERED:
            return
        if not _has_asked_unit(question, candidates, named):
            return
        if asked:
            heard = {sources[row].n for row in asked}
            candidates = [c for c in candidates if c.source.n in heard]
        questions = {sources[row].n: own for row, own in asked.items()}
        asking = [questions.get(c.source.n, question) for c in candidates]
        texts = list(dict.fromkeys([*asking, *(c.text for c in candidates)]))
        at = dict(zip(texts, self._embedder.encode(texts), strict=True))
        vectors = np.array([at[c.text] for c in candidates])
        cosines = [float(at[q] @ v) for q, v in zip(asking, vectors, strict=True)]
        scores = score_sentences(asking, candidates, np.array(cosines))
        wanted = _wanted(question, sources, named)
        wanted |= {sources[row].n for row in best_for_parts(topic, papers)}
        wanted &= {candidate.source.n for candidate in candidates}
        if lists(question):
            scores += _INTRODUCES_BONUS * np.array([_introduces(c) for c in candidates])
        if asked:
            chosen = _choose_of_each(candidates, scores)
        else:
            chosen = _choose(candidates, scores, vectors, wanted, several, lists(question))
        titled = lists(question)
        paper = None
        for candidate in sorted(chosen, key=lambda c: (c.source.n, c.order)):
            lead = " "
            if paper != candidate.source.n:
                lead = "" if paper is None else ("\n" if titled else "\n\n")
                lead += f"- {_cite(candidate.source.title, candidate.source.n)} " if titled else ""
            paper = candidate.source.n
            yield Delta(lead + _cite(candidate.text, candidate.source.n))

    def repair(
        self, question: str, sources: Sequence[Source], draft: str, faults: Sequence[Removed]
    ) -> Delta | None:
        """None: what is quoted cannot be put better."""

    def condense(self, question: str, history: Sequence[Turn]) -> Delta | None:
        """None: rewriting a question takes a model."""


def _asks_several(question: str) -> bool:
    return compares(question) or lists(question)


def _named(topic: str, sources: Sequence[Source]) -> set[int]:
    """The numbers of the sources that the question names."""
    texts = [without_instructions(f"{source.title}. {source.text}") for source in sources]
    return {sources[row].n for row in holders(topic, texts)}


def _wanted(question: str, sources: Sequence[Source], named: AbstractSet[int]) -> set[int]:
    """The numbers of the sources that each have to be heard."""
    if lists(question):
        return {source.n for source in sources}
    return set(named) | {s.n for s in sources[: 2 * (contrasts(question) and not named)]}


def _has_asked_unit(
    question: str, candidates: Sequence[Candidate], named: AbstractSet[int]
) -> bool:
    """Whether a question for hours or a price finds any, in the papers that it names."""
    unit = asked_unit(question)
    read = [c for c in candidates if c.source.n in named] or candidates
    if asks_price(question):
        return any(_PRICE.search(c.text) for c in read)
    return not unit or any(q.unit == unit for c in read for q in quantities(c.text))


def score_sentences(
    questions: Sequence[str], candidates: Sequence[Candidate], cosines: np.ndarray
) -> np.ndarray:
    """How well each sentence answers.

    Args:
        question: as it was asked.
        candidates: n sentences.
        cosines: of question and sentences, shape (n,).

    Returns:
        Scores, shape (n,): the log odds that it is part of the answer, with the cosine, what
        its paper has on the question beside the best one, and whether it holds a figure where
        one is asked for; less for a sentence that leans on the one before.
    """
    best = max(log_odds(candidate.answered) for candidate in candidates)
    scores = _COSINE_WEIGHT * np.asarray(cosines, dtype=np.float64)
    for row, candidate in enumerate(candidates):
        figures = _FIGURE_BONUS * asks_quantity(questions[row])
        scores[row] += log_odds(candidate.share)
        scores[row] += _PAPER_WEIGHT * (log_odds(candidate.answered) - best)
        scores[row] += figures if quantities(candidate.text) else -figures
        scores[row] -= _DANGLING_COST * bool(_DANGLING.match(candidate.text))
    return scores


def _candidates(
    sources: Sequence[Source], found: Sequence[Relevance], history: Sequence[Turn]
) -> list[Candidate]:
    said = " ".join(turn.content for turn in history if turn.role == "assistant")
    rows = []
    for source, relevance in zip(sources, found, strict=True):
        research = without_instructions(source.text)
        shares = zip(sentence_spans(research), relevance.sentences, strict=True)
        for order, ((start, end), share) in enumerate(shares):
            text = " ".join(research[start:end].split())
            if text not in said and len(text.split()) > 1:
                rows.append(Candidate(source, order, text, share, relevance.answered))
    return rows


def _choose(
    candidates: Sequence[Candidate],
    scores: np.ndarray,
    vectors: np.ndarray,
    wanted: Collection[int],
    several: bool,
    lst: bool = False,
) -> list[Candidate]:
    """The best sentences, no two alike; of several papers where several are asked for.

    Of each source in ``wanted`` the best one is among them.
    """
    most = MAX_SENTENCES_OF_SEVERAL if several else MAX_SENTENCES
    per_paper = MAX_PER_PAPER_OF_SEVERAL if several else MAX_SENTENCES
    if lst:
        per_paper = 1 if len(wanted) > 2 else 2
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


def _introduces(candidate: Candidate) -> bool:
    """Whether it says what its paper is about: by the name in the title, or in so many words."""
    own = candidate.source.title.partition(":")[0]
    words = own.split()
    named = len(words) <= 3 and own in candidate.text
    return (named and candidate.order < 4) or _INTRODUCES.search(candidate.text) is not None


def _choose_of_each(candidates: Sequence[Candidate], scores: np.ndarray) -> list[Candidate]:
    """The best sentence of each paper, and those that come near it."""
    chosen = []
    for number in dict.fromkeys(c.source.n for c in candidates):
        own = [row for row, c in enumerate(candidates) if c.source.n == number]
        own.sort(key=lambda row: -scores[row])
        chosen += [row for row in own[:P["N"]] if scores[row] >= scores[own[0]] - P["D"]]
    return [candidates[row] for row in chosen]


P = {"N": 2, "D": 4}


def _cite(text: str, number: int) -> str:
    """The text, each sentence with its citation before the full stop, without markers of its own."""
    text = without_markers(" ".join(text.split()))
    return " ".join(_cite_sentence(text[a:b], number) for a, b in sentence_spans(text))


def _cite_sentence(text: str, number: int) -> str:
    if text[-1] in "?!":
        return f"{text} [{number}]"
    return f"{text.rstrip('.')} [{number}]."
