"""What a reader limits a question or a list of papers to, from the boxes for it."""

from __future__ import annotations

import json

from rag.errors import InputError
from rag.filters import Filter

_MOST_TOPICS = 100


def filter_of(
    since: str | None = "", until: str | None = "", venue: str | None = "",
    keyword: str | None = "", topics: str | None = "",
) -> Filter | None:  # fmt: skip
    """The filter that the boxes ask for; None: all are empty.

    A box that was never unfolded is None. ``topics`` is a list in JSON, see ``topics_of``.

    A venue or a keyword is any part of a name, since nobody knows how a collection spells it
    in full; a semicolon parts several.

    Raises:
        InputError: a year is no number, or the years are reversed.
    """
    return Filter(
        _year(since or ""), _year(until or ""), _parts(venue or ""), _parts(keyword or ""),
        topics=topics_of(topics or ""),
    ) or None  # fmt: skip


def texts_of(text: str) -> list[str]:
    """The texts that a browser sent as JSON; none where that is no list of them."""
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        return []
    return [each for each in given if isinstance(each, str)] if isinstance(given, list) else []


def topics_of(text: str) -> tuple[str, ...] | None:
    """The topics that a browser sent, as a filter takes them."""
    named = (topic.strip() for topic in texts_of(text)[:_MOST_TOPICS])
    return tuple(topic for topic in named if topic) or None


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
