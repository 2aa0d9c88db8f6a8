"""How often the verifier itself is wrong, and what that makes of a share of its verdicts.

The figures are counted on the test half of the labelled drafts, which nothing was tuned on, by
``python -m eval.measure_verifier``.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rag.verifier import WEIGHTS

from .metrics import Figure, proportion
from .statistics import RESAMPLES, SEED, rogan_gladen

FILE = Path(__file__).with_name("verifier_error.json")


@dataclass(frozen=True, slots=True)
class VerifierError:
    """Verdicts on labelled sentences, counted."""

    verifier: str
    """SHA-256 of the weights that were measured."""
    drafts: str
    """SHA-256 of the labelled drafts."""
    split: str
    supported: int
    """Sentences that their sources support."""
    kept: int
    """Of these, those that the verifier finds supported."""
    faulty: int
    caught: int
    """Of the faulty ones, those that it does not find supported."""

    @property
    def sensitivity(self) -> Figure:
        """Kept / supported."""
        return proportion(self.kept, self.supported)

    @property
    def specificity(self) -> Figure:
        """Caught / faulty."""
        return proportion(self.caught, self.faulty)

    @property
    def current(self) -> bool:
        """Whether these are the figures of the verifier that judges now."""
        return self.verifier == weights()

    def corrected(self, shown: int, supported: int, removed: int) -> Figure:
        """The share of shown sentences that are truly supported, as far as the error tells.

        What was drafted is the shown and the removed sentences. Rogan & Gladen (1978) give the
        true share π of the drafted ones from the share that passed; then, by Bayes' rule, a
        sentence that passed is true with probability sens·π / (sens·π + (1 - spec)·(1 - π)), and
        one that did not with (1 - sens)·π / ((1 - sens)·π + spec·(1 - π)). Without removal this
        is π itself. The interval is over the verifier's error alone: sensitivity and specificity
        are drawn from their Jeffreys posteriors, Beta(hits + ½, misses + ½).

        Args:
            shown: sentences of the answers.
            supported: of these, those that the verifier supports.
            removed: sentences that it had removed before.
        """
        if not shown:
            return Figure(None, None, None, 0)
        value = _true_share(
            shown, supported, removed, self.kept / self.supported, self.caught / self.faulty
        )
        draw = np.random.default_rng(SEED).beta
        sens = draw(self.kept + 0.5, self.supported - self.kept + 0.5, RESAMPLES)
        spec = draw(self.caught + 0.5, self.faulty - self.caught + 0.5, RESAMPLES)
        samples = [
            _true_share(shown, supported, removed, float(a), float(b))
            for a, b in zip(sens, spec, strict=True)
        ]
        defined = [sample for sample in samples if sample is not None]
        if value is None or not defined:
            return Figure(None, None, None, shown)
        low, high = np.percentile(defined, (2.5, 97.5))
        return Figure(value, min(float(low), value), max(float(high), value), shown)


def _true_share(shown: int, supported: int, removed: int, sens: float, spec: float) -> float | None:
    true = rogan_gladen(supported / (shown + removed), sens, spec)
    if true is None:
        return None
    passed = sens * true + (1 - spec) * (1 - true)
    failed = 1 - passed
    if_passed = sens * true / passed if passed else 0.0
    if_failed = (1 - sens) * true / failed if failed else 0.0
    return (supported * if_passed + (shown - supported) * if_failed) / shown


def load_error() -> VerifierError:
    """The figures that were measured last."""
    return VerifierError(**json.loads(FILE.read_text(encoding="utf-8")))


def weights() -> str:
    """SHA-256 of the weights that judge now."""
    return hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()
