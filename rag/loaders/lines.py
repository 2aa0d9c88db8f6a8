"""Text files as numbered lines, with the problems of files from the wild put into words."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

from rag.errors import InputError
from rag.types import Failure

_SNIFFED = 8192
_KEPT_CONTROLS = "\t\n\r"
_ADVICE = "save the file as UTF-8 text"


def read_lines(path: Path, on_failure: Callable[[Failure], None]) -> Iterator[tuple[str, str]]:
    """Read ``path`` line by line, decoded, without line ends and without a byte order mark.

    A line that is not UTF-8 is reported to ``on_failure`` and left out.

    Yields:
        ``("FILE:LINE", text)``, lines counted from 1.

    Raises:
        InputError: the file as a whole cannot be used; the message does not name it.
    """
    try:
        with path.open("rb") as file:
            _sniff(file.peek(_SNIFFED)[:_SNIFFED])  # type: ignore[attr-defined]
            for number, raw in enumerate(file, start=1):
                where = f"{path}:{number}"
                if number == 1:
                    raw = raw.removeprefix(b"\xef\xbb\xbf")
                try:
                    yield where, raw.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8")
                except UnicodeDecodeError as error:
                    reason = f"not UTF-8 (byte {error.start} of the line); {_ADVICE}"
                    on_failure(Failure(where, reason))
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror}); check the path") from error


def clean(text: str) -> str:
    """Strip control characters and halves of surrogate pairs, which no file can hold."""
    if text.isprintable():
        return text
    return "".join(
        c for c in text if c in _KEPT_CONTROLS or unicodedata.category(c) not in ("Cc", "Cs")
    )


def _sniff(head: bytes) -> None:
    if not head:
        raise InputError("is empty; expected papers")
    if head.startswith(b"%PDF-"):
        raise InputError("is a PDF; export its text, a title and an abstract per paper")
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError(f"expected UTF-8, found UTF-16; {_ADVICE}")
    if b"\0" in head:
        raise InputError(f"expected text, found binary data; {_ADVICE}")
