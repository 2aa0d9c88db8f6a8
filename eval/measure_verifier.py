"""Measure the verifier's own error anew: ``make verifier-error``."""

from __future__ import annotations

from dataclasses import asdict

from rag.render import to_json

from .drafts import evaluate_drafts
from .verifier_error import FILE, VerifierError, weights

_JUDGED = frozenset(
    {"supported", "number", "entity", "negation", "overclaim", "outside", "misattributed"}
)
"""Labels whose sentences the verifier reads; the others fail a formal check."""


def measure() -> VerifierError:
    """Count the verdicts on the test half of the shipped drafts."""
    report = evaluate_drafts(split="test")
    judged = [item for item in report.items if item.label in _JUDGED]
    good = [item.right for item in judged if item.label == "supported"]
    faulty = [item.right for item in judged if item.label != "supported"]
    return VerifierError(
        weights(), report.set_hash, "test", len(good), sum(good), len(faulty), sum(faulty)
    )


if __name__ == "__main__":
    FILE.write_text(to_json(asdict(measure())) + "\n", encoding="utf-8")
