"""The formats that are known, and which of them a file is in: told by its content alone."""

from __future__ import annotations

import re

from rag.errors import InputError
from rag.loaders import (
    atom,
    bibtex,
    jsondoc,
    jsonl,
    markdown,
    medline,
    page,
    pubmed_xml,
    ris,
    table,
)
from rag.loaders.textfile import Format, TextFile

FORMATS: tuple[Format, ...] = (
    pubmed_xml.FORMAT,
    atom.FORMAT,
    ris.FORMAT,
    medline.FORMAT,
    jsonl.FORMAT,
    jsondoc.FORMAT,
    bibtex.FORMAT,
    table.FORMAT,
    markdown.FORMAT,
    page.FORMAT,
)
"""The first one that matches takes the file: those that are surest of theirs come first."""

_REFUSED = {
    re.compile(r"\s*(<!doctype html|<html)", re.IGNORECASE): "a web page; copy its text, or "
    "export the list of papers",
    re.compile(r"\s*\{\\rtf"): "rich text; save it as plain text",
    re.compile(r"\s*\\documentclass"): "LaTeX; give titles and abstracts as a page of text",
    re.compile(r"\s*<\?xml|\s*<[A-Za-z!][^<>]*>\s*<"): "XML of another kind; export PubMed XML, "
    "BibTeX or RIS",
}
NAMES = ", ".join(format.name for format in FORMATS)


def find_format(file: TextFile) -> Format:
    """The format of ``file``.

    Raises:
        InputError: it is in none.
    """
    if not file.head.strip():
        raise InputError("is empty; expected papers")
    for known in FORMATS[:-1]:
        if known.matches(file.head):
            return known
    for pattern, found in _REFUSED.items():
        if pattern.match(file.head):
            raise InputError(f"expected {NAMES}; found {found}")
    if FORMATS[-1].matches(file.head):  # anything that reads like prose
        return FORMATS[-1]
    raise InputError(f"holds no papers; expected {NAMES}")
