"""How sure a figure is, and whether two runs differ: intervals and tests clustered by paper.

Questions on one paper succeed and fail together, so whole papers are drawn, or change sides.
Every draw has the same seed: the same scores give the same intervals.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np

from .metrics import Figure, proportion

RESAMPLES = 2000
SEED = 20261123
_TAILS = (2.5, 97.5)
_FLIPS = 9999

Statistic = Callable[[np.ndarray], np.ndarray]


def resample(clusters: np.ndarray) -> np.ndarray:
    """Counts of bootstrap samples, (RESAMPLES, k, k + 1), from those of each cluster.

    Whole clusters are drawn with replacement (Davison & Hinkley 1997, section 3.8): claims on
    one piece of evidence are not independent. The same clusters give the same samples.
    """
    n = len(clusters)
    drawn = np.random.default_rng(SEED).multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
    flat = drawn.astype(float) @ clusters.reshape(n, -1)
    found: np.ndarray = flat.reshape(RESAMPLES, *clusters.shape[1:])
    return found


def figure(value: float, samples: np.ndarray, n: int) -> Figure:
    """A value with the percentile interval of its ``samples``, (RESAMPLES,); NaN is undefined."""
    defined = samples[~np.isnan(samples)]
    if np.isnan(value) or not len(defined):
        return Figure(None, None, None, n)
    low, high = np.percentile(defined, _TAILS)
    # A skewed statistic may leave its own value just outside.
    return Figure(float(value), min(float(low), float(value)), max(float(high), float(value)), n)


def clustered(
    rows: Sequence[Sequence[float]], clusters: Sequence[Hashable], statistic: Statistic, n: int
) -> Figure:
    """A function of sums over items, with its interval.

    Where all of it is right, or wrong, every sample says the same and a bootstrap has no width;
    Wilson's interval (1927) with as many cases as there are clusters takes its place.

    Args:
        rows: what each item adds to the sums, (items, m).
        clusters: of the items, in the same order.
        statistic: from sums (…, m) to values (…), NaN where undefined.
        n: the number of cases, for people.
    """
    if not n:
        return Figure(None, None, None, 0)
    sums = sums_of(rows, clusters)
    value = float(statistic(sums.sum(axis=0)))
    found = figure(value, statistic(resample(sums)), n)
    if found.value is None or found.low != found.high or found.value not in (0.0, 1.0):
        return found
    wide = proportion(found.value * len(sums), len(sums))
    return Figure(found.value, wide.low, wide.high, n)


def clustered_mean(values: Sequence[float | None], clusters: Sequence[Hashable]) -> Figure:
    """The mean of the defined values, with its interval from a bootstrap over clusters."""
    defined = [(v, c) for v, c in zip(values, clusters, strict=True) if v is not None]
    rows = [(value, 1.0) for value, _ in defined]
    return clustered(rows, [cluster for _, cluster in defined], share_of, len(rows))


def share_of(sums: np.ndarray) -> np.ndarray:
    """The first sum over the second; (…, 2) to (…)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(sums[..., 0] / sums[..., 1])


def sums_of(rows: Sequence[Sequence[float]], clusters: Sequence[Hashable]) -> np.ndarray:
    """The rows added up by cluster, (clusters, m), in the order of first appearance."""
    place: dict[Hashable, int] = {}
    at = [place.setdefault(cluster, len(place)) for cluster in clusters]
    sums = np.zeros((len(place), len(rows[0])))
    np.add.at(sums, at, np.asarray(rows, dtype=float))
    return sums


def mcnemar(first: Sequence[bool], second: Sequence[bool]) -> float:
    """The exact two-sided p of McNemar's test (1947): do the flips go both ways alike?

    Binomial on the discordant pairs (Fagerland et al. 2013, section 2); 1 without any.
    """
    from scipy.stats import binomtest

    flips = [b for a, b in zip(first, second, strict=True) if a != b]
    return float(binomtest(sum(flips), len(flips)).pvalue) if flips else 1.0


def sign_flip(differences: Sequence[float], clusters: Sequence[Hashable]) -> float:
    """The two-sided p of a paired randomisation test (Smucker et al. 2007), cluster by cluster.

    The differences of a cluster change their sign together; all ways where there are few,
    9,999 drawn ones otherwise.
    """
    from scipy.stats import permutation_test

    if not any(differences):
        return 1.0
    sums = sums_of([(d,) for d in differences], clusters)[:, 0]
    if len(sums) == 1:
        return 1.0
    # Sums of one sample and its mirror image must tie in spite of rounding.
    statistic: Any = lambda x, axis: np.round(np.sum(x, axis=axis), 9)  # noqa: E731
    test = permutation_test(
        (sums,), statistic, permutation_type="samples", n_resamples=_FLIPS,
        vectorized=True, rng=np.random.default_rng(SEED),
    )  # fmt: skip
    return float(test.pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p (1979), in the order given: the chance of any false alarm is kept."""
    order = sorted(range(len(p_values)), key=lambda row: p_values[row])
    adjusted = [0.0] * len(order)
    floor = 0.0
    for rank, row in enumerate(order):
        floor = max(floor, min(1.0, (len(order) - rank) * p_values[row]))
        adjusted[row] = floor
    return adjusted


def rogan_gladen(positive: float, sensitivity: float, specificity: float) -> float | None:
    """The true rate behind a share of positive verdicts, 0..1 (Rogan & Gladen 1978, eq. 2).

    (p + specificity - 1) / (sensitivity + specificity - 1); undefined for a test no better
    than a coin.
    """
    youden = sensitivity + specificity - 1
    if youden <= 0:
        return None
    return min(1.0, max(0.0, (positive + specificity - 1) / youden))
