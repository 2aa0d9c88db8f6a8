"""Text from outside, made safe to keep: no character that people cannot see."""

from __future__ import annotations

import unicodedata

_INVISIBLE = frozenset({"Cc", "Cf", "Co", "Cs"})


def clean(text: str) -> str:
    """``text`` without control, direction, private and other invisible characters.

    Line breaks and tabs stay.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in _INVISIBLE)
