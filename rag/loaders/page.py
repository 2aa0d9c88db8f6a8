"""Text copied from a web page of papers: a title line, then its abstract as one long line.

Blank lines between do not matter. The lines that a site puts around them (menus, dates,
names) are short and not followed by an abstract, and are told apart by that alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from rag.errors import InputError
from rag.loaders.lines import clean, read_lines
from rag.types import Failure, Paper

_LONG = 250  # characters: the longest titles stay below, all but the tersest abstracts above
_PROSE = 30  # words: a line as long as this that ends like a sentence is no title
_TITLE = 30  # characters: shorter lines between papers are the site's, not lost titles


def load(path: Path, on_failure: Callable[[Failure], None]) -> Iterator[tuple[str, Paper]]:
    """Read the papers of a page; their ids are empty.

    A title without an abstract and an abstract without a title are reported to
    ``on_failure``; short lines before the first paper are skipped in silence.

    Yields:
        ``("FILE:LINE", paper)``, the line being the title's.

    Raises:
        InputError: the file as a whole cannot be used; the message does not name it.
    """
    title: tuple[str, str] | None = None
    found = False
    for where, raw in read_lines(path, on_failure):
        line = clean(raw)
        if not line.strip():
            continue
        if not _is_abstract(line):
            if found and title:
                _report_lone(title, on_failure)
            title = (where, line)
        elif title is None:
            on_failure(Failure(where, "expected a title line before this abstract, found none"))
        else:
            found = True
            yield title[0], Paper(id="", title=title[1], abstract=line)
            title = None
    if not found:
        raise InputError("holds no papers; expected title lines, each followed by its abstract")
    if title:
        _report_lone(title, on_failure)


def _is_abstract(line: str) -> bool:
    return len(line) >= _LONG or (len(line.split()) >= _PROSE and line.rstrip().endswith("."))


def _report_lone(title: tuple[str, str], on_failure: Callable[[Failure], None]) -> None:
    where, line = title
    if len(line) >= _TITLE:
        on_failure(Failure(where, f"expected an abstract after the title {line!r}, found none"))
