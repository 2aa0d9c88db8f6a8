"""PubMed's MEDLINE format (``.nbib``): "TAG - value", continued on lines that are set in.

Read here in a few lines: Biopython's reader of it comes with 3 MB of compiled code.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from rag.errors import InputError
from rag.loaders.references import paper_of, spoken
from rag.loaders.textfile import Format, OnFailure, Record, TextFile
from rag.types import Failure

_TAG = re.compile(r"([A-Z]{2,4}) *(?<=^....)- ?(.*)")
_MATCH = re.compile(r"^PMID ?- ?\d", re.MULTILINE)

_Fields = Mapping[str, list[str]]


def load(file: TextFile, on_failure: OnFailure) -> Iterator[Record]:
    """The papers of a MEDLINE file; records that cannot be read stop no others.

    Raises:
        InputError: it holds no record, or a line of it does not end.
    """
    empty = True
    for number, given in _records(file, on_failure):
        empty = False
        try:
            yield _where(file, number, given), paper_of(_record(given))
        except InputError as error:
            on_failure(Failure(_where(file, number, given), str(error)))
    if empty:
        raise InputError("holds no MEDLINE records; expected them to begin with 'PMID- '")


def _records(file: TextFile, on_failure: OnFailure) -> Iterator[tuple[int, _Fields]]:
    """The values of each record by tag, with the number of its first line."""
    begun, given, last = 0, defaultdict[str, list[str]](list), ""
    for number, line in file.lines(on_failure):
        tag = _TAG.match(line)
        if tag and tag[1] == "PMID" and given:
            yield begun, given
            given = defaultdict(list)
        if tag:
            begun, last = begun if given else number, tag[1]
            given[last].append(tag[2].strip())
        elif line.startswith(" ") and given:
            given[last][-1] = f"{given[last][-1]} {line.strip()}"
    if given:
        yield begun, given


def _record(given: _Fields) -> dict[str, object]:
    pmid = _first(given, "PMID")
    doi = next((i.split()[0] for i in given["LID"] + given["AID"] if i.endswith("[doi]")), "")
    return {
        "id": pmid,
        "title": _first(given, "TI", "BTI", "TT"),
        "abstract": _first(given, "AB", "OAB"),
        "authors": [spoken(name) for name in given["FAU"] or given["AU"]] + given["CN"],
        "year": _first(given, "DP", "DEP", "EDAT"),
        "venue": _first(given, "JT", "TA", "BTI"),
        "url": f"https://pubmed.ncbi.nlm.nih.gov/{pmid}/" if pmid else "",
        "doi": doi,
        "pmid": pmid,
        "keywords": [term.replace("*", "") for term in given["OT"] + given["MH"]],
    }


def _where(file: TextFile, number: int, given: _Fields) -> str:
    pmid = _first(given, "PMID")
    return f"{file.at(number)} (PMID {pmid})" if pmid else file.at(number)


def _first(given: _Fields, *tags: str) -> str:
    return next((value for tag in tags for value in given[tag] if value), "")


FORMAT = Format("PubMed MEDLINE", lambda head: bool(_MATCH.search(head)), load)
