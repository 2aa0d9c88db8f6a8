"""Evaluation: question sets, metrics, and the harness that runs the one through the other.

The package is ``eval`` in a checkout and ``rag.eval`` once installed; it imports itself
relatively and Footnote as ``rag``.
"""

from .harness import evaluate
from .report import Report
from .sets import load_set

__all__ = ["Report", "evaluate", "load_set"]
