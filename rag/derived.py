"""What follows from the figures of a source: shares, factors, differences, sums, counts.

A figure that a source does not write is accepted only where a claim's words say how it comes
about ("fell by", "in total", "of the"), and from figures of one sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, combinations

from rag.units import Quantity, allowed, last_digit

# Words that tell of a difference: after the number ("5 points higher") or before it ("fell by").
_COMPARED = (
    r"more|less|fewer|greater|higher|lower|longer|shorter|faster|slower|sooner|earlier|later"
    r"|older|younger|larger|smaller|bigger|better|worse|wider|quicker|cheaper|stronger|deeper"
    r"|ahead|behind|above|below|apart|extra|further|additional|improvement|reduction|increase"
    r"|decrease|drop|rise|gain|loss|difference|short"
)
_CHANGED = (
    r"gain\w*|los[st]|losing|drop\w*|fell|fall\w*|rose|ris\w+|raise\w*|gr[eo]w\w*|cut\w*|sav\w+"
    r"|add\w*|differ\w*|improv\w+|increas\w+|decreas\w+|reduc\w+|declin\w+|shr[aiu]nk\w*"
    r"|shorten\w*|lengthen\w*|lift\w*|boost\w*|widen\w*|exceed\w*|surpass\w*|lower\w*|shed"
    r"|climb\w*|slip\w*|excess|advantage|lead|gap|extra|cost\w*|brought|bring\w*|outdid|beat\w*"
    r"|lessen\w*|margin|range\w*|leaving|left|swing|within|took|push\w+|by|ahead|another|apart"
)
_AFTER = re.compile(
    rf"[\s-]+(?:[\w'-]+[\s-]+){{0,3}}?(?:{_COMPARED})\b|\s+as\b", re.IGNORECASE
)  # fmt: skip
_BEFORE = re.compile(rf"\b(?:{_CHANGED})(?:\s+[\w'-]+){{0,4}}\s*$", re.IGNORECASE)
_WHOLE = re.compile(
    r"\s+(?:that|those|(?:of )?(?:the|its|their) (?:original|initial|usual|baseline|time|dose|cost"
    r"|rate|level|size))\b",
    re.IGNORECASE,
)
_TOTAL = re.compile(
    r"\b(?:total\w*|altogether|in all|overall|combin\w+|compris\w+|together|pool\w+)\b",
    re.IGNORECASE,
)
_MOST_ADDENDS = 5
_LONGEST_SUM = 8  # figures in a sentence; of more, some sum fits by chance
_FEWEST, _MOST_LISTED = 3, 6


@dataclass(frozen=True, slots=True)
class _How:
    """What a claim's words say a number is: a difference, a part of some whole, a sum."""

    compared: bool
    whole: bool
    total: bool


def follows(
    q: Quantity, text: str, sentences: Sequence[Sequence[Quantity]], lists: frozenset[int]
) -> bool:
    """Whether ``q`` of the claim ``text`` follows from the figures of a source.

    Args:
        q: with offsets into ``text``.
        text: the claim, as ``numerals.plain`` gives it.
        sentences: the figures of each of the source's sentences.
        lists: how many items its lists have; "three groups" may have been named only.
    """
    if q.parts and _are_both_stated(q.parts, [*chain.from_iterable(sentences)]):
        return True
    if not q.unit and not q.raw.isdigit() and _FEWEST - 1 <= q.value <= _MOST_LISTED:
        return q.value < _FEWEST or int(q.value) in lists
    low, high = allowed(q)
    how = _how(q, text)
    return any(
        low <= value <= high
        for figures in sentences
        for value in chain(_from_one(figures, q, how), _from_pairs(figures, q, how),
                           _totals(figures, q, how))
    )  # fmt: skip


def _how(q: Quantity, text: str) -> _How:
    before, after = text[max(0, q.start - 60) : q.start], text[q.end : q.end + 40]
    compared = bool(_AFTER.match(after) or _BEFORE.search(before))
    whole = q.soft and bool(_WHOLE.match(after))
    return _How(compared, whole, bool(_TOTAL.search(text)))


def _are_both_stated(parts: tuple[float, float], stated: Sequence[Quantity]) -> bool:
    """Whether both numbers of "nine of 14" are counts of a source that names no other share."""
    if any(s.parts and s.parts[1] == parts[1] for s in stated):
        return False
    return {s.value for s in stated if s.unit in ("", "times")}.issuperset(parts)


def _from_one(figures: Sequence[Quantity], q: Quantity, how: _How) -> Iterator[float]:
    """A rate ratio of 0.7 is 30% less; to halve is to cut by 50%."""
    if how.compared and q.unit == "percent":
        yield from (100 * abs(1 - s.value) for s in figures if s.unit == "times")
    if q.unit == "times" and q.value < 1:
        yield from (1 - s.value / 100 for s in figures if s.unit == "percent")


def _from_pairs(figures: Sequence[Quantity], q: Quantity, how: _How) -> Iterator[float]:
    """What two figures of one unit give in the unit of ``q``."""
    for a, b in combinations(figures, 2):
        if a.unit != b.unit:
            continue
        low, high = sorted((a.value, b.value))
        if q.unit == "times" and low:
            yield from (high / low, low / high)
        elif q.unit == "percent" and how.compared and low:
            yield from (100 * (high - low) / high, 100 * (high - low) / low)
        elif q.unit == "percent" and high and (_are_counts(a, b) or (a.unit and how.whole)):
            yield _share(low, high, q)
        if how.compared:
            yield from _differences(low, high, a.unit, q.unit)


def _are_counts(a: Quantity, b: Quantity) -> bool:
    return all(not s.unit and not s.soft and s.value % 1 == 0 for s in (a, b))


def _share(part: float, whole: float, q: Quantity) -> float:
    """In percent; of "40%", as of every exact figure, no more digits than it shows."""
    share = 100 * part / whole
    if q.soft or q.rounding != "exact":
        return share
    step = min(1.0, last_digit(q.value))
    return round(share / step) * step


def _differences(low: float, high: float, unit: str, wanted: str) -> Iterator[float]:
    if wanted == unit or (wanted == "points" and unit in ("percent", "")):
        yield round(high - low, 6)
        if wanted == "points" and high <= 1:
            yield round(100 * (high - low), 6)


def _totals(figures: Sequence[Quantity], q: Quantity, how: _How) -> Iterator[float]:
    values = [s.value for s in figures if s.unit == q.unit]
    if how.total and len(values) <= _LONGEST_SUM:
        for count in range(2, _MOST_ADDENDS + 1):
            yield from map(sum, combinations(values, count))
