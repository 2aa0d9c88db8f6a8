"""What a reader limits a question or a list of papers to, from the boxes for it."""

from __future__ import annotations

from rag.errors import InputError
from rag.filters import Filter


def filter_of(*boxes: str | None) -> Filter | None:
    """The filter that the boxes (first year, last year, venue, keyword) ask for; None: all are
    empty. A box that was never unfolded is None.

    A venue or a keyword is any part of a name, since nobody knows how a collection spells it
    in full; a semicolon parts several.

    Raises:
        InputError: a year is no number, or the years are reversed.
    """
    since, until, venue, keyword = (box or "" for box in boxes)
    return Filter(_year(since), _year(until), _parts(venue), _parts(keyword)) or None


def _year(text: str) -> int | None:
    text = text.strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) == 4):
        raise InputError(f'"{text[:20]}" is not a year; write four digits, such as 2020')
    return int(text)


def _parts(text: str) -> tuple[str, ...] | None:
    parts = [part.strip(" *") for part in text.split(";")]
    return tuple(f"*{part}*" for part in parts if part) or None
