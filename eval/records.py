"""Lines of a set's files: read, validated, and named where they are wrong."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from rag.errors import InputError

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
M = TypeVar("M", bound=BaseModel)


class Record(BaseModel):
    """A line of a set's files: frozen, and nothing in it but what it names."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Identified(Record):
    """A record with an id of its own in its file."""

    id: Text


R = TypeVar("R", bound=Identified)


def parse_records(
    model: type[R], content: bytes, path: Path, paper_ids: Collection[str], refers: str
) -> tuple[R, ...]:
    """Read the lines of a set: each id once, and only papers of the set's collection.

    Args:
        model: what a line is.
        content: the file's bytes, at ``path``.
        paper_ids: of the collection.
        refers: the field of ``model`` that holds ids of papers.

    Raises:
        InputError: names the file, the line, what was expected and what was found.
    """
    records = []
    for where, record in parse_lines(model, content, path):
        if unknown := [paper for paper in getattr(record, refers) if paper not in paper_ids]:
            raise InputError(
                f"{where}: {refers}: expected ids of papers in the set's collection, "
                f"found {unknown[0]!r}; correct this line"
            )
        records.append(record)
    return tuple(records)


def parse_lines(model: type[R], content: bytes, path: Path) -> Iterator[tuple[str, R]]:
    """Each record of a file with ``FILE:LINE``: one at least, and each id once.

    Raises:
        InputError: names the file, the line, what was expected and what was found.
    """
    seen: set[str] = set()
    for number, line in enumerate(content.splitlines(), 1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        record = parse_record(model, line, where)
        if record.id in seen:
            raise InputError(
                f"{where}: id: expected each id once, found {record.id!r} again; correct this line"
            )
        seen.add(record.id)
        yield where, record
    if not seen:
        raise InputError(f"{path}:1: expected at least one record, found none; add one")


def parse_record(model: type[M], line: bytes, where: str) -> M:
    """Read one line of a set.

    Raises:
        InputError: names ``where``, the field, what was expected and what was found.
    """
    try:
        return model.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        expected = first["msg"].removeprefix("Value error, ")
        found = short(first["input"])
        raise InputError(
            f"{where}: {name + ': ' if name else ''}{expected}, found {found}; correct this line"
        ) from error


def short(value: object, limit: int = 80) -> str:
    """A value of a record as JSON on one line, cut to ``limit`` characters."""
    if isinstance(value, dict) and "id" in value:
        value = value["id"]
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return repr(text[:limit] + "…" if len(text) > limit else text)


def read_file(path: Path) -> bytes:
    """Read a file of a set.

    Raises:
        InputError: it is not there or cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path}: expected a file of a set (set.json beside questions.jsonl or drafts.jsonl), "
            f"found none that can be read ({error.strerror}); give the set's folder"
        ) from error
