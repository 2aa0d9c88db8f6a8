"""Years, venues, keywords and topics of the papers in the ledger: what a filter looks at."""

from __future__ import annotations

import difflib
import json
import sqlite3
from collections.abc import Iterator, Mapping

from rag import subjects
from rag.filters import Filter, matcher, plain
from rag.reports import Facet, FacetValue
from rag.topics import KINDS as TOPICS

_LISTED = "(SELECT value FROM json_each(?))"
_HOLDING = "SELECT paper_id FROM paper_terms WHERE term IN"
_KINDS = {"venues": "venue", "keywords": "keyword"}
FACETS = (*TOPICS, "year", "venue", "keyword")


def matching(db: sqlite3.Connection, where: Filter) -> frozenset[str]:
    """The ids of the papers that ``where`` lets through."""
    found: list[set[str]] = []
    if where.since is not None or where.until is not None:
        years = "(SELECT id FROM terms WHERE kind = 'year' AND value BETWEEN ? AND ?)"
        span = (_or(where.since, 0), _or(where.until, 9999))
        found.append(_ids(db, f"{_HOLDING} {years}", span))
    for name, kind in _KINDS.items():
        if patterns := getattr(where, name):
            fits = matcher(patterns)
            terms = [term for term, value in _terms(db, kind) if fits(value)]
            found.append(_ids(db, f"{_HOLDING} {_LISTED}", (json.dumps(terms),)))
    if where.topics:
        found += subjects.matching(db, where.topics)
    if where.ids is not None:
        sql = f"SELECT id FROM papers WHERE id IN {_LISTED}"
        found.append(_ids(db, sql, (json.dumps(where.ids),)))
    return frozenset(set.intersection(*found))


def unmatched(db: sqlite3.Connection, where: Filter) -> Iterator[str]:
    """What of ``where`` no paper at all has, a line for people each."""
    for name, kind in _KINDS.items():
        values = {plain(value): value for _, value in _terms(db, kind)}
        for pattern in getattr(where, name) or ():
            if not any(map(matcher([pattern]), values)):
                yield _absent(kind, pattern, values)
    for pattern in where.topics or ():
        if not subjects.fits(db, pattern):
            near = {plain(value): value for value in subjects.values(db)}
            yield _absent("topic", pattern, near)
    if where.ids is not None:
        unknown = set(where.ids) - matching(db, Filter(ids=where.ids))
        if unknown:
            first = min(unknown)
            yield f'{len(unknown)} of {len(set(where.ids))} ids are not held, such as "{first}"'
    years = Filter(where.since, where.until)
    if years and not matching(db, years):
        sql = "SELECT min(value), max(value) FROM terms WHERE kind = 'year'"
        least, most = db.execute(sql).fetchone()
        held = f"they are of {least} to {most}" if least is not None else "none has a year"
        yield f"no paper is of these years; {held}"


def by_year(db: sqlite3.Connection, n: int, newest: bool, where: Filter | None) -> list[str]:
    """The ids of the ``n`` newest (or oldest) papers that have a year; among equals by id."""
    within = f"AND paper_id IN {_LISTED}" if where else ""
    values = (json.dumps(sorted(matching(db, where))),) if where else ()
    order = "DESC" if newest else "ASC"
    sql = (
        "SELECT paper_id FROM terms JOIN paper_terms ON term = terms.id "
        f"WHERE kind = 'year' {within} ORDER BY value {order}, paper_id LIMIT ?"
    )
    return [row[0] for row in db.execute(sql, (*values, n))]


def counted(db: sqlite3.Connection, most: int) -> tuple[Facet, ...]:
    """The kinds of values that filters take, each with the ``most`` frequent of its values."""
    terms = "SELECT kind, value, count(*) FROM paper_terms JOIN terms ON terms.id = term"
    topics = "SELECT kind, value, count(*) FROM paper_topics JOIN topics ON topics.id = topic"
    found: dict[str, list[FacetValue]] = {kind: [] for kind in FACETS}
    for sql, key in ((terms, "term"), (topics, "topic")):
        for kind, value, papers in db.execute(f"{sql} GROUP BY {key}"):
            found[kind].append(FacetValue(str(value), papers))
    for values in found.values():
        values.sort(key=lambda value: (-value.papers, plain(value.value)))
    return tuple(Facet(kind, len(held), tuple(held[:most])) for kind, held in found.items())


def _absent(kind: str, pattern: str, values: Mapping[str, str]) -> str:
    near = difflib.get_close_matches(plain(pattern), values, n=1)
    hint = f'; did you mean "{values[near[0]]}"?' if near else ""
    return f'no paper has the {kind} "{pattern}"{hint}'


def _terms(db: sqlite3.Connection, kind: str) -> list[tuple[int, str]]:
    return db.execute("SELECT id, value FROM terms WHERE kind = ?", (kind,)).fetchall()


def _ids(db: sqlite3.Connection, sql: str, values: tuple[object, ...]) -> set[str]:
    return {row[0] for row in db.execute(sql, values)}


def _or(value: int | None, default: int) -> int:
    return default if value is None else value
