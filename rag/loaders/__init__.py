"""Files to papers: whatever holds them, told by its content; one module per format."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from rag.errors import InputError
from rag.identity import made_ids
from rag.loaders.formats import NAMES, find_format
from rag.loaders.sources import list_files, open_texts
from rag.loaders.textfile import OnFailure, Record, TextFile
from rag.types import Failure, Paper

MAX_FAILURES = 100_000
"""Records of a file that fail one after the other before the rest of it is left."""
Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]
SourceName = str | Callable[[str], str]
"""What files are parts of, or what tells that of each file's path; empty: of nothing."""


def load_papers(
    paths: Paths, on_failure: OnFailure, names: Mapping[str, str] | None = None
) -> Iterator[Paper]:
    """Read the papers of files, folders, archives and, for ``-``, standard input.

    A supplied id is kept. A record without one is known by its title: its id is made of it,
    so that a changed abstract keeps the id; further records of that title with other
    contents are numbered in their order. A record that repeats an earlier one word for word
    is left out; another record under a supplied id that is taken is a failure. What cannot
    be read is reported to ``on_failure`` and stops nothing else.

    Args:
        names: for tables and JSON, what fields are called there: ``{"abstract": "AB"}``.

    Raises:
        InputError: nothing else is to be done: no path, or the only one cannot be used.
    """
    seen: dict[str, bytes] = {}
    for _, where, paper in read(paths, on_failure, names):
        if named := _named(where, paper, seen, on_failure):
            yield named


def read(
    paths: Paths,
    on_failure: OnFailure,
    names: Mapping[str, str] | None = None,
    source: SourceName = "",
) -> Iterator[tuple[str, str, Paper]]:
    """The records as they stand in the files; a paper without an id comes with an empty one.

    Yields:
        ``source`` or, where it is empty, the absolute path of the file (``-`` for standard
        input), the place in it for people, and the paper.

    Raises:
        InputError: as ``load_papers``.
    """
    given = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    if not given:
        raise InputError(f"no files to read; name files or folders of {NAMES}")
    files: list[tuple[Path, bool]] = []
    for path in map(Path, given):
        try:
            found = list_files(path, on_failure)
            files += [(file, file != path) for file in found]
        except InputError as error:
            _refuse(path, error, len(given) == 1, on_failure)
    for file, listed in files:
        name = "-" if str(file) == "-" else str(file.absolute())
        name = (source(name) if callable(source) else source) or name
        begun = False
        report = _Patient(on_failure)
        try:
            for text in open_texts(file, names or {}, report, listed):
                for where, paper in _records(text, report):
                    begun, report.failed = True, 0
                    yield name, where, paper
        except InputError as error:
            _refuse(file, error, len(files) == 1 and not begun, on_failure)


class _Patient:
    """Reports failures until too many follow one another: a file of a billion is an attack."""

    def __init__(self, on_failure: OnFailure) -> None:
        self._on_failure, self.failed = on_failure, 0

    def __call__(self, failure: Failure) -> None:
        self.failed += 1
        if self.failed > MAX_FAILURES:
            raise InputError(
                f"is given up after {MAX_FAILURES:,} records that cannot be read, the last one "
                f"{failure.where}: {failure.reason}"
            )
        self._on_failure(failure)


def _records(text: TextFile, on_failure: _Patient) -> Iterator[Record]:
    try:
        yield from find_format(text).load(text, on_failure)
    except InputError as error:
        if not text.entry or on_failure.failed > MAX_FAILURES:
            raise
        on_failure(Failure(text.name, str(error)))


def _refuse(file: Path, error: InputError, alone: bool, on_failure: OnFailure) -> None:
    name = "standard input" if str(file) == "-" else str(file)
    if alone:
        raise InputError(f"{name}: {error}") from error
    on_failure(Failure(name, str(error)))


def _named(where: str, paper: Paper, seen: dict[str, bytes], on_failure: OnFailure) -> Paper | None:
    """Give the paper its id, or None where it is a repetition or a clash."""
    ids = [paper.id] if paper.id else made_ids(paper)
    for named in (replace(paper, id=paper_id) for paper_id in ids):
        # Eight bytes tell contents apart and keep a million of them small.
        content = bytes.fromhex(named.content_hash)[:8]
        if named.id not in seen:
            seen[named.id] = content
            return named
        if seen[named.id] == content:
            return None
    on_failure(Failure(where, f"expected one record with the id {paper.id!r}, found another"))
    return None
