"""What changes when only the wording, one premise or one abstract does."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import combinations

from .shares import share


def paired(right: bool, twin_right: bool) -> bool:
    """Whether a question and its false-premise twin are both answered right.

    Paired accuracy is the mean of this (contrast consistency, Gardner et al. 2020): a system
    that always accepts or always denies the premise scores 0. Its gap is the accuracy over
    the true questions less that over their twins.
    """
    return right and twin_right


def decision_flip(refused: Sequence[bool]) -> bool | None:
    """Whether paraphrases of one question are refused here and answered there."""
    return len(set(refused)) > 1 if len(refused) > 1 else None


def jaccard(a: Collection[str], b: Collection[str]) -> float:
    """|a ∩ b| / |a ∪ b| (Jaccard 1912); two empty sets are alike."""
    return share(item in a and item in b for item in {*a, *b}) if a or b else 1.0  # type: ignore[return-value]


def mean_jaccard(sets: Sequence[Collection[str]]) -> float | None:
    """The mean Jaccard share of all pairs of sets; undefined for fewer than two."""
    pairs = list(combinations(sets, 2))
    return sum(jaccard(a, b) for a, b in pairs) / len(pairs) if pairs else None


def worst(values: Sequence[float | None]) -> float | None:
    """The lowest of a group's values: what the least lucky wording gets."""
    defined = [value for value in values if value is not None]
    return min(defined) if len(defined) > 1 else None
