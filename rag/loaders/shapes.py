"""JSON objects of the services that export papers, to our names of the fields.

OpenAlex, Crossref, Semantic Scholar, Europe PMC, CSL-JSON of reference managers, BEIR's corpora
and plain objects differ in the names of their keys (``keys``) and in how a value is built.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rag.errors import InputError
from rag.loaders.fields import kind
from rag.loaders.keys import find_keys

_NAMED = """name display_name displayName full_name literal title text value #text keyword
tag""".split()
_GIVEN = ("given", "first", "firstName", "first_name", "forename", "ForeName")
_FAMILY = ("family", "last", "lastName", "last_name", "surname", "LastName")
_NESTED = ("metadata", "ids", "externalIds", "external_ids", "journalInfo")
_MOST_WORDS = 100_000


def to_record(value: object, names: Mapping[str, str]) -> dict[str, object]:
    """The fields of a JSON object under our names; what is not recognised is left as it is.

    Raises:
        InputError: ``value`` is no object.
    """
    if not isinstance(value, dict):
        raise InputError(f"expected a JSON object, found {kind(value)}")
    record: dict[str, object] = {}
    for layer in (value, *(value[key] for key in _NESTED if isinstance(value.get(key), dict))):
        keys = find_keys(tuple(map(str, layer)), tuple(names.items()))
        for ours, theirs in keys.items():
            for key in _distinct(theirs):
                if layer.get(key) is not None and _empty(record.get(ours)):
                    record[ours] = _READERS.get(ours, _text)(layer[key])
                elif key in layer:
                    record.setdefault(ours, None)
    if _empty(record.get("venue")) and (venue := _hosted(value)):
        record["venue"] = venue
    return record


def _distinct(keys: tuple[str, ...]) -> tuple[str, ...]:
    """``keys`` without ``text`` where another is there: it is the whole paper then."""
    return tuple(key for key in keys if key != "text") or keys


def _empty(value: object) -> bool:
    return value is None or value == "" or value == []


def _text(value: object) -> object:
    """One text out of a list or an object that holds one."""
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return value[0]
    if isinstance(value, list) and not value:
        return None
    return _name(value) or value


def _abstract(value: object) -> object:
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return " ".join(item.strip() for item in value)  # one sentence or section each
    if isinstance(value, dict) and value and all(isinstance(at, list) for at in value.values()):
        return _uninverted(value)
    return _text(value)


def _uninverted(index: dict[str, Any]) -> object:
    """OpenAlex's abstract: each word with its places."""
    places = [(at, word) for word, places in index.items() for at in places]
    if not all(isinstance(at, int) for at, _ in places) or len(places) > _MOST_WORDS:
        return index
    return " ".join(word for _, word in sorted(places))


def _people(value: object) -> object:
    if isinstance(value, dict) and len(value) == 1:  # Europe PMC: {"author": [...]}
        value = next((inner for inner in value.values() if isinstance(inner, list)), value)
    if not isinstance(value, list):
        return _name(value) or value
    return [_name(person) or person for person in value]


def _name(value: object) -> str:
    """The name that an object bears, of a person or a thing."""
    if not isinstance(value, dict):
        return ""
    if isinstance(value.get("fullName"), str):
        return str(value["fullName"])
    parts = [str(value[key]) for group in (_GIVEN, _FAMILY) for key in group if value.get(key)]
    if parts:
        return " ".join(parts)
    for key in _NAMED:
        if isinstance(value.get(key), str) and value[key]:
            return str(value[key])
    for key in ("author", "source", "journal"):  # OpenAlex, Europe PMC
        if isinstance(value.get(key), dict):
            return _name(value[key])
    return ""


def _year(value: object) -> object:
    """A year out of ``{"date-parts": [[2020, 1]]}``, ``{"year": 2020}`` or a list."""
    if isinstance(value, dict):
        value = value.get("date-parts") or value.get("year") or value.get("raw") or value
    while isinstance(value, list) and value:
        value = value[0]
    return None if value == [] else value


def _hosted(value: dict[str, Any]) -> str:
    place = value.get("primary_location") or value.get("host_venue")
    return _name(place) if isinstance(place, dict) else ""


def _given(value: object) -> object:
    return value


_READERS: dict[str, Callable[[object], object]] = {
    "id": _given,
    "abstract": _abstract,
    "authors": _people,
    "keywords": _people,
    "year": _year,
}


def find_records(value: object) -> Iterator[object]:
    """The records in a JSON document: itself, or those of the first list or map that holds some.

    What holds none comes as it is, to be reported.
    """
    level: list[object] = [value]
    for _ in range(4):
        if any(map(_is_record, level)):
            yield from level if len(level) > 1 else level[:1]
            return
        below: list[object] = []
        for item in level:
            if isinstance(item, dict):
                below += item.values()
        for item in below:
            if isinstance(item, list) and any(map(_is_record, item)):
                yield from item
                return
        level = [item for item in below if isinstance(item, dict)]
    yield value


def _is_record(value: object) -> bool:
    keys = find_keys(tuple(map(str, value))) if isinstance(value, dict) else {}
    return "title" in keys and ("abstract" in keys or "authors" in keys or "doi" in keys)
