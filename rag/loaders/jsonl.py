"""JSON Lines: one object a line, under any of the usual names (``keys``, ``shapes``).

``id`` is text or a whole number. Null counts as absent, other names are ignored.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from rag.errors import InputError
from rag.loaders.fields import kind, to_paper
from rag.loaders.keys import find_keys
from rag.loaders.shapes import to_record
from rag.loaders.textfile import Format, OnFailure, Record, TextFile
from rag.types import Failure


def _matches(head: str) -> bool:
    """Whether objects begin and end on lines; a lone one may also be a document of records."""
    lines = [line.strip() for line in head.split("\n") if line.strip()]
    if not lines or not lines[0].startswith("{"):
        return False
    if len(lines) == 1:
        value = _parsed(lines[0])
        return isinstance(value, dict) and bool(
            {"title", "abstract"} & find_keys(tuple(value)).keys()
        )
    return any(isinstance(_parsed(line), dict) for line in lines[:20] if line.startswith("{"))


def _load(file: TextFile, on_failure: OnFailure) -> Iterator[Record]:
    for number, line in file.lines(on_failure):
        if not line.strip():
            continue
        try:
            yield file.at(number), to_paper(to_record(_object(line), file.names))
        except InputError as error:
            on_failure(Failure(file.at(number), str(error)))


def _object(line: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, json.JSONDecodeError) else "a value too large"
        raise InputError(f"expected a JSON object on one line, found {reason}") from error
    if not isinstance(value, dict):
        raise InputError(f"expected a JSON object, found {kind(value)}")
    return value


def _parsed(line: str) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


FORMAT = Format("JSON Lines", _matches, _load)
