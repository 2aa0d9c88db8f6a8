"""Whether an answer states what a good answer states: nuggets, matched by accepted wordings."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from .shares import share

_STEM = 5
"""Letters that a wording's last word needs before it is read as a stem."""


def fact_recall(found: Sequence[bool]) -> float | None:
    """Facts stated / facts listed (nugget recall, Lin & Demner-Fushman 2005)."""
    return share(found)


def weighted_recall(vital: Sequence[bool], okay: Sequence[bool]) -> float | None:
    """(vital stated + ½ okay stated) / (vital + ½ okay): AutoNuggetizer, Pradeep et al. 2024."""
    weight = len(vital) + len(okay) / 2
    return (sum(vital) + sum(okay) / 2) / weight if weight else None


def states(text: str, wordings: Sequence[str]) -> bool:
    """Whether a text, citation markers removed, holds one of the accepted wordings.

    Case, white space, kinds of dash, hyphens between words, ``percent`` and thousands
    separators make no difference. A wording begins where a word begins. A number in it ends
    where it ends: "80" is not in "80.5". A last word of five letters or more may go on
    ("correlat" is in "correlated"), a shorter one only by a plural s ("CTs").
    """
    plain = normalise(text)
    return any(re.search(_pattern(normalise(wording)), plain) for wording in wordings)


def normalise(text: str) -> str:
    """Lower case, one space, ``-`` only as a minus, ``%``, no thousands separators."""
    text = unicodedata.normalize("NFKC", text).casefold()
    text = re.sub(r"[‐‑‒–—―−]", "-", text)
    text = re.sub(r"(?<=\w)-|(?<=\s)-(?=\s)", " ", text)
    text = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text)
    text = re.sub(r"\s*(?:%|\bper\s?cent\b)", "%", text)
    return re.sub(r"\s+", " ", text).strip()


def _pattern(wording: str) -> str:
    start = r"(?<!\w)(?<!\d\.)(?<!-)" if wording[:1].isdigit() else r"(?<!\w)"
    last = re.search(r"[^\W\d_]*$", wording)
    letters = len(last.group()) if last else 0
    if wording[-1:].isdigit():
        end = r"(?!\w)(?!\.\d)"
    elif letters >= _STEM:
        end = ""
    else:
        end = r"(?:s?)(?!\w)" if letters else ""
    return start + re.escape(wording) + end
