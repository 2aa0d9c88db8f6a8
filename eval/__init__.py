"""Evaluation: question sets, labelled drafts, public claims, metrics, and what runs them.

The package is ``eval`` in a checkout and ``rag.eval`` once installed; it imports itself
relatively and Footnote as ``rag``.
"""

from .drafts import evaluate_drafts, load_drafts
from .drafts_report import DraftReport
from .harness import evaluate
from .public_claims import evaluate_claims
from .public_claims_report import ClaimsReport
from .report import Report
from .sets import load_set

__all__ = [
    "ClaimsReport",
    "DraftReport",
    "Report",
    "evaluate",
    "evaluate_claims",
    "evaluate_drafts",
    "load_drafts",
    "load_set",
]
