"""The writer without a model: whole sentences of the sources, chosen to answer."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from rag.answering import Relevance
from rag.asked import asks_price, compares, contrasts, lists, open_ended
from rag.choosing import Candidate, choose, choose_for_list, choose_of_each, score
from rag.history import standalone
from rag.injection import without_instructions
from rag.names import holders
from rag.openings import without_opening
from rag.quantities import asked_unit, quantities
from rag.relevance import best_for_parts, each_asked, read
from rag.sentences import sentence_spans, without_markers
from rag.types import Delta, Removed, Source, Turn

if TYPE_CHECKING:
    from rag.embedding import Embedder

_LEAST_ANSWERED = 0.005
"""A question that no paper answers with this probability, on its scale, is not answered; chosen
on the development half of the questions (docs/retrieval.md)."""
_PRICE = re.compile(r"[$€£¥]\s?\d|\b(?:dollars?|euros?|pounds|usd|eur|gbp)\b", re.I)


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

        None where no source answers: a paper on the subject is no answer yet. A question for
        all that there is of a kind gets a list, each paper by its title.
        """
        topic = standalone(question, history)
        papers = [(source.title, source.text) for source in sources]
        asked = {sources[row].n: own for row, own in each_asked(topic, papers).items()}
        found = _read(topic, sources, asked)
        candidates = _candidates(sources, found, question, asked, history)
        named = _named(topic, sources)
        # Each paper has only its side of a comparison.
        sure = open_ended(topic) or (contrasts(question) and (asked or len(named) > 1))
        meant = [r for s, r in zip(sources, found, strict=True) if s.n in named] or found
        answered = max((each.answered for each in meant), default=0.0)
        if not candidates or not (sure or answered >= _LEAST_ANSWERED):
            return
        if not _has_asked_unit(question, candidates, named):
            return
        if asked:
            candidates = [each for each in candidates if each.source.n in asked]
        parts = {sources[row].n for row in best_for_parts(topic, papers)}
        wanted = _wanted(question, sources, named) | parts
        chosen = self._choose(question, candidates, wanted, several=bool(asked))
        yield from map(Delta, _written(chosen, titled=lists(question)))

    def _choose(
        self, question: str, candidates: Sequence[Candidate], wanted: set[int], several: bool
    ) -> list[Candidate]:
        """Those that are quoted; ``several``: of each paper, as each was asked by itself."""
        texts = list(dict.fromkeys(t for c in candidates for t in (c.question, c.text)))
        vector = dict(zip(texts, self._embedder.encode(texts), strict=True))
        cosines = np.array([float(vector[c.question] @ vector[c.text]) for c in candidates])
        scores = score(candidates, cosines)
        if lists(question):
            return choose_for_list(candidates, scores)
        if several:
            return choose_of_each(candidates, scores)
        wanted &= {candidate.source.n for candidate in candidates}
        vectors = np.array([vector[candidate.text] for candidate in candidates])
        return choose(candidates, scores, vectors, wanted, compares(question))

    def repair(
        self, question: str, sources: Sequence[Source], draft: str, faults: Sequence[Removed]
    ) -> Delta | None:
        """None: what is quoted cannot be put better."""

    def condense(self, question: str, history: Sequence[Turn]) -> Delta | None:
        """None: rewriting a question takes a model."""


def _read(topic: str, sources: Sequence[Source], asked: Mapping[int, str]) -> list[Relevance]:
    """What each source has on the question, its sentences on what is asked of it alone."""
    papers = [(source.title, source.text) for source in sources]
    found = read(topic, papers)
    for row, source in enumerate(sources):
        if source.n in asked:
            own = read(asked[source.n], [papers[row]])[0]
            found[row] = replace(own, answered=max(own.answered, found[row].answered))
    return found


def _candidates(
    sources: Sequence[Source],
    found: Sequence[Relevance],
    question: str,
    asked: Mapping[int, str],
    history: Sequence[Turn],
) -> list[Candidate]:
    said = " ".join(turn.content for turn in history if turn.role == "assistant")
    rows = []
    for source, relevance in zip(sources, found, strict=True):
        research, own = without_instructions(source.text), asked.get(source.n, question)
        shares = zip(sentence_spans(research), relevance.sentences, strict=True)
        for order, ((start, end), share) in enumerate(shares):
            text = " ".join(research[start:end].split())
            if text not in said and len(text.split()) > 1:
                rows.append(Candidate(source, order, text, own, share, relevance.answered))
    return rows


def _named(topic: str, sources: Sequence[Source]) -> set[int]:
    """The numbers of the sources that the question names."""
    texts = [without_instructions(f"{source.title}. {source.text}") for source in sources]
    return {sources[row].n for row in holders(topic, texts)}


def _wanted(question: str, sources: Sequence[Source], named: AbstractSet[int]) -> set[int]:
    """The numbers of the sources that each have to be heard."""
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


def _written(chosen: Sequence[Candidate], *, titled: bool) -> Iterator[str]:
    """The sentences in the order of their papers, a paragraph each; ``titled``: a list of them."""
    paper = None
    for candidate in sorted(chosen, key=lambda c: (c.source.n, c.order)):
        source, lead = candidate.source, " "
        if source.n != paper:
            lead = "" if paper is None else ("\n" if titled else "\n\n")
            lead += f"- {_cite(without_instructions(source.title), source.n)} " if titled else ""
        paper = source.n
        yield lead + _cite(without_opening(candidate.text), source.n)


def _cite(text: str, number: int) -> str:
    """The text with a citation in each sentence, and no marker of its own."""
    text = without_markers(" ".join(text.split()))
    return " ".join(_cite_sentence(text[a:b], number) for a, b in sentence_spans(text))


def _cite_sentence(text: str, number: int) -> str:
    """The sentence with its citation before the full stop; after a question mark."""
    if text.endswith(("?", "!")):
        return f"{text} [{number}]"
    return f"{text.rstrip('.')} [{number}]."
