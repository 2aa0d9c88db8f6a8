"""Shares, means and quantiles, and a share with its interval."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Z95 = 1.959964
"""Two-sided 95% quantile of the normal distribution."""


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
