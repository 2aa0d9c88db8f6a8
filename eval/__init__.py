"""Evaluation: question sets, labelled drafts, public claims, metrics, and what runs them.

The package is ``eval`` in a checkout and ``rag.eval`` once installed; it imports itself
relatively and Footnote as ``rag``.
"""

from .compare import Comparison, compare, load_stored
from .drafts import evaluate_drafts, load_drafts
from .drafts_report import DraftReport
from .gate import Verdicts, check_gate, load_gate, write_baseline
from .harness import evaluate, generate, score
from .public_claims import evaluate_claims
from .public_claims_report import ClaimsReport
from .report import Report
from .sets import load_set

__all__ = [
    "ClaimsReport",
    "Comparison",
    "DraftReport",
    "Report",
    "Verdicts",
    "check_gate",
    "compare",
    "evaluate",
    "evaluate_claims",
    "evaluate_drafts",
    "generate",
    "load_drafts",
    "load_gate",
    "load_set",
    "load_stored",
    "score",
    "write_baseline",
]
