"""How well the right papers are found."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

from .shares import share


def recall_at_k(gold: Collection[str], ranked: Sequence[str], k: int) -> float | None:
    """|gold ∩ first k of ranked| / |gold| (Manning et al. 2008, ch. 8)."""
    return share(paper in ranked[:k] for paper in gold)


def reciprocal_rank(gold: Collection[str], ranked: Sequence[str]) -> float | None:
    """1 / rank of the first gold paper, 0 if none is ranked (Voorhees 1999, TREC-8 QA)."""
    if not gold:
        return None
    return next((1 / rank for rank, paper in enumerate(ranked, 1) if paper in gold), 0.0)


def ndcg_at_k(gold: Collection[str], ranked: Sequence[str], k: int) -> float | None:
    """DCG of the first k / DCG of the best order, gain 1 for gold (Järvelin & Kekäläinen 2002).

    DCG = Σ gain / log2(rank + 1). The best order holds all judged papers, found or not: an
    ideal made of what was found would reward a search that finds one paper of three.
    """
    return graded_ndcg_at_k(dict.fromkeys(gold, 1), ranked, k)


def graded_ndcg_at_k(grades: Mapping[str, int], ranked: Sequence[str], k: int) -> float | None:
    """The same with the grades as gains; a grade below 1 gains nothing (as trec_eval has it)."""
    best = sorted((grade for grade in grades.values() if grade > 0), reverse=True)
    if not best:
        return None
    found = sum(
        max(0, grades.get(paper, 0)) / math.log2(n + 1) for n, paper in enumerate(ranked[:k], 1)
    )
    return found / sum(grade / math.log2(n + 1) for n, grade in enumerate(best[:k], 1))
