"""BibTeX and BibLaTeX, as Zotero, Mendeley, JabRef, Google Scholar and ACM write them."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from rag.errors import InputError
from rag.identity import ID_FIELD
from rag.loaders.latex import latex_to_text
from rag.loaders.references import ids, paper_of
from rag.loaders.textfile import Format, OnFailure, Record, TextFile
from rag.types import Failure

if TYPE_CHECKING:
    from bibtexparser.model import Block, Entry

_BLOCK = re.compile(r"^[ \t]*@(?:(?:string|preamble|comment)[ \t]*[{(]|\w+[ \t]*[{(][^\n,=]*,)",
                    re.MULTILINE | re.IGNORECASE)  # fmt: skip
_VENUES = "journal journaltitle booktitle maintitle series publisher school institution".split()
_ESCAPE = re.compile(r"\\([_%&#~$])")
_URL = re.compile(r"https?://[^\s{}]+")


def load(file: TextFile, on_failure: OnFailure) -> Iterator[Record]:
    """The papers of a BibTeX file; entries that cannot be read stop no others.

    Raises:
        InputError: it holds no entry.
    """
    from bibtexparser import parse_string

    empty = True
    # Its warnings go to the log alone: what they say is reported as failures.
    logging.getLogger("bibtexparser").addHandler(logging.NullHandler())
    library = parse_string(file.text())
    strings = {name.lower(): str(s.value) for name, s in library.strings_dict.items()}
    for block in library.blocks:
        where = file.at((block.start_line or 0) + 1)
        try:
            if entry := _entry(block):
                empty = False
                yield where, paper_of(_record(entry, strings))
        except InputError as error:
            empty = False
            on_failure(Failure(where, str(error)))
    if empty:
        raise InputError("holds no BibTeX entries; expected @article{key, title = {...}, ...}")


def _entry(block: Block) -> Entry | None:
    """The entry in ``block``, also where its key or a field of it is repeated."""
    from bibtexparser.model import Entry, MiddlewareErrorBlock, ParsingFailedBlock

    if isinstance(block, Entry):
        return block
    if isinstance(block, ParsingFailedBlock):
        held = block.ignore_error_block
        if isinstance(held, Entry) and not isinstance(block, MiddlewareErrorBlock):
            return held
        reason = " ".join(str(getattr(block.error, "abort_reason", block.error)).split())
        raise InputError(f"expected a BibTeX entry, found a broken one: {reason}; correct it")
    return None


def _record(entry: Entry, strings: Mapping[str, str]) -> dict[str, object]:
    given: dict[str, str] = {}
    for field in entry.fields:
        value = str(field.value)
        if field.enclosing == "no-enclosing" and "#" in value:
            value = _joined(value, strings)
        given.setdefault(field.key.lower(), value)
    doi = _verbatim(given.get("doi", ""))
    arxiv = given.get("arxivid") or _eprint(given, "arxiv")
    pmid = given.get("pmid") or _eprint(given, "pubmed")
    own = _text(given, ID_FIELD)
    return {
        **ids(doi, arxiv, pmid),
        # Notes of other programs are their users' own; ours are for every reader.
        **({"id": own, "note": _text(given, "note")} if own else {}),
        "title": _text(given, "title"),
        "abstract": _text(given, "abstract"),
        "authors": _people(given.get("author", "")),
        "year": _text(given, "year") or _text(given, "date"),
        "venue": next((text for name in _VENUES if (text := _text(given, name))), None),
        "url": _url(given),
        "keywords": _text(given, "keywords") or _text(given, "keyword"),
    }


def _joined(expression: str, strings: Mapping[str, str]) -> str:
    """``"a" # name # {b}`` as one text, which the parser leaves as it stands."""
    parts = [part.strip() for part in expression.split("#")]
    if all(part[:1] + part[-1:] in ('""', "{}") or part.lower() in strings for part in parts):
        return "".join(strings.get(part.lower(), part[1:-1]) for part in parts)
    return expression


def _text(given: dict[str, str], name: str) -> str | None:
    return latex_to_text(given[name]) if given.get(name) else None


def _people(names: str) -> list[str]:
    from bibtexparser.middlewares.names import (
        parse_single_name_into_parts,
        split_multiple_persons_names,
    )

    people = [name for name in split_multiple_persons_names(names) if name != "others"]
    parts = [parse_single_name_into_parts(name, strict=False) for name in people]
    return [latex_to_text(part.merge_first_name_first) for part in parts]


def _url(given: dict[str, str]) -> str:
    found = _URL.search(_verbatim(given.get("url") or given.get("howpublished", "")))
    return found[0] if found else ""


def _eprint(given: dict[str, str], archive: str) -> str:
    named = given.get("archiveprefix") or given.get("eprinttype", "")
    return given.get("eprint", "") if named.strip().lower() == archive else ""


def _verbatim(text: str) -> str:
    """A DOI or an address, in which exporters escape what TeX would read."""
    return _ESCAPE.sub(r"\1", text).strip()


FORMAT = Format("BibTeX", lambda head: bool(_BLOCK.search(head)), load)
