"""The ledger: papers, passages, vectors and states in one SQLite file. It is the truth.

A changed paper is first written as *pending*, with the passages that it makes stale; it is
*done* once both indexes hold it. The generation counts the changes of the indexes, so that a
reader knows when to reopen them.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

import numpy as np

from rag import records, sql, subjects, tables
from rag.errors import StoreError
from rag.identity import Keys
from rag.records import Known
from rag.topics import topics
from rag.types import Paper, Passage

T = TypeVar("T")
_PAGE = 4096  # passages read at a time where all are
_LISTED = "(SELECT value FROM json_each(?))"
_PASSAGE = """
SELECT passages.id, paper_id, substr(abstract, start + 1, end - start), start, end, vector, title
FROM passages JOIN papers ON papers.id = paper_id
"""

Entry = tuple[Passage, str, np.ndarray]
"""A passage, its paper's title and its vector: what the indexes are built from."""


class Ledger:
    """One connection, shared by the threads of a process.

    ``writable`` tells whether this process may write to the file and its folder. Where it may
    not, it reads what stood there when the ledger was opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.writable = os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
        self._lock = threading.RLock()
        self._db = sqlite3.connect(
            sql.address(path, self.writable), uri=True, timeout=10, isolation_level=None,
            check_same_thread=False,
        )  # fmt: skip
        self._db.execute("PRAGMA foreign_keys = ON")

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._db.close()

    def meta(self, key: str) -> str | int | None:
        """A fact about the store: schema, fingerprint, dimension or generation."""
        rows = self._all("SELECT value FROM meta WHERE key = ?", (key,))
        return rows[0][0] if rows else None

    @property
    def generation(self) -> int:
        """How often the indexes have changed."""
        return int(self.meta("generation") or 0)

    # --- reading ------------------------------------------------------------------------

    def hashes(self, ids: Collection[str]) -> dict[str, str]:
        """Content hashes of those of ``ids`` that are held."""
        query = f"SELECT id, hash FROM papers WHERE id IN {_LISTED}"
        return dict(self._all(query, _listed(ids)))

    def papers(self, ids: Collection[str]) -> dict[str, Paper]:
        """Those of ``ids`` that are held."""
        query = f"SELECT id, title, abstract, rest FROM papers WHERE id IN {_LISTED}"
        return {row[0]: tables.paper(*row) for row in self._all(query, _listed(ids))}

    def all_papers(self) -> Iterator[Paper]:
        """All papers by id; the ledger is free between pages."""
        last = ""
        while rows := self._all(
            "SELECT id, title, abstract, rest FROM papers WHERE id > ? ORDER BY id LIMIT ?",
            (last, _PAGE),
        ):
            last = rows[-1][0]
            yield from (tables.paper(*row) for row in rows)

    def listed(self, start: int, n: int, within: Collection[str] | None) -> list[Paper]:
        """``n`` papers from the ``start``-th on, the last written first; of ``within`` or all."""
        part, values = ("", ()) if within is None else (f"WHERE id IN {_LISTED}", _listed(within))
        query = f"SELECT id, title, abstract, rest FROM papers {part} ORDER BY rowid DESC"
        rows = self._all(f"{query} LIMIT ? OFFSET ?", (*values, n, start))
        return [tables.paper(*row) for row in rows]

    def related(self, keys: Sequence[Keys], sources: Collection[str]) -> dict[str, Known]:
        """The papers that share a key with any of ``keys``, with their records, by id."""
        with self._lock, self._explained():
            return records.related(self._db, keys, sources)

    def look(self, read: Callable[[sqlite3.Connection], T]) -> T:
        """What ``read`` finds; the ledger is this thread's meanwhile."""
        with self._lock, self._explained():
            return read(self._db)

    def papers_of(self, passage_ids: Collection[str]) -> dict[str, str]:
        """The paper's id for each of those passages that are held."""
        query = f"SELECT id, paper_id FROM passages WHERE id IN {_LISTED}"
        return dict(self._all(query, _listed(passage_ids)))

    def passages(self, ids: Collection[str]) -> dict[str, Passage]:
        """Those of ``ids`` that are held."""
        rows = self._all(f"{_PASSAGE} WHERE passages.id IN {_LISTED}", _listed(ids))
        return {row[0]: Passage(*row[:5]) for row in rows}

    def vectors(self, paper_ids: Collection[str]) -> dict[str, np.ndarray]:
        """The vectors of the papers' passages in their order, (passages, d)."""
        query = f"SELECT paper_id, vector FROM passages WHERE paper_id IN {_LISTED} ORDER BY start"
        found: dict[str, list[np.ndarray]] = {}
        for paper_id, vector in self._all(query, _listed(paper_ids)):
            found.setdefault(paper_id, []).append(np.frombuffer(vector, dtype="<f4"))
        return {paper_id: np.stack(rows) for paper_id, rows in found.items()}

    def sources(self) -> int:
        """Number of files that the papers come from."""
        query = "SELECT count(DISTINCT source) FROM records"
        return int(self._all(f"{query} JOIN sources ON sources.id = source WHERE name != ''")[0][0])

    def counts(self) -> tuple[int, int]:
        """Numbers of papers and passages."""
        query = "SELECT (SELECT count(*) FROM papers), (SELECT count(*) FROM passages)"
        papers, passages = self._all(query)[0]
        return papers, passages

    def indexed(self) -> int:
        """Number of passages that the indexes hold, but for what is pending."""
        pending = "paper_id IN (SELECT id FROM papers WHERE state = 'pending')"
        query = f"SELECT count(*) FROM passages WHERE {pending}"
        return self.counts()[1] - int(self._all(query)[0][0])

    def entries(self, paper_ids: Collection[str]) -> list[Entry]:
        """All passages of the given papers, with vectors."""
        rows = self._all(f"{_PASSAGE} WHERE paper_id IN {_LISTED}", _listed(paper_ids))
        return [_entry(row) for row in rows]

    def all_entries(self) -> Iterator[list[Entry]]:
        """All passages, page by page; the ledger is free between them."""
        last = ""
        while rows := self._all(
            f"{_PASSAGE} WHERE passages.id > ? ORDER BY passages.id LIMIT ?", (last, _PAGE)
        ):
            last = rows[-1][0]
            yield [_entry(row) for row in rows]

    def vector_pages(self, paper_ids: Collection[str] | None) -> Iterator[list[tuple]]:
        """Ids and vectors of the papers' passages, or of all; the ledger is free between pages."""
        if paper_ids is not None:
            query = f"SELECT id, vector FROM passages WHERE paper_id IN {_LISTED}"
            wanted = iter(sorted(paper_ids))  # in the order in which most were written
            while part := list(islice(wanted, _PAGE)):
                yield self._all(query, _listed(part))
            return
        last = ""
        while rows := self._all(
            "SELECT id, vector FROM passages WHERE id > ? ORDER BY id LIMIT ?", (last, _PAGE)
        ):
            last = rows[-1][0]
            yield rows

    def unfinished(self, limit: int) -> tuple[list[str], list[tuple[str, str]]]:
        """Up to ``limit`` pending paper ids, and all stale (passage id, paper id)."""
        pending = self._all("SELECT id FROM papers WHERE state = 'pending' LIMIT ?", (limit,))
        stale = self._all("SELECT passage_id, paper_id FROM stale")
        return [row[0] for row in pending], stale

    # --- writing ------------------------------------------------------------------------

    def put_pending(
        self,
        batch: Collection[tuple[Paper, Sequence[Passage], np.ndarray]],
        known: Mapping[str, Known] = MappingProxyType({}),
        gone: Collection[str] = (),
    ) -> None:
        """Replace papers and their passages; the indexes are yet to follow.

        Args:
            batch: papers whose content is new, with passages and vectors.
            known: papers with their records, by id: of those in ``batch`` that are not their
                own only record, and of others that only came from one more file.
            gone: papers to delete.
        """
        named = {paper.id: topics(paper.title, paper.abstract) for paper, _, _ in batch}
        with self.transaction() as db:
            self._retire([*gone, *(paper.id for paper, _, _ in batch)])
            for paper, passages, vectors in batch:
                db.execute(
                    "INSERT INTO papers VALUES (?, ?, 'pending', ?, ?, ?)",
                    (paper.id, paper.content_hash, paper.title, paper.abstract, _rest(paper)),
                )
                db.executemany(
                    "INSERT INTO passages VALUES (?, ?, ?, ?, ?)",
                    [
                        (p.id, p.paper_id, p.start, p.end, vector.astype("<f4").tobytes())
                        for p, vector in zip(passages, vectors, strict=True)
                    ],
                )
            subjects.put(db, named)
            for found in (known.get(p.id) or records.taken_in(p) for p, _, _ in batch):
                records.put(db, found)
            for paper_id in known.keys() - named.keys():
                rest = _rest(known[paper_id].paper)
                db.execute("UPDATE papers SET rest = ? WHERE id = ?", (rest, paper_id))
                records.put(db, known[paper_id])
            db.execute("DELETE FROM stale WHERE passage_id IN (SELECT id FROM passages)")

    def migrate(self) -> None:
        """Bring a ledger of an older version up to date, at once or not at all."""
        with self.transaction() as db:
            found = int(self.meta("schema") or 0)
            if found < tables.SCHEMA_VERSION:  # another process may have done it meanwhile
                tables.migrate(db, found)

    def note(self, key: str, value: str) -> None:
        """Keep a fact about the store."""
        with self.transaction() as db:
            db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def check(self) -> None:
        """Read the whole file.

        Raises:
            StoreError: it is damaged.
        """
        [first, *_] = self._all("PRAGMA quick_check(1)")
        if first != ("ok",):
            raise StoreError(f"the library's ledger {self._path} is damaged; {sql.RESTORE}")

    def remove(self, ids: Collection[str]) -> None:
        """Delete papers; their passages are stale until the indexes follow."""
        with self.transaction():
            self._retire(ids)

    def mark_done(self, paper_ids: Collection[str], stale_ids: Collection[str]) -> None:
        """Record that the indexes hold these papers and no longer these passages."""
        with self.transaction() as db:
            db.execute(
                f"UPDATE papers SET state = 'done' WHERE id IN {_LISTED}", _listed(paper_ids)
            )
            db.execute(f"DELETE FROM stale WHERE passage_id IN {_LISTED}", _listed(stale_ids))
            self._count_up(db)

    def bump(self) -> None:
        """Tell readers to reopen the indexes."""
        with self.transaction() as db:
            self._count_up(db)

    def _retire(self, ids: Collection[str]) -> None:
        listed = _listed(ids)
        self._db.execute(
            "INSERT OR IGNORE INTO stale "
            f"SELECT id, paper_id FROM passages WHERE paper_id IN {_LISTED}",
            listed,
        )
        self._db.execute(f"DELETE FROM papers WHERE id IN {_LISTED}", listed)

    @staticmethod
    def _count_up(db: sqlite3.Connection) -> None:
        db.execute("UPDATE meta SET value = value + 1 WHERE key = 'generation'")

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Changes, all or none of which are kept."""
        with self._lock, self._explained():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                if self._db.in_transaction:  # on a full disk SQLite has taken it back itself
                    self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def _all(self, query: str, values: tuple[object, ...] = ()) -> list[tuple]:
        with self._lock, self._explained():
            return self._db.execute(query, values).fetchall()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(
                f"the library's ledger {self._path} cannot be used: {error}; "
                f"{sql.advice(error, self.writable)}"
            ) from error


def _listed(ids: Collection[str]) -> tuple[str]:
    return (json.dumps(list(ids)),)


def _rest(paper: Paper) -> str:
    fields = asdict(paper)
    for column in ("id", "title", "abstract"):
        del fields[column]
    return json.dumps(fields, ensure_ascii=False)


def _entry(row: tuple) -> Entry:
    return Passage(*row[:5]), row[6], np.frombuffer(row[5], dtype="<f4")
