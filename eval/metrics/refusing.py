"""Whether it refuses where it should, and only there."""

from __future__ import annotations

from dataclasses import dataclass

from .shares import Figure, proportion


@dataclass(frozen=True, slots=True)
class Refusals:
    """Counts of refusing, with "refused" as the positive class."""

    right: int
    """Unanswerable and refused."""
    false: int
    """Answerable and refused."""
    missed: int
    """Unanswerable and not refused; a failed item is not a refusal."""

    @property
    def precision(self) -> Figure:
        """Right / all refusals (van Rijsbergen 1979)."""
        return proportion(self.right, self.right + self.false)

    @property
    def recall(self) -> Figure:
        """Right / all unanswerable questions (van Rijsbergen 1979)."""
        return proportion(self.right, self.right + self.missed)

    @property
    def f1(self) -> Figure:
        """2 · right / (2 · right + false + missed).

        The interval is that of the Jaccard share J = right / (right + false + missed),
        carried over by F1 = 2J / (1 + J), which grows with J.
        """
        jaccard = proportion(self.right, self.right + self.false + self.missed)
        return Figure(_f1(jaccard.value), _f1(jaccard.low), _f1(jaccard.high), jaccard.n)


def _f1(jaccard: float | None) -> float | None:
    return None if jaccard is None else 2 * jaccard / (1 + jaccard)
