"""Topics of the papers in the ledger: read from their text, and looked up for filters.

The table ``unread`` lists the papers whose topics are yet to be read: those of a ledger of an
older version, or of older rules. They are read when topics are asked for, a few at a time.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

from rag.filters import matcher
from rag.topics import KINDS, Topic, canonical, key_of, topics

_LISTED = "(SELECT value FROM json_each(?))"
Found = Mapping[str, frozenset[Topic]]
"""Topics by paper."""


def unread(db: sqlite3.Connection) -> int:
    """How many papers are yet to be read."""
    return int(db.execute("SELECT count(*) FROM unread").fetchone()[0])


def read(db: sqlite3.Connection, ids: Collection[str] | None, limit: int) -> Found:
    """The topics of up to ``limit`` unread papers, of those among ``ids`` if any are given."""
    sql = "SELECT id, title, abstract FROM unread JOIN papers ON papers.id = paper_id"
    if ids is None:
        rows = db.execute(f"{sql} LIMIT ?", (limit,))
    else:
        rows = db.execute(f"{sql} WHERE id IN {_LISTED} LIMIT ?", (json.dumps(list(ids)), limit))
    return {paper_id: topics(title, abstract) for paper_id, title, abstract in rows.fetchall()}


def put(db: sqlite3.Connection, found: Found) -> None:
    """Write what was read; papers that another process has read meanwhile are passed over."""
    for paper_id, named in found.items():
        if not db.execute("DELETE FROM unread WHERE paper_id = ?", (paper_id,)).rowcount:
            continue
        db.execute("DELETE FROM paper_topics WHERE paper_id = ?", (paper_id,))
        rows = [(topic.kind, topic.key, topic.value) for topic in sorted(named)]
        db.executemany("INSERT OR IGNORE INTO topics (kind, key, value) VALUES (?, ?, ?)", rows)
        db.executemany(
            "INSERT INTO paper_topics SELECT id, ? FROM topics WHERE kind = ? AND key = ?",
            [(paper_id, kind, key) for kind, key, _ in rows],
        )


def of_papers(db: sqlite3.Connection, ids: Collection[str]) -> dict[str, frozenset[Topic]]:
    """The topics of those papers, as far as they are read."""
    rows = db.execute(
        "SELECT paper_id, kind, value FROM paper_topics JOIN topics ON topics.id = topic "
        f"WHERE paper_id IN {_LISTED}",
        (json.dumps(list(ids)),),
    )
    found: dict[str, set[Topic]] = defaultdict(set)
    for paper_id, kind, value in rows:
        found[paper_id].add(Topic(kind, value))
    return {paper_id: frozenset(named) for paper_id, named in found.items()}


def matching(db: sqlite3.Connection, patterns: Sequence[str]) -> list[set[str]]:
    """The papers that pass, for each kind that the patterns name: all of the sets must hold."""
    groups: dict[str, set[int]] = defaultdict(set)
    for pattern in patterns:
        fitting = fits(db, pattern)
        kinds = {kind for _, kind in fitting}
        groups[min(kinds) if len(kinds) == 1 else pattern] |= {topic for topic, _ in fitting}
    sql = f"SELECT paper_id FROM paper_topics WHERE topic IN {_LISTED}"
    return [
        {row[0] for row in db.execute(sql, (json.dumps(sorted(ids)),))} for ids in groups.values()
    ]


def fits(db: sqlite3.Connection, pattern: str) -> list[tuple[int, str]]:
    """Numbers and kinds of the topics that a filter's "modality:CT", "CT" or "B*" stands for."""
    kind, colon, value = pattern.partition(":")
    kinds = [kind.strip().lower()]
    if not colon or kinds[0] not in KINDS:
        kinds, value = list(KINDS), pattern
    if "*" in value:
        fit = matcher([value])
        sql = f"SELECT id, kind, value FROM topics WHERE kind IN {_LISTED}"
        rows = db.execute(sql, (json.dumps(kinds),)).fetchall()
        return [(number, kind) for number, kind, held in rows if fit(held)]
    keys = {key_of(value)} | {topic.key for topic in canonical(value)}
    sql = f"SELECT id, kind FROM topics WHERE kind IN {_LISTED} AND key IN {_LISTED}"
    return db.execute(sql, (json.dumps(kinds), json.dumps(sorted(keys)))).fetchall()


def values(db: sqlite3.Connection) -> Iterator[str]:
    """All topics that some paper has, or had."""
    return (value for (value,) in db.execute("SELECT DISTINCT value FROM topics"))
