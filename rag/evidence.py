"""What a source can be cited for: its sentences and its title, without orders to the reader."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rag.injection import without_instructions
from rag.openings import without_opening
from rag.sentences import sentence_spans
from rag.types import Evidence, Field, Source
from rag.words import content_words

MAX_EVIDENCE = 3
"""Spans that are shown for one claim."""
MAX_WORDS = 320
"""Words that the verifier reads at once; more are chosen by what the claims speak of."""
_TITLE_COST = 0.5
_WORDS = re.compile(r"[^\W_]+|[%<>=±]")
_FIGURES = re.compile(r"\d[\d.,]*\d|\d")


@dataclass(frozen=True, slots=True)
class Span:
    """A sentence of a source's abstract, or its title."""

    source: int
    field: Field
    start: int
    end: int
    text: str
    words: frozenset[str]
    """Content words, stemmed."""

    @property
    def evidence(self) -> Evidence:
        """As it is shown."""
        return Evidence(self.source, self.field, self.start, self.end, self.text)


@dataclass(frozen=True, slots=True)
class View:
    """A source as the check reads it."""

    source: Source
    spans: tuple[Span, ...]
    """Sentences in their order, then the title."""
    words: frozenset[str]
    quotable: frozenset[tuple[str, ...]]
    """Each span's words in their order, with and without what joins it to the one before."""

    @property
    def text(self) -> str:
        """Title and sentences, as the exact checks read them."""
        return "\n".join([self.spans[-1].text, *(span.text for span in self.spans[:-1])])


@lru_cache(maxsize=512)
def read(source: Source) -> View:
    """The sentences and the title of ``source``; what addresses a model is left out."""
    text, title = without_instructions(source.text), without_instructions(source.title)
    spans = [
        Span(source.n, "abstract", start, end, text[start:end], content_words(text[start:end]))
        for start, end in sentence_spans(text)
    ]
    spans.append(Span(source.n, "title", 0, len(title), title, content_words(title)))
    words = frozenset().union(*(span.words for span in spans))
    told = {said for span in spans for said in (span.text, without_opening(span.text))}
    return View(source, tuple(spans), words, frozenset(map(_in_order, told)))


def is_quoted(text: str, views: Sequence[View]) -> bool:
    """Whether ``text`` is a whole sentence of a source, word by word."""
    words = _in_order(text)
    return bool(words) and any(words in view.quotable for view in views)


def passage(views: Sequence[View], claims: Sequence[str]) -> str:
    """What the verifier reads: the sources whole, or the sentences nearest to the claims.

    Several sources together may be more than it can take in; every title stays, and of the
    sentences those that share most words with a claim, in their order.
    """
    wanted = [content_words(claim) for claim in claims]
    spans = [span for view in views for span in view.spans[:-1]]
    if is_too_long(views):
        spans = _nearest(spans, wanted, MAX_WORDS - sum(len(v.source.title.split()) for v in views))
    kept = {id(span) for span in spans}
    parts = []
    for view in views:
        body = " ".join(span.text for span in view.spans[:-1] if id(span) in kept)
        parts.append("\n".join(filter(None, [view.spans[-1].text.strip(), body])))
    return "\n".join(parts)


def is_too_long(views: Sequence[View]) -> bool:
    """Whether the verifier cannot read ``views`` whole."""
    return sum(len(view.text.split()) for view in views) > MAX_WORDS


def _nearest(spans: Sequence[Span], wanted: Sequence[Collection[str]], budget: int) -> list[Span]:
    ranked = sorted(spans, key=lambda span: -max(len(span.words & set(w)) for w in wanted))
    kept: list[Span] = []
    for span in ranked:
        size = len(span.text.split())
        if size <= budget:
            kept.append(span)
            budget -= size
    return kept


def best_spans(text: str, views: Sequence[View]) -> tuple[Evidence, ...]:
    """The fewest sentences that cover the claim: greedily, the one that adds most first."""
    spans = [span for view in views for span in view.spans if span.text.strip()]
    figures = set(_FIGURES.findall(text))
    chosen: list[Span] = []
    open_words = set(content_words(text))
    while spans and len(chosen) < MAX_EVIDENCE:
        best = max(spans, key=lambda span: _gain(span, open_words, figures))
        if chosen and _gain(best, open_words, figures) < 2:
            break
        chosen.append(best)
        spans.remove(best)
        open_words -= best.words
        figures -= {figure for figure in figures if figure in best.text}
    return tuple(span.evidence for span in chosen)


def _gain(span: Span, words: Collection[str], figures: Collection[str]) -> float:
    gain = sum(word in span.words for word in words)
    gain += 2 * sum(figure in span.text for figure in figures)
    return gain - (_TITLE_COST if span.field == "title" else 0.0)


def _in_order(text: str) -> tuple[str, ...]:
    return tuple(_WORDS.findall(text.lower()))
