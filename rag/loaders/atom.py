"""Atom XML as arXiv's API returns it, and other feeds whose entries have a summary."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from rag.errors import InputError
from rag.loaders.latex import latex_to_text
from rag.loaders.references import paper_of
from rag.loaders.textfile import Format, OnFailure, Record, TextFile
from rag.loaders.xmltree import records, root_is, text_of
from rag.types import Failure

_ID = re.compile(r"arxiv\.org/abs/(\S+?)(?:v\d+)?$", re.IGNORECASE)


def load(file: TextFile, on_failure: OnFailure) -> Iterator[Record]:
    """The papers of an Atom feed; arXiv's ids stand without their version.

    Raises:
        InputError: the XML is broken from the start, holds no entry or is dangerous.
    """
    for number, entry in enumerate(records(file, ("entry",), on_failure), 1):
        found = _ID.search(_text(entry, "id"))
        arxiv = found[1] if found else ""
        where = file.record(number) + (f" (arXiv {arxiv})" if arxiv else "")
        try:
            if fault := error_of(entry):
                raise InputError(f"expected a paper, found arXiv's message {fault!r}")
            yield where, paper_of(_record(entry, arxiv))
        except InputError as error:
            on_failure(Failure(where, str(error)))


def error_of(entry: Element) -> str:
    """What arXiv says is wrong, where an entry is such a message."""
    return _text(entry, "summary") if "arxiv.org/api/errors" in _text(entry, "id") else ""


def _record(entry: Element, arxiv: str) -> dict[str, object]:
    doi = _text(entry, "doi")
    links = [link.get("href", "") for link in entry.iterfind("{*}link[@rel='alternate']")]
    terms = [category.get("term", "") for category in entry.iterfind("{*}category")]
    return {
        "id": arxiv or doi,
        "title": latex_to_text(_text(entry, "title")),
        "abstract": latex_to_text(_text(entry, "summary")),
        "authors": [latex_to_text(text_of(name)) for name in entry.iterfind("{*}author/{*}name")],
        "year": _text(entry, "published"),
        "venue": _text(entry, "journal_ref") or ("arXiv" if arxiv else ""),
        "url": f"https://arxiv.org/abs/{arxiv}" if arxiv else next(iter(links), ""),
        "doi": doi,
        "arxiv_id": arxiv,
        "keywords": list(dict.fromkeys(terms)),
    }


def _text(entry: Element, name: str) -> str:
    return text_of(entry.find(f"{{*}}{name}"))


FORMAT = Format("Atom XML", lambda head: root_is(head, "feed", "entry"), load)
