"""Whether it refuses where it should, and only there; "refused" is the positive class.

Sums have the shape (…, 3): unanswerable and refused, answerable and refused, unanswerable and
not refused. A failed item is no refusal. Shares of nothing are NaN.
"""

from __future__ import annotations

import numpy as np


def refusal_precision(sums: np.ndarray) -> np.ndarray:
    """Right / all refusals (van Rijsbergen 1979); (…)."""
    return _share(sums[..., 0], sums[..., 0] + sums[..., 1])


def refusal_recall(sums: np.ndarray) -> np.ndarray:
    """Right / all unanswerable questions (van Rijsbergen 1979); (…)."""
    return _share(sums[..., 0], sums[..., 0] + sums[..., 2])


def refusal_f1(sums: np.ndarray) -> np.ndarray:
    """2 · right / (2 · right + false + missed); (…)."""
    return _share(2 * sums[..., 0], sums.sum(axis=-1) + sums[..., 0])


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(part / whole)
