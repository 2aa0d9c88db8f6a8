"""JSON documents: an array of records, objects one after the other, or an object that holds
the records somewhere, as the answers of web services do.

An array is read element by element, so that its size does not matter.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from rag.errors import InputError
from rag.loaders.fields import to_paper
from rag.loaders.shapes import find_records, to_record
from rag.loaders.textfile import MAX_TEXT, Format, OnFailure, Record, Stream, TextFile
from rag.types import Failure

_BEGINS = re.compile(r"\s*(\[\s*(?:[{\[\]]|$)|\{\s*(?:[\"}]|$))")
_SPACE = re.compile(r"[\s,]*")
_DECODER = json.JSONDecoder()


def _matches(head: str) -> bool:
    return _BEGINS.match(head) is not None


def _load(file: TextFile, on_failure: OnFailure) -> Iterator[Record]:
    number = 0
    try:
        for value in _records(file):
            number += 1
            try:
                yield file.record(number), to_paper(to_record(value, file.names))
            except InputError as error:
                on_failure(Failure(file.record(number), str(error)))
    except _BrokenError as error:
        if not number:
            raise InputError(str(error)) from error
        on_failure(Failure(file.record(number + 1), f"{error}; nothing was read from there on"))
    if not number:
        raise InputError("holds no records; expected objects with a title and an abstract")


class _BrokenError(InputError):
    """The document is not JSON from some place on."""


def _records(file: TextFile) -> Iterator[object]:
    array = file.head.lstrip().startswith("[")
    values = _values(file.stream() if array else file.stream(MAX_TEXT), array)
    if array:
        yield from values
    else:
        for value in values:
            yield from find_records(value)


def _values(stream: Stream, array: bool) -> Iterator[object]:
    """The elements of the array, or the values one after the other."""
    text, more = _longer(stream, "")
    at = text.index("[") + 1 if array else 0
    while True:
        at = _skip(text, at)
        if at < len(text):
            if array and text[at] == "]":
                return
            try:
                value, at = _DECODER.raw_decode(text, at)
            except (ValueError, RecursionError) as error:
                if not more or not _unfinished(error, text):
                    raise _BrokenError(f"expected JSON, found {_reason(error)}") from error
            else:
                stream.next_record()
                yield value
                continue
        elif not more:
            if array:
                raise _BrokenError("expected ] at the end of the array, found nothing")
            return
        text, more = _longer(stream, text[at:])
        at = 0


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _longer(stream: Stream, text: str) -> tuple[str, bool]:
    """``text`` and at least as much again, so that the work on a long value stays linear."""
    pieces, wanted = [text], max(1, len(text))
    while wanted > 0 and (piece := stream.read()):
        pieces.append(piece)
        wanted -= len(piece)
    return "".join(pieces), wanted <= 0


def _unfinished(error: Exception, text: str) -> bool:
    """Whether the value may only be cut off, rather than wrong."""
    return isinstance(error, json.JSONDecodeError) and (
        error.msg.startswith("Unterminated string") or error.pos > len(text) - 16
    )


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, json.JSONDecodeError) else "a value too large"


FORMAT = Format("JSON", _matches, _load)
