"""The rankings, one fused list, and how much of that list is evidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rag.types import Hit

if TYPE_CHECKING:
    from rag.embedding import Embedder
    from rag.store import Store

LEXICAL_WEIGHT = 0.4
"""Share of BM25 in the fused score; the rest is the cosine."""
MAX_SOURCES = 6
_CANDIDATES = 64


def retrieve(store: Store, embedder: Embedder, question: str, k: int) -> list[Hit]:
    """The ``k`` papers nearest to the question, best first, one row per paper.

    Dense (cosine) and lexical (BM25) rankings of passages, each scaled to 0..1 over its
    candidates, are added with fixed weights (Bruch et al., "An Analysis of Fusion Functions
    for Hybrid Retrieval", TOIS 2023, convex combination); a paper counts by its best passage.

    Returns:
        min(k, papers in the store) hits.
    """
    papers, passages = store.counts()
    wanted = min(k, papers)
    if wanted <= 0:
        return []
    vector = embedder.encode([question])[0]
    n = min(passages, max(_CANDIDATES, 4 * k))
    while True:
        dense, lexical = dict(store.dense(vector, n)), dict(store.lexical(question, n))
        hits = _one_per_paper(store, fuse(dense, lexical), dense, lexical)
        if len(hits) >= wanted or n >= passages:
            return hits[:wanted]
        n = min(passages, 4 * n)


def fuse(dense: Mapping[str, float], lexical: Mapping[str, float]) -> dict[str, float]:
    """Add two rankings, each scaled to 0..1; an id that one lacks has 0 there."""
    scaled_dense, scaled_lexical = _min_max(dense), _min_max(lexical)
    return {
        key: (1 - LEXICAL_WEIGHT) * scaled_dense.get(key, 0.0)
        + LEXICAL_WEIGHT * scaled_lexical.get(key, 0.0)
        for key in dense.keys() | lexical.keys()
    }


def _min_max(scores: Mapping[str, float]) -> dict[str, float]:
    if not scores:
        return {}
    low, high = min(scores.values()), max(scores.values())
    if high == low:
        return dict.fromkeys(scores, 1.0)
    return {key: (score - low) / (high - low) for key, score in scores.items()}


def _one_per_paper(
    store: Store, fused: Mapping[str, float], dense: Mapping[str, float],
    lexical: Mapping[str, float],
) -> list[Hit]:  # fmt: skip
    # Ids break ties, so that the same question gives the same list everywhere.
    ranked = sorted(fused, key=lambda key: (-fused[key], key))
    passages = store.passages(ranked)
    best: dict[str, str] = {}
    for key in ranked:
        if key in passages:
            best.setdefault(passages[key].paper_id, key)
    papers = store.papers(list(best))
    return [
        Hit(papers[paper_id], passages[key], fused[key], dense.get(key, 0.0), lexical.get(key, 0.0))
        for paper_id, key in best.items()
        if paper_id in papers
    ]
