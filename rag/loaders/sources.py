"""Paths to texts: folders, gzip and zip files, standard input; with limits against bombs."""

from __future__ import annotations

import gzip
import io
import os
import stat
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Protocol, cast

from rag.errors import InputError
from rag.loaders.textfile import OnFailure, TextFile
from rag.types import Failure

STANDARD_INPUT = Path("-")
MAX_RATIO = 200
"""Bytes that one packed byte may become; abstracts become 3 to 10."""
MAX_UNPACKED = 16 * 2**30
"""Bytes that one archive may become."""
MAX_ENTRIES = 100_000

_GRACE = 32 * 2**20  # bytes: the first ones are not held to the ratio
_BINARY = {
    b"PK\x05\x06": "an empty zip archive",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"\xd0\xcf\x11\xe0": "an Office document; save it as CSV or text",
    b"SQLite format 3": "a database; export its records as CSV, BibTeX or RIS",
    b"BZh": "a bzip2 archive; unpack it first",
    b"\xfd7zXZ": "an xz archive; unpack it first",
    b"\x28\xb5\x2f\xfd": "a zstd archive; unpack it first",
    b"7z\xbc\xaf": "a 7-Zip archive; unpack it first",
    b"Rar!": "a RAR archive; unpack it first",
    b"PAR1": "a Parquet table; save it as CSV or JSON Lines",
    b"\x80\x04\x95": "a Python pickle, which is never opened; save it as JSON Lines",
}
_PDF = (
    "is a PDF; export its title and abstract as text, or the record as BibTeX or RIS from your "
    "reference manager"
)
_ZIP, _GZIP = b"PK\x03\x04", b"\x1f\x8b"
_DAMAGED = (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError, NotImplementedError)


def list_files(path: Path, on_failure: OnFailure) -> list[Path]:
    """The files that ``path`` stands for: itself, or all in that folder, in stable order.

    Hidden files and folders are left out; links to folders and what is no file are reported.

    Raises:
        InputError: the folder cannot be read or holds no file.
    """
    if path == STANDARD_INPUT or not path.is_dir():
        return [path]
    files: list[Path] = []

    def refuse(error: OSError) -> None:
        if Path(str(error.filename)) == path:
            raise InputError(_unreadable(error))
        on_failure(Failure(str(error.filename), _unreadable(error)))

    for folder, below, names in os.walk(path, onerror=refuse):
        for name in sorted(below):
            if not name.startswith(".") and Path(folder, name).is_symlink():
                on_failure(Failure(str(Path(folder, name)), "is a link to a folder; name it too"))
        below[:] = sorted(name for name in below if not name.startswith("."))
        files += [Path(folder, name) for name in sorted(names) if not name.startswith(".")]
    if not files:
        raise InputError("holds no files; name a folder that does")
    return files


def open_texts(
    path: Path, names: Mapping[str, str], on_failure: OnFailure, listed: bool = False
) -> Iterator[TextFile]:
    """The text of a file, or of each entry of a zip file; ``-`` is standard input.

    ``listed`` says that a folder held it: a pipe there is refused, since it may never end.

    Raises:
        InputError: the file cannot be used; the message does not name it.
    """
    if path == STANDARD_INPUT:
        source = io.BufferedReader(_Guarded(cast(io.BufferedReader, sys.stdin.buffer)))
        yield from _texts("standard input", source, names, on_failure, seekable=False)
        return
    try:
        if listed and not stat.S_ISREG(path.stat().st_mode):
            raise InputError("is no file that can be read; name it itself if it should be")
        source = io.BufferedReader(_Guarded(path.open("rb")))
    except FileNotFoundError as error:
        raise InputError("does not exist; check the path") from error
    except (OSError, ValueError) as error:
        raise InputError(_unreadable(error)) from error
    with source:
        yield from _texts(str(path), source, names, on_failure, source.seekable())


def _texts(
    name: str,
    source: io.BufferedReader[Any],
    names: Mapping[str, str],
    on_failure: OnFailure,
    seekable: bool,
) -> Iterator[TextFile]:
    head = source.peek(1024)
    if head.startswith(_ZIP):
        if not seekable:
            raise InputError("is a zip archive; save it as a file and name that")
        yield from _entries(name, source, names, on_failure)
    elif head.startswith(_GZIP):
        packed = _Guarded(source)
        unpacked = gzip.GzipFile(fileobj=io.BufferedReader(packed))
        yield _text(name, _Guarded(unpacked, _Budget(lambda: packed.passed)), names)
    else:
        yield _text(name, source, names)


def _text(
    name: str,
    raw: io.RawIOBase | io.BufferedReader[Any],
    names: Mapping[str, str],
    entry: bool = False,
) -> TextFile:
    source = raw if isinstance(raw, io.BufferedReader) else io.BufferedReader(raw, 64 * 1024)
    head = source.peek(1024)
    if head.lstrip(b"\xef\xbb\xbf\0\r\n\t ").startswith(b"%PDF-"):
        raise InputError(_PDF)
    if head.startswith((_ZIP, _GZIP)):
        raise InputError("is an archive in an archive; unpack the outer one first")
    if head[257:262] == b"ustar":
        raise InputError("expected text, found a tar archive; unpack it first")
    for start, found in _BINARY.items():
        if head.startswith(start):
            raise InputError(f"expected text, found {found}")
    return TextFile(name, source, names, entry)


def _entries(
    name: str, source: BinaryIO, names: Mapping[str, str], on_failure: OnFailure
) -> Iterator[TextFile]:
    try:
        archive = zipfile.ZipFile(source)
    except _DAMAGED as error:
        raise InputError(f"is a damaged zip archive ({error}); fetch it again") from error
    entries = [entry for entry in archive.infolist() if not _hidden(entry)]
    if any(entry.filename == "[Content_Types].xml" for entry in entries):
        raise InputError("is an Office document; save its table as CSV or its text as text")
    if len(entries) > MAX_ENTRIES:
        raise InputError(f"holds {len(entries):,} files, at most {MAX_ENTRIES:,} are taken")
    if not entries:
        raise InputError("is an archive without files; expected papers")
    size = source.seek(0, io.SEEK_END)
    budget = _Budget(lambda: size)
    for entry in sorted(entries, key=lambda entry: entry.filename):
        where = f"{name}/{entry.filename}"
        try:
            _check_entry(entry)
            with _opened(archive, entry) as unpacked:
                yield _text(where, _Guarded(unpacked, budget), names, entry=True)
        except InputError as error:
            on_failure(Failure(where, str(error)))
        if budget.spent:
            raise InputError("is not read any further: it unpacks to more than abstracts do")


def _hidden(entry: zipfile.ZipInfo) -> bool:
    parts = PurePosixPath(entry.filename).parts
    hidden = any(part[:1] == "." != part[1:2] for part in parts)
    return entry.is_dir() or hidden or "__MACOSX" in parts


def _check_entry(entry: zipfile.ZipInfo) -> None:
    path = entry.filename.replace("\\", "/")
    if path.startswith("/") or ".." in path.split("/") or path[1:2] == ":":
        raise InputError("its name points outside the archive; pack it without paths")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise InputError("is a link; pack the file itself")
    if entry.flag_bits & 1:
        raise InputError("is encrypted; pack it without a password")


def _opened(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Any:
    try:
        return archive.open(entry)
    except _DAMAGED as error:
        raise InputError(f"cannot be unpacked ({error}); pack it anew") from error


def _unreadable(error: Exception) -> str:
    reason = getattr(error, "strerror", None) or error
    return f"cannot be read ({reason}); check its permissions"


class _Budget:
    """How much an archive may still become."""

    def __init__(self, packed: Callable[[], int]) -> None:
        self._packed, self._unpacked, self.spent = packed, 0, False

    def spend(self, size: int) -> None:
        self._unpacked += size
        if self._unpacked > _GRACE:
            most = min(MAX_UNPACKED, max(_GRACE, MAX_RATIO * self._packed()))
            self.spent = self._unpacked > most
        if self.spent:
            raise InputError(
                f"unpacks to more than {MAX_RATIO} times its size or {MAX_UNPACKED // 2**30} GiB, "
                "like a bomb; unpack it yourself if it is none"
            )


class _Bytes(Protocol):
    """What files, gzip members and zip entries have in common."""

    def read1(self, size: int, /) -> bytes: ...
    def close(self) -> object: ...
    def seekable(self) -> bool: ...
    def seek(self, offset: int, whence: int, /) -> int: ...
    def tell(self) -> int: ...


class _Guarded(io.RawIOBase):
    """Bytes whose faults are told as ours, counted, and held to a budget."""

    def __init__(self, source: _Bytes, budget: _Budget | None = None) -> None:
        self._source, self._budget, self.passed = source, budget, 0
        self._fault: InputError | None = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._source.seekable()

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._source.seek(offset, whence)

    def tell(self) -> int:
        return self._source.tell()

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if self._fault:
            raise self._fault
        try:
            piece = self._source.read1(len(buffer))
        except _DAMAGED as error:
            reason = getattr(error, "strerror", None) or error
            self._fault = InputError(
                f"cannot be read beyond byte {self.passed:,} ({reason}); fetch it again"
            )
            raise self._fault from error
        self.passed += len(piece)
        if self._budget:
            self._budget.spend(len(piece))
        buffer[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        if not self.closed and self._source is not sys.stdin.buffer:
            self._source.close()
        super().close()
