"""Text from outside, made safe to keep: no character that people cannot see."""

from __future__ import annotations

import re
import textwrap
import unicodedata

from rag.errors import InputError

MAX_QUESTION = 2000
"""Characters; a question that is longer is most likely a pasted document."""
_HALF = re.compile("[\ud800-\udfff]")
_INVISIBLE = frozenset({"Cc", "Cf", "Co", "Cs"})


def clean(text: str) -> str:
    """``text`` without control, direction, private and other invisible characters.

    Line breaks and tabs stay; other control characters that separate words become a space.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_visible, text.replace("\r\n", "\n")))


def clean_question(question: str) -> str:
    """The question on one line, cleaned.

    Raises:
        InputError: nothing is left, or it is longer than ``MAX_QUESTION``.
    """
    cleaned = " ".join(clean(question).split())
    if not any(ch.isalnum() for ch in cleaned):
        raise InputError("the question is empty; write what you want to know in plain words")
    if len(cleaned) > MAX_QUESTION:
        raise InputError(
            f"the question has {len(cleaned):,} characters, at most {MAX_QUESTION:,} can be "
            "answered; ask it more briefly"
        )
    return cleaned


def whole(text: str) -> str:
    """``text`` with U+FFFD for each half of a surrogate pair; of the same length.

    A broken escape in JSON makes such halves, and no encoder takes them.
    """
    return _HALF.sub("\ufffd", text)


def brief(text: object) -> str:
    """``text`` on one line of at most 200 characters, cut between words.

    A key in it is whole or absent, so that it can be blotted out.
    """
    return textwrap.shorten(
        clean(str(text)), 200, placeholder=" …", break_long_words=False, break_on_hyphens=False
    )


def _visible(char: str) -> str:
    if char in "\n\t" or unicodedata.category(char) not in _INVISIBLE:
        return char
    return " " if char.isspace() else ""
