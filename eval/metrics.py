"""The metrics: one short pure function each, with its formula and its source.

Every value lies in 0..1. ``None`` means undefined (a share of nothing): such an item leaves
the mean, and a mean over no items is printed as ``n/a (n=0)``. What a *failed* item counts
is not decided here but in ``report.py``: 0.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

Z95 = 1.959964
"""Two-sided 95% quantile of the normal distribution."""


# --- retrieval ---------------------------------------------------------------------------


def recall_at_k(gold: Collection[str], ranked: Sequence[str], k: int) -> float | None:
    """|gold ∩ first k of ranked| / |gold| (Manning et al. 2008, ch. 8)."""
    return share(paper in ranked[:k] for paper in gold)


def reciprocal_rank(gold: Collection[str], ranked: Sequence[str]) -> float | None:
    """1 / rank of the first gold paper, 0 if none is ranked (Voorhees 1999, TREC-8 QA)."""
    if not gold:
        return None
    return next((1 / rank for rank, paper in enumerate(ranked, 1) if paper in gold), 0.0)


# --- citations ---------------------------------------------------------------------------


def citation_recall(supported: Sequence[bool]) -> float | None:
    """Sentences fully supported by the sources they cite / sentences (ALCE, Gao et al. 2023).

    A sentence that cites nothing, or a source that does not exist, is not supported.
    """
    return share(supported)


def citation_precision(right: Sequence[bool]) -> float | None:
    """Citations that are right / all citations, phantom ones included (after ALCE)."""
    return share(right)


def right_citations(
    cited: Sequence[int],
    existing: Collection[int],
    supports: Callable[[tuple[int, ...]], bool],
) -> list[bool]:
    """For each citation of one sentence, whether it is right (ALCE, Gao et al. 2023).

    It is right if the source exists, the cited sources together support the sentence, and
    this one is needed: alone it supports the sentence, or without it the others do not.
    ALCE drops phantom citations before counting; here they stay, as wrong ones.
    """
    real = tuple(n for n in cited if n in existing)
    if not real or not supports(real):
        return [False] * len(cited)
    if len(real) == 1:
        return [n in existing for n in cited]

    def needed(n: int) -> bool:
        return supports((n,)) or not supports(tuple(other for other in real if other != n))

    return [n in existing and needed(n) for n in cited]


def gold_citation_precision(cited: Collection[str], gold: Collection[str]) -> float | None:
    """|cited papers ∩ gold| / |cited papers|; 0 if nothing is cited, undefined without gold."""
    if not gold:
        return None
    return share(paper in gold for paper in set(cited)) or 0.0


def gold_citation_recall(cited: Collection[str], gold: Collection[str]) -> float | None:
    """|cited papers ∩ gold| / |gold|."""
    return share(paper in cited for paper in set(gold))


# --- facts -------------------------------------------------------------------------------

_STEM = 5
"""Letters that a wording's last word needs before it is read as a stem."""


def fact_recall(found: Sequence[bool]) -> float | None:
    """Facts stated / facts listed (nugget recall, Lin & Demner-Fushman 2005)."""
    return share(found)


def states(text: str, wordings: Sequence[str]) -> bool:
    """Whether a text, citation markers removed, holds one of the accepted wordings.

    Case, white space, kinds of dash, hyphens between words, ``percent`` and thousands
    separators make no difference. A wording begins where a word begins. A number in it ends
    where it ends: "80" is not in "80.5". A last word of five letters or more may go on
    ("correlat" is in "correlated"), a shorter one only by a plural s ("CTs").
    """
    plain = normalise(text)
    return any(re.search(_pattern(normalise(wording)), plain) for wording in wordings)


def normalise(text: str) -> str:
    """Lower case, one space, ``-`` only as a minus, ``%``, no thousands separators."""
    text = unicodedata.normalize("NFKC", text).casefold()
    text = re.sub(r"[‐‑‒–—―−]", "-", text)
    text = re.sub(r"(?<=\w)-|(?<=\s)-(?=\s)", " ", text)
    text = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text)
    text = re.sub(r"\s*(?:%|\bper\s?cent\b)", "%", text)
    return re.sub(r"\s+", " ", text).strip()


def _pattern(wording: str) -> str:
    start = r"(?<!\w)(?<!\d\.)(?<!-)" if wording[:1].isdigit() else r"(?<!\w)"
    last = re.search(r"[^\W\d_]*$", wording)
    letters = len(last.group()) if last else 0
    if wording[-1:].isdigit():
        end = r"(?!\w)(?!\.\d)"
    elif letters >= _STEM:
        end = ""
    else:
        end = r"(?:s?)(?!\w)" if letters else ""
    return start + re.escape(wording) + end


# --- refusals ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Refusals:
    """Counts of refusing, with "refused" as the positive class."""

    right: int
    """Unanswerable and refused."""
    false: int
    """Answerable and refused."""
    missed: int
    """Unanswerable and not refused; a failed item is not a refusal."""

    @property
    def precision(self) -> Figure:
        """Right / all refusals (van Rijsbergen 1979)."""
        return proportion(self.right, self.right + self.false)

    @property
    def recall(self) -> Figure:
        """Right / all unanswerable questions (van Rijsbergen 1979)."""
        return proportion(self.right, self.right + self.missed)

    @property
    def f1(self) -> Figure:
        """2 · right / (2 · right + false + missed).

        The interval is that of the Jaccard share J = right / (right + false + missed),
        carried over by F1 = 2J / (1 + J), which grows with J.
        """
        jaccard = proportion(self.right, self.right + self.false + self.missed)
        return Figure(_f1(jaccard.value), _f1(jaccard.low), _f1(jaccard.high), jaccard.n)


def _f1(jaccard: float | None) -> float | None:
    return None if jaccard is None else 2 * jaccard / (1 + jaccard)


# --- totals ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Figure:
    """A share with its 95% interval and the number of cases behind it."""

    value: float | None
    low: float | None
    high: float | None
    n: int


def share(flags: Iterable[bool]) -> float | None:
    """True flags / flags; undefined for none."""
    values = list(flags)
    return sum(values) / len(values) if values else None


def mean(values: Sequence[float | None]) -> Figure:
    """The mean of the defined values, with its interval.

    The interval is Wilson's with the mean as the share. For values in 0..1 the variance is
    at most mean · (1 - mean), so it is exact in kind for yes/no values and wide, never
    narrow, for the others; unlike a bootstrap it does not shrink to a point at 0 or 1.
    """
    defined = [value for value in values if value is not None]
    return proportion(math.fsum(defined), len(defined))


def proportion(successes: float, n: int) -> Figure:
    """successes / n with Wilson's score interval (Wilson 1927)."""
    if n == 0:
        return Figure(None, None, None, 0)
    p = min(successes / n, 1.0)
    spread = 1 + Z95**2 / n
    centre = (p + Z95**2 / (2 * n)) / spread
    half = Z95 / spread * math.sqrt(p * (1 - p) / n + Z95**2 / (4 * n * n))
    # Rounding could leave the value itself outside by one bit at 0 and 1.
    return Figure(p, max(0.0, min(p, centre - half)), min(1.0, max(p, centre + half)), n)


def quantile(values: Sequence[float], q: float) -> float | None:
    """The q-quantile, linear between order statistics (Hyndman & Fan 1996, type 7)."""
    if not values:
        return None
    ordered = sorted(values)
    place = q * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
