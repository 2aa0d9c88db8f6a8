"""RIS, as Zotero, EndNote, Mendeley and publishers write it, and Web of Science's tagged text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from rag.errors import InputError
from rag.identity import ID_PREFIX
from rag.loaders.references import ids, paper_of, spoken
from rag.loaders.textfile import Format, OnFailure, Record, TextFile
from rag.types import Failure

_START = re.compile(r"(?:TY  - |PT )\S")
_END = re.compile(r"ER(?:  -.*)?\s*")
_MATCH = re.compile(r"^[ \t]*TY  - \S|\A\s*(?:FN [^\n]*\n\s*)?(?:VR [^\n]*\n\s*)?PT [JBSPC]\s*$",
                    re.MULTILINE)  # fmt: skip
_TITLES = "title primary_title document_title".split()
_ABSTRACTS = "abstract notes_abstract".split()
_VENUES = ("secondary_title alternate_title3 journal_name publication_name alternate_title2 "
           "alternate_title1 conference_title tertiary_title publisher").split()  # fmt: skip
_YEARS = "year publication_year date early_access_year".split()
_ARXIV = re.compile(r"arxiv(?:\.org/(?:abs|pdf)/|:)\s*([\w.-]+/?\d+)(?:v\d+)?", re.IGNORECASE)
_PMID = re.compile(r"(?:\bPMID:?\s*|pubmed[./\w-]*?/)(\d{1,8})\b", re.IGNORECASE)
_DOI = re.compile(r"doi\.org/(10\.\d{4,9}/\S+)", re.IGNORECASE)


def load(file: TextFile, on_failure: OnFailure) -> Iterator[Record]:
    """The papers of a RIS file; records that cannot be read stop no others.

    Raises:
        InputError: it holds no record, or a line of it does not end.
    """
    empty = True
    for number, lines in _records(file, on_failure):
        empty = False
        try:
            yield file.at(number), paper_of(_record(_parsed(lines)))
        except InputError as error:
            on_failure(Failure(file.at(number), str(error)))
    if empty:
        raise InputError("holds no RIS records; expected lines from 'TY  - JOUR' to 'ER  - '")


def _records(file: TextFile, on_failure: OnFailure) -> Iterator[tuple[int, list[str]]]:
    """The lines of each record, with the number of its first; its end may be missing."""
    begun, lines = 0, list[str]()
    for number, raw in file.lines(on_failure):
        line = raw.lstrip("\ufeff\x1a ") if not lines else raw
        if _START.match(line):
            if lines:
                yield begun, lines
            begun, lines = number, [line]
        elif lines and _END.fullmatch(line):
            yield begun, lines
            lines = []
        elif lines:
            lines.append(line)
    if lines:
        yield begun, lines


def _parsed(lines: list[str]) -> Mapping[str, object]:
    from rispy.config import WOK_LIST_TYPE_TAGS
    from rispy.parser import RisParser, WokParser

    if lines[0].startswith("TY"):
        parser, end = RisParser(), "ER  - "
    else:
        parser, end = WokParser(list_tags=[*WOK_LIST_TYPE_TAGS, "AF"]), "ER"
    records: list[dict[str, object]] = parser.parse_lines(iter([*lines, end]))
    if len(records) != 1:
        raise InputError(f"expected one RIS record, found {len(records)}; correct its lines")
    return records[0]


def _record(given: Mapping[str, object]) -> dict[str, object]:
    links = " ".join([*_list(given, "urls"), *_list(given, "notes"), _joined(given, "note")])
    doi = _joined(given, "doi") or _found(_DOI, links)
    arxiv = _found(_ARXIV, f"{links} {_joined(given, 'label')} {_joined(given, 'publisher')}")
    pmid = _joined(given, "pubmed_id") or _pmid(given, links)
    authors = _list(given, "author_full_name") or [
        *_list(given, "authors"), *_list(given, "first_authors")]  # fmt: skip
    return {
        **ids(doi, arxiv, pmid),
        "authors": [spoken(name) for name in authors],
        "title": _first(given, _TITLES),
        "abstract": _first(given, _ABSTRACTS),
        "year": _first(given, _YEARS),
        "venue": _first(given, _VENUES),
        "url": next((url for url in _list(given, "urls") if url.startswith("http")), ""),
        "keywords": _keywords(given),
        **_exported(given),
    }


def _exported(given: Mapping[str, object]) -> dict[str, object]:
    """What only our own exports hold: the paper's id, its remark, and names as they are spoken."""
    own = _joined(given, "id")
    if not own.startswith(ID_PREFIX):
        return {}
    notes = [note for note in _list(given, "notes") if not _PMID.fullmatch(note.strip())]
    names = {"authors": _list(given, "authors")}
    return {"id": own.removeprefix(ID_PREFIX), "note": " ".join(notes), **names}


def _pmid(given: Mapping[str, object], links: str) -> str:
    """EndNote and Ovid put it into AN where PubMed provided the record; Zotero into a note."""
    number = _joined(given, "accession_number")
    source = f"{_joined(given, 'name_of_database')} {_joined(given, 'database_provider')}".lower()
    if number.isdigit() and ("pubmed" in source or "nlm" in source or "medline" in source):
        return number
    return _found(_PMID, links)


def _keywords(given: Mapping[str, object]) -> list[str]:
    web_of_science = [_joined(given, "author_keywords"), _joined(given, "keywords_plus")]
    found = _list(given, "keywords") or web_of_science
    return [word.strip() for keywords in found for word in keywords.split(";")]


def _first(given: Mapping[str, object], names: list[str]) -> str | None:
    return next((text for name in names if (text := _joined(given, name))), None)


def _joined(given: Mapping[str, object], name: str) -> str:
    value = given.get(name, "")
    return " ".join((" ".join(value) if isinstance(value, list) else str(value)).split())


def _list(given: Mapping[str, object], name: str) -> list[str]:
    value = given.get(name) or []
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]


def _found(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return match[1].rstrip(".,;)") if match else ""


FORMAT = Format("RIS", lambda head: bool(_MATCH.search(head)), load)
