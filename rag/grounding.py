"""Is this claim supported by the passages that it cites? A verdict with evidence spans.

Exact checks first, which nothing overrules: the citation exists, a factual sentence has one,
every figure and every acronym or coded name is in a cited paper. Then coverage: enough of the
claim's content words must stand in the cited papers. A trained verifier takes the place of
coverage behind the same ``verify``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rag.citations import split_at_markers
from rag.names import absent_names, names
from rag.quantities import quantities, unstated
from rag.sentences import sentence_spans
from rag.types import Claim, Evidence, Field, Source, Verdict
from rag.words import content_words, stem, words_of

MIN_COVERAGE = 0.5
"""Share of a claim's content words that the cited papers must hold together."""
MIN_CLAUSE_COVERAGE = 0.34
"""Share that holds for each clause of it with ``_CLAUSE_WORDS`` content words or more."""
_CLAUSE_WORDS = 4
_FEW_WORDS = 3
"""So few content words prove little: see ``_enough``."""
_MAX_EVIDENCE = 3
_CLAUSE = re.compile(r";|, (?:and|but|while|whereas|which|so|yet)\b| (?:and|but|while|whereas) ")


def verify(claim: Claim, sources: Sequence[Source]) -> Verdict:
    """Check one claim against the sources that it cites.

    Args:
        claim: as ``citations.parse_claims`` gives it.
        sources: all sources of the draft; the claim cites them by ``n``.

    Returns:
        A verdict whose ``evidence`` is cut from the sources and whose ``citations`` are the
        cited sources that carry the claim; ``reason`` is for people.
    """
    if not claim.checkable:
        return Verdict("not_a_claim", "states nothing to check")
    by_number = {source.n: source for source in sources}
    phantoms = [n for n in claim.citations if n not in by_number]
    if phantoms:
        return Verdict("phantom", f"source {phantoms[0]} does not exist")
    if not claim.citations:
        return Verdict("uncited", "a factual sentence without a citation")
    return _against(
        claim.bare, [by_number[n] for n in claim.citations], split_at_markers(claim.raw)
    )


def support_of(text: str, source: Source) -> Verdict:
    """Check a sentence against one source, as if it cited it."""
    return _against(text, [source])


def _against(text: str, cited: Sequence[Source], parts: Sequence[str] = ()) -> Verdict:
    views = [_read(source) for source in cited]
    words = content_words(text)
    held: frozenset[str] = frozenset().union(*(view.words for view in views))
    support = round(len(words & held) / len(words), 4) if words else 0.0
    named = _and([f"source {source.n}" for source in cited])
    read = "\n".join(f"{source.title}\n{source.text}" for source in cited)
    missing = [*unstated(text, read), *absent_names(text, read)]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        reason = f"{_and(missing)} {verb} not in {named}"
        return Verdict("unsupported", reason, support=min(support, MIN_COVERAGE / 2))
    clauses = [c for part in parts or (text,) for c in _CLAUSE.split(part)]
    if not _enough(text, words, held) or not all(_clause_is_held(c, held) for c in clauses):
        absent = sorted((w for w in words_of(text) if stem(w) in words - held), key=len)
        reason = f"too little of it is in {named}"
        return Verdict("unsupported", reason + _such_as(absent[-3:]), support=support)
    evidence = _evidence(words, views, text)
    carrying = {item.source for item in evidence}
    kept = tuple(
        view.source.n
        for view in views
        if view.source.n in carrying
        or (len(views) > 1 and len(words & view.words) >= MIN_COVERAGE * len(words))
    )
    return Verdict("supported", support=support, evidence=evidence, citations=kept)


def _enough(text: str, words: frozenset[str], held: frozenset[str]) -> bool:
    """Whether enough of a claim's content words are held.

    Of two or three words all must be, or some together with a figure or a name, which have
    been found by then: "It runs on a phone" is not proved by a paper that runs.
    """
    anchors = names(text)
    plain = words - content_words(" ".join(anchors))
    if len(plain) > _FEW_WORDS:
        return len(words & held) >= MIN_COVERAGE * len(words)
    certain = len(anchors) + len(quantities(text))
    if plain <= held:
        return bool(plain) or certain > 0
    return certain > 0 and len(plain & held) >= len(plain - held)


def _clause_is_held(clause: str, held: frozenset[str]) -> bool:
    words = content_words(clause)
    return len(words) < _CLAUSE_WORDS or len(words & held) >= MIN_CLAUSE_COVERAGE * len(words)


@dataclass(frozen=True, slots=True)
class _Span:
    source: int
    field: Field
    start: int
    end: int
    text: str
    words: frozenset[str]


@dataclass(frozen=True, slots=True)
class _View:
    source: Source
    spans: tuple[_Span, ...]
    words: frozenset[str]


@lru_cache(maxsize=512)
def _read(source: Source) -> _View:
    spans = [
        _Span(source.n, "abstract", start, end, source.text[start:end],
              content_words(source.text[start:end]))
        for start, end in sentence_spans(source.text)
    ]  # fmt: skip
    title = source.title
    spans.append(_Span(source.n, "title", 0, len(title), title, content_words(title)))
    return _View(source, tuple(spans), frozenset().union(*(span.words for span in spans)))


def _evidence(words: frozenset[str], views: Sequence[_View], text: str) -> tuple[Evidence, ...]:
    """The fewest sentences that cover the claim: greedily, the one that adds most first."""
    spans = [span for view in views for span in view.spans]
    figures = set(re.findall(r"\d[\d.,]*\d|\d", text))
    chosen: list[_Span] = []
    open_words = set(words)
    while spans and len(chosen) < _MAX_EVIDENCE:
        best = max(spans, key=lambda span: _gain(span, open_words, figures))
        if _gain(best, open_words, figures) < (1 if not chosen else 2):
            break
        chosen.append(best)
        spans.remove(best)
        open_words -= best.words
        figures -= {figure for figure in figures if figure in best.text}
    return tuple(Evidence(s.source, s.field, s.start, s.end, s.text) for s in chosen)


def _gain(span: _Span, words: Iterable[str], figures: Iterable[str]) -> float:
    gain = sum(word in span.words for word in words)
    gain += 2 * sum(figure in span.text for figure in figures)
    return gain - (0.5 if span.field == "title" else 0.0)


def _and(items: Sequence[str]) -> str:
    return items[0] if len(items) == 1 else ", ".join(items[:-1]) + " and " + items[-1]


def _such_as(words: Sequence[str]) -> str:
    return f" (nothing on {', '.join(words)})" if words else ""
