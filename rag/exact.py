"""The exact search of the ledger's vectors: of few passages, or where Chroma cannot be read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

EXACT = 4096
"""Passages up to which all are compared: some milliseconds.

Chroma keeps fewer than 1,000 rows in its log alone and builds their graph anew, and another one,
each time it is opened; of 300 such graphs of 190 passages, 23 left some out of reach."""
Ranking = list[tuple[str, float]]
"""Passage ids with their cosines, best first."""


def nearest(pages: Iterable[Sequence[tuple[str, bytes]]], vector: np.ndarray, n: int) -> Ranking:
    """The ``n`` nearest of the (id, float32 bytes) in ``pages``."""
    best: Ranking = []
    for rows in pages:
        vectors = np.frombuffer(b"".join(row[1] for row in rows), dtype="<f4")
        scores = vectors.reshape(len(rows), -1) @ vector
        top = np.argpartition(-scores, n - 1)[:n] if n < len(rows) else range(len(rows))
        found = [(rows[i][0], float(scores[i])) for i in top]
        best = sorted([*best, *found], key=lambda pair: (-pair[1], pair[0]))[:n]
    return best
