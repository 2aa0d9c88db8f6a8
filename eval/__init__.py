"""Evaluation: question sets and labelled drafts, metrics, and what runs the ones through us.

The package is ``eval`` in a checkout and ``rag.eval`` once installed; it imports itself
relatively and Footnote as ``rag``.
"""

from .drafts import evaluate_drafts, load_drafts
from .drafts_report import DraftReport
from .harness import evaluate
from .report import Report
from .sets import load_set

__all__ = ["DraftReport", "Report", "evaluate", "evaluate_drafts", "load_drafts", "load_set"]
