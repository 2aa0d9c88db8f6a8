"""Figures of a classification, as functions of counts.

Counts are arrays of shape (…, k, k + 1): rows are the k true classes, columns the k guessed
ones and, last, "no guess", which is never right. Shares of nothing are NaN.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np


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


def _hits(counts: np.ndarray) -> np.ndarray:
    return np.diagonal(counts, axis1=-2, axis2=-1)


def _guessed(counts: np.ndarray) -> np.ndarray:
    return counts.sum(axis=-2)[..., :-1]  # type: ignore[no-any-return]


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(part / whole)
