"""Searches without an index of their own: exact ones, and what is left of one of all papers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

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


def sifted(
    search: Callable[[int], Ranking],
    asked: int,
    n: int,
    within: Collection[str],
    papers_of: Callable[[Sequence[str]], Mapping[str, str]],
) -> Ranking | None:
    """The ``n`` best passages of the papers ``within``, out of the ``asked`` best of all.

    None where too few of these are left, though there are more.
    """
    found = search(asked)
    paper_of = papers_of([passage_id for passage_id, _ in found])
    kept = [pair for pair in found if paper_of.get(pair[0]) in within]
    return kept[:n] if len(kept) >= n or len(found) < asked else None
