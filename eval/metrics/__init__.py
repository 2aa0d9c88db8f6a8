"""The metrics: one short pure function each, with its formula and its source.

Every value lies in 0..1. ``None`` means undefined (a share of nothing): such an item leaves
the mean, and a mean over no items is printed as ``n/a (n=0)``. What a *failed* item counts
is not decided here but in ``scoring.py``: 0, or nothing where less is better.
"""

from .citing import (
    citation_f1,
    citation_precision,
    citation_recall,
    gold_citation_precision,
    gold_citation_recall,
    groundedness,
    misquotes,
    not_retrieved,
    phantoms,
    quotations,
    right_citations,
    unsupported,
)
from .facts import fact_recall, normalise, states, weighted_recall
from .refusing import refusal_f1, refusal_precision, refusal_recall
from .robust import decision_flip, jaccard, mean_jaccard, paired, worst
from .search import graded_ndcg_at_k, ndcg_at_k, recall_at_k, reciprocal_rank
from .shares import Figure, proportion, quantile, share

__all__ = [
    "Figure",
    "citation_f1",
    "citation_precision",
    "citation_recall",
    "decision_flip",
    "fact_recall",
    "gold_citation_precision",
    "gold_citation_recall",
    "graded_ndcg_at_k",
    "groundedness",
    "jaccard",
    "mean_jaccard",
    "misquotes",
    "ndcg_at_k",
    "normalise",
    "not_retrieved",
    "paired",
    "phantoms",
    "proportion",
    "quantile",
    "quotations",
    "recall_at_k",
    "reciprocal_rank",
    "refusal_f1",
    "refusal_precision",
    "refusal_recall",
    "right_citations",
    "share",
    "states",
    "unsupported",
    "weighted_recall",
    "worst",
]
