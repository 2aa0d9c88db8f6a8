"""Figures of a classification, with intervals from a bootstrap over clusters.

Counts are arrays of shape (…, k, k + 1): rows are the k true classes, columns the k guessed
ones and, last, "no guess", which is never right. Shares of nothing are NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

import numpy as np

from .metrics import Figure

RESAMPLES = 2000
_SEED = 20261123
_TAILS = (2.5, 97.5)

Statistic = Callable[[np.ndarray], np.ndarray]


def count(
    truth: Sequence[int], guess: Sequence[int | None], clusters: Sequence[Hashable], k: int
) -> np.ndarray:
    """Counts of each cluster, (clusters, k, k + 1), in the order of first appearance."""
    row_of: dict[Hashable, int] = {}
    for cluster in clusters:
        row_of.setdefault(cluster, len(row_of))
    counts = np.zeros((len(row_of), k, k + 1))
    for true, guessed, cluster in zip(truth, guess, clusters, strict=True):
        counts[row_of[cluster], true, k if guessed is None else guessed] += 1
    return counts


def precision(counts: np.ndarray) -> np.ndarray:
    """Of each class: right guesses / guesses of it (van Rijsbergen 1979); (…, k)."""
    return _ratio(_hits(counts), _guessed(counts))


def recall(counts: np.ndarray) -> np.ndarray:
    """Of each class: right guesses / cases of it (van Rijsbergen 1979); (…, k)."""
    return _ratio(_hits(counts), counts.sum(axis=-1))


def f1(counts: np.ndarray) -> np.ndarray:
    """Of each class: 2 · right / (guesses + cases); (…, k)."""
    return _ratio(2 * _hits(counts), _guessed(counts) + counts.sum(axis=-1))


def macro_f1(counts: np.ndarray) -> np.ndarray:
    """The mean F1 of the classes that have cases; (…)."""
    occurs = counts.sum(axis=-1) > 0
    return _ratio(np.where(occurs, f1(counts), 0).sum(axis=-1), occurs.sum(axis=-1))


def accuracy(counts: np.ndarray) -> np.ndarray:
    """Right guesses / cases; (…)."""
    return _ratio(_hits(counts).sum(axis=-1), counts.sum(axis=(-1, -2)))


def majority_macro_f1(counts: np.ndarray) -> np.ndarray:
    """The macro-F1 of always guessing the class that has most cases; (…)."""
    cases = counts.sum(axis=-1)
    most = cases.max(axis=-1)
    return _ratio(2 * most / (most + cases.sum(axis=-1)), (cases > 0).sum(axis=-1))


def resample(clusters: np.ndarray) -> np.ndarray:
    """Counts of bootstrap samples, (RESAMPLES, k, k + 1), from those of each cluster.

    Whole clusters are drawn with replacement (Davison & Hinkley 1997, section 3.8): claims on
    one piece of evidence are not independent. The same clusters give the same samples.
    """
    n = len(clusters)
    drawn = np.random.default_rng(_SEED).multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
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


def _hits(counts: np.ndarray) -> np.ndarray:
    return np.diagonal(counts, axis1=-2, axis2=-1)


def _guessed(counts: np.ndarray) -> np.ndarray:
    return counts.sum(axis=-2)[..., :-1]  # type: ignore[no-any-return]


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(part / whole)
