"""Files to papers: one module per format, found by the file's extension."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from rag.errors import InputError
from rag.identity import made_ids
from rag.loaders import jsonl, page
from rag.types import Failure, Paper

_Report = Callable[[Failure], None]
FORMATS: dict[str, Callable[[Path, _Report], Iterator[tuple[str, Paper]]]] = {
    ".jsonl": jsonl.load,
    ".txt": page.load,
}
Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]
_EXPECTED = " or ".join(FORMATS)


def load_papers(paths: Paths, on_failure: _Report) -> Iterator[Paper]:
    """Read the papers of files, and of the files that lie directly in folders.

    A supplied id is kept. A record without one is known by its title: its id is made of it,
    so that a changed abstract keeps the id; further records of that title with other
    contents are numbered in their order. A record that repeats an earlier one word for word
    is left out; another record under a supplied id that is taken is a failure. What cannot
    be read is reported to ``on_failure`` and stops nothing else.

    Raises:
        InputError: nothing else is to be done: no path, or the only one cannot be used.
    """
    seen: dict[str, bytes] = {}
    for _, where, paper in read(paths, on_failure):
        if named := _named(where, paper, seen, on_failure):
            yield named


def read(paths: Paths, on_failure: _Report) -> Iterator[tuple[str, str, Paper]]:
    """The records as they stand in the files; a paper without an id comes with an empty one.

    Yields:
        The absolute path of the file, the place in it for people, and the paper.

    Raises:
        InputError: nothing else is to be done: no path, or the only one cannot be used.
    """
    given = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    if not given:
        raise InputError(f"no files to read; name {_EXPECTED} files or folders of them")
    files = [file for path in given for file in _files(Path(path))]
    for file in files:
        source = str(file.absolute())
        try:
            for where, paper in _open(file, on_failure):
                yield source, where, paper
        except InputError as error:
            if len(files) == 1:
                raise InputError(f"{file}: {error}") from error
            on_failure(Failure(str(file), str(error)))


def _files(path: Path) -> list[Path]:
    with suppress(OSError):  # to be told when it is opened
        if path.is_dir():
            return sorted(f for f in path.iterdir() if f.suffix.lower() in FORMATS) or [path]
    return [path]


def _open(file: Path, on_failure: _Report) -> Iterator[tuple[str, Paper]]:
    try:
        if file.is_dir():
            next(file.iterdir(), None)  # raises where the folder cannot be read
            raise InputError(f"holds no {_EXPECTED} files; name a folder that does")
        if not file.exists():
            raise InputError("does not exist; check the path")
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror}); check its permissions") from error
    load = FORMATS.get(file.suffix.lower())
    if load is None:
        advice = "export the text of PDFs" if file.suffix.lower() == ".pdf" else "convert it"
        raise InputError(f"expected a {_EXPECTED} file, found {file.suffix or 'none'}; {advice}")
    yield from load(file, on_failure)


def _named(where: str, paper: Paper, seen: dict[str, bytes], on_failure: _Report) -> Paper | None:
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
