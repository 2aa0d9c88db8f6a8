"""JSON Lines: one record a line, ``title`` and ``abstract`` and what else is known.

``id`` (or ``_id``) is text or a whole number, ``year`` a whole number, also as text;
``authors`` and ``keywords`` are lists of texts or one text parted by semicolons; ``venue``,
``url``, ``doi``, ``arxiv_id``, ``pmid`` and ``note`` are texts. Null counts as absent, other
names are ignored. A ``url`` that is not http(s) is dropped and the record kept: it would
become a link.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rag.errors import InputError
from rag.loaders.lines import clean, read_lines
from rag.types import Failure, Paper


def load(path: Path, on_failure: Callable[[Failure], None]) -> Iterator[tuple[str, Paper]]:
    """Read the papers of a JSON Lines file; a paper without an id comes with an empty one.

    Yields:
        ``("FILE:LINE", paper)``.

    Raises:
        InputError: the file as a whole cannot be used; the message does not name it.
    """
    empty = True
    for where, line in read_lines(path, on_failure):
        if not line.strip():
            continue
        if empty and (line.lstrip().startswith("[") or line.strip() == "{"):
            raise InputError("expected one JSON object per line, found a JSON document")
        empty = False
        try:
            yield where, _paper(_object(line))
        except InputError as error:
            on_failure(Failure(where, str(error)))
    if empty:
        raise InputError("is empty; expected one JSON object per line")


def _object(line: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, json.JSONDecodeError) else "a value too large"
        raise InputError(f"expected a JSON object on one line, found {reason}") from error
    if not isinstance(value, dict):
        raise InputError(f"expected a JSON object, found {_kind(value)}")
    return value


def _paper(record: dict[str, Any]) -> Paper:
    url = _text(record, "url").strip()
    return Paper(
        id=_id(record),
        title=_required(record, "title"),
        abstract=_required(record, "abstract"),
        authors=_texts(record, "authors"),
        year=_year(record),
        venue=_text(record, "venue"),
        url=url if url.lower().startswith(("http://", "https://")) else "",
        doi=_text(record, "doi"),
        arxiv_id=_text(record, "arxiv_id"),
        keywords=_texts(record, "keywords"),
        note=_text(record, "note"),
        pmid=_pmid(record),
    )


def _id(record: dict[str, Any]) -> str:
    for name in ("id", "_id"):
        value = record.get(name)
        if value is None:
            continue
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if not isinstance(value, str) or not clean(value).strip():
            raise InputError(f"{name}: expected text or a whole number, found {_kind(value)}")
        return clean(value)
    return ""


def _pmid(record: dict[str, Any]) -> str:
    value = record.get("pmid")
    number = isinstance(value, int) and not isinstance(value, bool)
    return str(value) if number else _text(record, "pmid")


def _required(record: dict[str, Any], name: str) -> str:
    text = _text(record, name)
    if not text.strip():
        found = _kind(record[name]) if name in record else "nothing"
        raise InputError(f"{name}: expected text, found {found}")
    return text


def _text(record: dict[str, Any], name: str) -> str:
    value = record.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InputError(f"{name}: expected text, found {_kind(value)}")
    return clean(value)


def _texts(record: dict[str, Any], name: str) -> tuple[str, ...]:
    value = record.get(name)
    if value is None:
        return ()
    if isinstance(value, str):
        value = value.split(";")
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InputError(f"{name}: expected a list of texts or one text, found {_kind(value)}")
    return tuple(text for item in value if (text := clean(item).strip()))


def _year(record: dict[str, Any]) -> int | None:
    value = record.get("year")
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if isinstance(value, str) and value.strip().isdecimal() and len(value.strip()) == 4:
        return int(value)
    raise InputError(f"year: expected a whole number, found {_kind(value)}")


def _kind(value: object) -> str:
    """Name a JSON value for people."""
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, int | float):
        return f"the number {value!r}"[:40]
    if isinstance(value, str):
        return f"the text {value[:40]!r}" if value.strip() else "an empty text"
    if isinstance(value, list):
        odd = next((item for item in value if not isinstance(item, str)), None)
        return "a list" if odd is None else f"a list with {_kind(odd)}"
    return "an object"
