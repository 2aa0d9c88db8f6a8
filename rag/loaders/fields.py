"""The fields of one record, as exports write them, to a paper."""

from __future__ import annotations

import html
import json
import re
import unicodedata
from collections.abc import Mapping
from functools import partial

from rag.errors import InputError
from rag.types import Paper

_KEPT_CONTROLS = "\t\n\r"
# UTF-8 read as Windows-1252 has such pairs. ftfy decides, but takes a millisecond a text.
_MOJIBAKE = re.compile("[Â-ô][\x80-¿€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]")
_YEAR = re.compile(r"(?<!\d)(1[5-9]\d\d|20\d\d)(?!\d)")
_UNDATED = re.compile(
    r"(n\.?\s*d\.?|no date|in press|forthcoming|to appear|submitted|accepted|preprint|unknown"
    r"|none|null|nan|n/?a|[-–—?.]*)",
    re.IGNORECASE,
)
_LINKED = {
    "doi": re.compile(r"\s*(?:https?://(?:dx\.)?doi\.org/|doi:\s*)", re.IGNORECASE),
    "arxiv_id": re.compile(r"\s*(?:https?://arxiv\.org/(?:abs|pdf)/|arxiv:\s*)", re.IGNORECASE),
    "pmid": re.compile(r"\s*(?:https?://\S+?/(?=\d+/?\s*$)|pmid:\s*)", re.IGNORECASE),
}
_NAMES = "p|i|b|u|em|strong|su[bp]|br|div|span|sec|title|h[1-6]|italic|bold|list|list-item|li|ul|ol"
_TAG = re.compile(rf"</?(?:jats:|mml:)?(?:{_NAMES}|[a-z]+-formula|sc|abstract)(?:\s[^<>]*)?/?>")
_JATS = re.compile(r"</?(?:jats|mml):[^<>]*>")
_HEADING = re.compile(r"<(jats:title|title|h[1-6])(?:\s[^<>]*)?>([^<>]{0,200})</\1>")
_BREAK = re.compile(r"</?(?:jats:)?(?:p|br|div|sec|list|list-item|li|ul|ol)(?:\s[^<>]*)?/?>")
# What its style hides from people is no part of an abstract, whatever it says to programs.
_HIDDEN = re.compile(
    rf"<({_NAMES})\s[^<>]{{0,200}}?(?:display:\s*none|visibility:\s*hidden|font-size:\s*0(?![.\d])"
    rf"|color:\s*white|\bhidden\b)[^<>]{{0,200}}>.{{0,2000}}?</\1>",
    re.DOTALL | re.IGNORECASE,
)
_ENTITY = re.compile(r"&(?:[a-zA-Z]{2,8}|#\d{1,6}|#x[0-9a-fA-F]{1,5});")


def to_paper(record: Mapping[str, object]) -> Paper:
    """The paper that ``record`` describes, under the names of ``Paper``'s fields.

    Texts are cleaned: control characters go, tags of JATS and HTML with them, wrongly decoded
    text is repaired. None is absent. ``authors`` and ``keywords`` are lists of texts or one
    text; ``year`` may be a date. A ``url`` that is not http(s) is dropped, since it would
    become a link.

    Raises:
        InputError: title or abstract is missing, or a field is of another kind.
    """
    text = partial(_text, record)
    url = text("url").strip()
    return Paper(
        id=_id(record),
        title=_required(record, "title"),
        abstract=_required(record, "abstract"),
        authors=_texts(record, "authors"),
        year=_year(record.get("year")),
        venue=text("venue"),
        url=url if url.lower().startswith(("http://", "https://")) else "",
        doi=_identifier(record, "doi"),
        arxiv_id=_identifier(record, "arxiv_id"),
        pmid=_identifier(record, "pmid"),
        keywords=_texts(record, "keywords"),
        note=text("note"),
    )


def clean(text: str) -> str:
    """Strip control characters and halves of surrogate pairs, which no file can hold."""
    if text.isprintable():
        return text
    return "".join(
        c for c in text if c in _KEPT_CONTROLS or unicodedata.category(c) not in ("Cc", "Cs")
    )


def plain(text: str) -> str:
    """``text`` without tags of JATS and HTML, or hidden parts, and with entities' characters.

    A ``<`` that opens no such tag stays: abstracts say "p < 0.05".
    """
    if "</" in text or "/>" in text:
        text = _HEADING.sub(_heading, _HIDDEN.sub("", text))
        text = _JATS.sub("", _TAG.sub("", _BREAK.sub(" ", text)))
        text = re.sub(r"\s{2,}", " ", text).strip()
    if "&" in text and _ENTITY.search(text):
        text = html.unescape(html.unescape(text))
    return text


def _heading(match: re.Match[str]) -> str:
    words = match[2].strip()
    if words.casefold() in ("abstract", "summary"):
        return " "
    return f" {words} " if words.endswith((":", ".")) else f" {words}: "


def _repaired(text: str) -> str:
    if not text.isascii() and _MOJIBAKE.search(text):
        import ftfy

        text = ftfy.fix_encoding(text)  # before cleaning: such text has control characters
    return plain(clean(text))


def _id(record: Mapping[str, object]) -> str:
    value = record.get("id")
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not clean(value).strip():
        raise InputError(f"id: expected text or a whole number, found {kind(value)}")
    return clean(value)


def _required(record: Mapping[str, object], name: str) -> str:
    text = _text(record, name)
    if not text.strip():
        found = kind(record[name]) if name in record else "nothing"
        raise InputError(f"{name}: expected text, found {found}")
    return text


def _text(record: Mapping[str, object], name: str) -> str:
    value = record.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InputError(f"{name}: expected text, found {kind(value)}")
    return _repaired(value)


def _identifier(record: Mapping[str, object], name: str) -> str:
    value = record.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    text = _text(record, name).strip()
    link = _LINKED[name].match(text)
    return text[link.end() :].strip() if link else text


def _texts(record: Mapping[str, object], name: str) -> tuple[str, ...]:
    value = record.get(name)
    if value is None:
        return ()
    if isinstance(value, str):
        value = (
            _names(value) if name == "authors" else re.split("[;|]" if ";" in value else ",", value)
        )
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise InputError(f"{name}: expected a list of texts or one text, found {kind(value)}")
    return tuple(text for item in value if (text := _repaired(item).strip()))


def _names(text: str) -> list[str]:
    """The authors in one text: parted by semicolons, "and", or commas between whole names."""
    if ";" in text:
        return text.split(";")
    text = " ".join(text.split())  # or a megabyte of spaces takes the patterns an hour
    names = re.split(r",? and |,", text)
    if all(len(name.split()) > 1 for name in names):
        return names
    return re.split(r",? and ", text)  # One, Ada and Two, Bo


def _year(value: object) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str):
        if found := _YEAR.search(value):
            return int(found[1])
        if _UNDATED.fullmatch(value.strip()):
            return None
    raise InputError(f"year: expected a whole number or a date, found {kind(value)}")


def kind(value: object) -> str:
    """Name a value of a record for people."""
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, int | float):
        return f"the number {value!r}"[:40]
    if isinstance(value, str):
        return f"the text {value[:40]!r}" if value.strip() else "an empty text"
    if isinstance(value, list | tuple):
        odd = next((item for item in value if not isinstance(item, str)), None)
        return "a list" if odd is None else f"a list with {kind(odd)}"
    return "an object"
