"""Tables as text: CSV with any usual separator, TSV; columns by their names (``keys``).

The first row names the columns. Separator and quoting are those with which the rows at the
start of the file have as many cells as it.
"""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Iterator

from rag.errors import InputError
from rag.loaders.fields import to_paper
from rag.loaders.keys import find_keys
from rag.loaders.textfile import Format, OnFailure, Record, TextFile
from rag.types import Failure

_SEPARATORS = ",\t;|"
_ROWS = 50  # looked at to tell the dialect
_LONGEST_NAME = 60  # characters of a column's name
_QUOTE_IN_TEXT = re.compile(r'(?:^|\t)"[^"\t\n]*"[^"\t\n]')  # 'a	"Big" fish': no quoting
_FIT = 0.8  # of the rows have as many cells as the first, unless both names are known


def _matches(head: str) -> bool:
    return _dialect(head) is not None


def _load(file: TextFile, on_failure: OnFailure) -> Iterator[Record]:
    dialect = _dialect(file.head)
    if dialect is None:
        raise InputError("expected a table, found text")
    rows = _rows(file, dialect, on_failure)
    _, header = next(rows, (1, []))
    names = [name.strip() for name in header]
    columns = _columns(names, file)
    empty = True
    for line, row in rows:
        empty = False
        try:
            yield file.at(line), to_paper(_record(row, names, columns))
        except InputError as error:
            on_failure(Failure(file.at(line), str(error)))
    if empty:
        raise InputError("holds only the names of columns; expected rows below them")


def _columns(names: list[str], file: TextFile) -> dict[str, list[int]]:
    """The columns of each field, the surest first."""
    found = f"found {', '.join(names)[:300]}"
    for ours, theirs in file.names.items():
        if theirs not in names:
            raise InputError(f"expected the column {theirs!r} for {ours}, {found}")
    keys = find_keys(tuple(names), tuple(file.names.items()))
    if missing := [field for field in ("title", "abstract") if field not in keys]:
        example = ",".join(f"{field}=NAME" for field in missing)
        raise InputError(
            f"expected a column for {' and '.join(missing)}, {found}; say which with "
            f"--map {example}"
        )
    return {ours: [names.index(name) for name in theirs] for ours, theirs in keys.items()}


def _record(row: list[str], names: list[str], columns: dict[str, list[int]]) -> dict[str, str]:
    if len(row) > len(names) and any(map(str.strip, row[len(names) :])):
        raise InputError(f"expected {len(names)} cells, found {len(row)}; quote those with commas")
    record: dict[str, str] = {}
    for ours, places in columns.items():
        for at in reversed(places):
            if at < len(row) and (cell := row[at].strip()):
                record[ours] = cell
    return record


def _rows(
    file: TextFile, dialect: type[csv.Dialect], on_failure: OnFailure
) -> Iterator[tuple[int, list[str]]]:
    """The rows with the line each begins at; blank ones are left out."""
    at = [0]

    def lines() -> Iterator[str]:
        for number, line in file.lines(on_failure):
            at[0] = number
            if number > 1 or not _is_hint(line):
                yield line.replace("\0", "") + "\n"

    reader = csv.reader(lines(), dialect)
    while True:
        begun = at[0] + 1
        try:
            row = next(reader, None)
        except csv.Error as error:
            reason = f"no row can be read up to line {at[0]} ({error}); is a quote left open?"
            on_failure(Failure(file.at(begun), reason))
            continue
        if row is None:
            return
        if any(map(str.strip, row)):
            yield begun, row


def _dialect(head: str) -> type[csv.Dialect] | None:
    """How the table that begins so is written, or None where it is no table."""
    lines = [line + "\n" for line in head.replace("\0", "").split("\n") if line.strip()]
    if len(head) > 1000 and len(lines) > 2:
        lines.pop()  # it may be cut off
    if lines and _is_hint(lines[0]):
        del lines[0]
    fits = ((_fit(lines, d), len(_SEPARATORS) - i, d) for i, d in enumerate(_dialects()))
    best = max(fits, key=lambda fit: fit[:2])
    return best[2] if best[0] > 0 else None


def _dialects() -> Iterator[type[csv.Dialect]]:
    for separator, quoted in itertools.product(_SEPARATORS, (True, False)):

        class Dialect(csv.Dialect):
            delimiter = separator
            quotechar = '"'
            doublequote = True
            lineterminator = "\n"
            quoting = csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
            skipinitialspace = separator != "\t"

        yield Dialect


def _fit(lines: list[str], dialect: type[csv.Dialect]) -> float:
    """How well the rows fit the first one, 0 where it names no columns; known names count."""
    quoted = dialect.quoting != csv.QUOTE_NONE
    if quoted and dialect.delimiter == "\t" and any(map(_QUOTE_IN_TEXT.search, lines)):
        return 0.0
    rows: list[list[str]] = []
    try:
        rows.extend(itertools.islice(filter(None, csv.reader(lines, dialect)), _ROWS))
    except csv.Error:  # a quote that closes nowhere: a row that does not fit
        rows.append([])
    names = [name.strip() for name in rows[0]] if rows else []
    while names and not names[-1]:
        names.pop()
    if len(names) < 2 or not all(0 < len(name) <= _LONGEST_NAME for name in names):
        return 0.0
    fits = sum(len(row) == len(rows[0]) for row in rows) / len(rows)
    known = {"title", "abstract"} & find_keys(tuple(names)).keys()
    if len(known) < 2 and (fits < _FIT or len(rows) < 3 - len(known)):
        return 0.0
    return fits + len(known)


def _is_hint(line: str) -> bool:
    """Whether Excel is told the separator here."""
    return line.strip().strip('"').casefold().startswith("sep=")


FORMAT = Format("CSV or TSV", _matches, _load)
