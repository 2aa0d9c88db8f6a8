"""A file of papers as text: decoded whatever its character set, never held whole unasked.

UTF-8 is taken where it fits; UTF-16 and UTF-32 by their byte order mark; otherwise the set is
the one that an XML declaration names, or that charset-normalizer finds in the first part. Bytes
that do not fit the set are read as Windows-1252, which is what they are in mixed files.
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from rag.errors import InputError
from rag.types import Failure, Paper

OnFailure = Callable[[Failure], None]
Record = tuple[str, Paper]
"""Where a paper stands, and the paper; its id is empty where none was supplied."""

HEAD = 256 * 1024
"""Bytes by which the format and the character set of a file are told."""
MAX_LINE = 16 * 2**20
"""Bytes of the longest line that is taken."""
MAX_RECORD = 32 * 2**20
"""Characters of the longest record of a stream."""
MAX_TEXT = 256 * 2**20
"""Characters of the largest file that is taken as one text."""

_PIECE = 64 * 1024
_SKIPPED = 64 * 2**20  # bytes of a line that is too long: beyond them the file is given up
_MARKS = {  # the longer mark first: UTF-32's begins like UTF-16's
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_LEADS = bytes(range(0xC0, 0x100))  # the first bytes of UTF-8's longer characters
_ESCAPED = re.compile("[\udc80-\udcff]")
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]{0,80}encoding=["']([\w.-]{1,20})["']""")
# What old exports are written in; the whole list of charset-normalizer finds rarities in them.
_SETS = """cp1252 cp1250 cp1251 cp1253 cp1254 cp1255 cp1256 cp1257 koi8_r mac_roman
gb18030 big5 cp932 euc_jp cp949""".split()

_NEIGHBOURS = {"cp1250", "cp1254", "cp1257"}


class Source(Protocol):
    """Bytes to be read: files, gzip members, zip entries."""

    def read1(self, size: int, /) -> bytes:
        """At most ``size`` bytes, as many as are at hand; none at the end."""


class TextFile:
    """The text of one file or archive entry; read it once, by one of its three readers.

    Attributes:
        name: how messages call it.
        head: the start of it, without a byte order mark, at least a line where it has lines.
        whole: whether ``head`` is all of it.
        entry: whether it is one of several in an archive.
        names: the names that the user gave to fields, by ours: ``{"abstract": "AB"}``.
    """

    def __init__(
        self,
        name: str,
        source: Source,
        names: Mapping[str, str] | None = None,
        entry: bool = False,
    ) -> None:
        """Read the head of ``source``.

        Raises:
            InputError: it is empty or not text; the message does not name it.
        """
        self.name, self.names, self.entry = name, names or {}, entry
        head = _read_head(source)
        if not head:
            raise InputError("is empty; expected papers")
        mark = next((mark for mark in _MARKS if head.startswith(mark)), b"")
        source = io.BufferedReader(_Rejoined(head[len(mark) :], source))
        if _MARKS.get(mark, "utf-8") != "utf-8":
            source = _changed(source, _recoder(_MARKS[mark]))
        head = _read_head(source)
        if b"\0" in head:
            raise InputError("expected text, found binary data; save it as UTF-8 text")
        self.whole = len(head) < HEAD
        self._source: io.BufferedReader[Any] = io.BufferedReader(_Rejoined(head, source))
        if b"\r" in head and b"\n" not in head:  # the line ends of old Macs, and of Excel there
            self._source = _changed(self._source, lambda raw, _: raw.replace(b"\r", b"\n"))
            head = head.replace(b"\r", b"\n")
        self._encoding = _encoding(head)
        self.head = codecs.getincrementaldecoder(self._encoding)("mixed").decode(head, self.whole)

    @classmethod
    def of(cls, name: str, text: str, names: Mapping[str, str] | None = None) -> TextFile:
        """``text`` as a file."""
        return cls(name, io.BytesIO(text.encode("utf-8", "surrogatepass")), names)

    def lines(self, on_failure: OnFailure) -> Iterator[tuple[int, str]]:
        """Read it line by line; a line over ``MAX_LINE`` is reported and left out.

        Yields:
            The line's number, from 1, and its text without its end.

        Raises:
            InputError: a line has no end for so long that the rest is not read.
        """
        number = 0
        while raw := self._source.readline(MAX_LINE + 1):
            number += 1
            if len(raw) > MAX_LINE:
                too_long = f"expected a line of at most {MAX_LINE:,} bytes, found a longer one"
                on_failure(Failure(self.at(number), f"{too_long}; export the abstracts alone"))
                self._skip_line(number, raw)
                continue
            yield number, raw.rstrip(b"\r\n").decode(self._encoding, "mixed")

    def stream(self, limit: int = MAX_RECORD) -> Stream:
        """Read it piece by piece, each record of at most ``limit`` characters."""
        return Stream(self._source, self._encoding, limit)

    def text(self) -> str:
        """All of it.

        Raises:
            InputError: it is longer than ``MAX_TEXT``.
        """
        stream = self.stream(MAX_TEXT)
        return "".join(iter(lambda: stream.read(_PIECE), ""))

    def at(self, line: int) -> str:
        """The name of a place in it, by its line, from 1."""
        return f"{self.name}:{line}"

    def record(self, number: int) -> str:
        """The name of a place in it where lines are not known, counted from 1."""
        return f"{self.name}, record {number}"

    def _skip_line(self, number: int, raw: bytes) -> None:
        skipped = 0
        while raw and not raw.endswith(b"\n"):
            if skipped > _SKIPPED:
                raise InputError(
                    f"line {number} does not end within {MAX_LINE + skipped:,} bytes; "
                    "nothing was read from there on"
                )
            raw = self._source.readline(_PIECE)
            skipped += len(raw)


class Stream:
    """Text piece by piece, with a limit on how much of it may pass without a record."""

    def __init__(self, source: Source, encoding: str, limit: int) -> None:
        self._source, self._limit = source, limit
        self._decoder = codecs.getincrementaldecoder(encoding)("mixed")
        self._passed = 0

    def read(self, size: int = _PIECE) -> str:
        """At most ``size`` characters more, none at the end.

        Raises:
            InputError: the record is too long.
        """
        while raw := self._source.read1(size):
            if text := self._decoder.decode(raw):
                break
        else:
            text = self._decoder.decode(b"", True)
        self._passed += len(text)
        if self._passed > self._limit:
            raise InputError(
                f"expected records of at most {self._limit:,} characters, found a longer one; "
                "export the abstracts alone"
            )
        return text

    def next_record(self) -> None:
        """Say that a record has been found: the limit counts anew."""
        self._passed = 0


@dataclass(frozen=True, slots=True)
class Format:
    """One way to write papers down.

    Attributes:
        name: how people call it.
        matches: tells by ``TextFile.head`` whether a file is written so; never raises.
        load: its papers; a record without an abstract or with another fault is reported.
            Raises InputError, without the file's name, where the whole cannot be used.
    """

    name: str
    matches: Callable[[str], bool]
    load: Callable[[TextFile, OnFailure], Iterator[Record]]


def _read_head(source: Source) -> bytes:
    """The first ``HEAD`` bytes, or those before the file turns out to be damaged."""
    head = b""
    while len(head) < HEAD:
        try:
            piece = source.read1(HEAD - len(head))
        except InputError:
            if not head:
                raise
            break  # it will be met again behind what could be read
        if not piece:
            break
        head += piece
    return head


def _encoding(head: bytes) -> str:
    """The character set of what begins with ``head``."""
    errors = _count_errors(head)
    if not errors or errors <= (len(head) - len(head.translate(None, _LEADS))) // 10:
        return "utf-8"
    if declared := _DECLARED.match(head):
        try:
            name = codecs.lookup(declared[1].decode()).name
            head.decode(name, "replace")
            return name
        except (LookupError, UnicodeError):
            pass
    from charset_normalizer import from_bytes

    # Lines of plain ASCII tell nothing and water down the statistics.
    telling = b"\n".join(line for line in head.splitlines() if not line.isascii())[:_PIECE]
    found = [match.encoding for match in from_bytes(telling, cp_isolation=_SETS)]
    if not found or (found[0] in _NEIGHBOURS and "cp1252" in found):
        return "cp1252"  # far more common, and as likely by the statistics of a few letters
    return found[0]


def _count_errors(head: bytes) -> int:
    """Bytes of ``head`` that are not UTF-8, but for a character that it cuts at the end."""
    text = codecs.getincrementaldecoder("utf-8")("surrogateescape").decode(head)
    return len(_ESCAPED.findall(text))


def _mixed(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    bad = error.object[error.start : error.end]
    return "".join(bytes([b]).decode("cp1252", "ignore") or "\ufffd" for b in bad), error.end


codecs.register_error("mixed", _mixed)


class _Rejoined(io.RawIOBase):
    """Bytes that were read ahead, and then the rest of their source."""

    def __init__(self, head: bytes, rest: Source) -> None:
        self._head, self._rest = memoryview(head), rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        size = len(buffer)
        piece = self._head[:size]
        self._head = self._head[size:]
        if not piece:
            piece = memoryview(self._rest.read1(size))
        buffer[: len(piece)] = piece
        return len(piece)


def _changed(source: Source, change: Callable[[bytes, bool], bytes]) -> io.BufferedReader[Any]:
    return io.BufferedReader(_Changed(source, change))


def _recoder(encoding: str) -> Callable[[bytes, bool], bytes]:
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    return lambda raw, final: decoder.decode(raw, final).encode("utf-8", "replace")


class _Changed(io.RawIOBase):
    """Bytes after a change, which is told when there are no more."""

    def __init__(self, source: Source, change: Callable[[bytes, bool], bytes]) -> None:
        self._source, self._change, self._ready = source, change, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._ready:
            raw = self._source.read1(_PIECE)
            self._ready = self._change(raw, not raw)
            if not raw:
                break
        piece, self._ready = self._ready[: len(buffer)], self._ready[len(buffer) :]
        buffer[: len(piece)] = piece
        return len(piece)
