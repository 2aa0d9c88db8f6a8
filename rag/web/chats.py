"""Past chats: one SQLite file, in which a visitor finds only their own.

Every statement names the visitor, so that an id alone opens nothing. What is deleted is
overwritten in the file, too.
"""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from platformdirs import user_data_path
from pydantic import TypeAdapter, ValidationError

from rag.errors import RagError, StoreError
from rag.render import one_line, to_json
from rag.text import whole
from rag.types import Answer
from rag.web.exchange import Exchange, Feedback

MOST_CHATS = 500
"""Of one visitor in one collection; the oldest go first."""
MOST_BYTES = 2_000_000_000
"""Of all visitors' chats, likewise."""
LONGEST_CHAT = 200
"""Questions of a chat that are kept, the last ones."""
LARGEST_ANSWER = 1_000_000
"""Bytes of an answer's document that is kept."""
LONGEST_NAME = 200

_SCHEMA = 1
_TABLES = """
CREATE TABLE chats (
    id TEXT PRIMARY KEY, visitor TEXT NOT NULL, collection TEXT NOT NULL,
    name TEXT NOT NULL DEFAULT '', changed REAL NOT NULL, size INTEGER NOT NULL
) STRICT;
CREATE INDEX chats_of ON chats (visitor, collection, changed);
CREATE TABLE turns (
    chat TEXT NOT NULL REFERENCES chats (id) ON DELETE CASCADE, n INTEGER NOT NULL,
    question TEXT NOT NULL, feedback TEXT NOT NULL, answer TEXT NOT NULL,
    PRIMARY KEY (chat, n)
) STRICT;
"""
_LISTED = """
SELECT id, CASE name WHEN '' THEN coalesce((SELECT question FROM turns WHERE chat = id
    ORDER BY n LIMIT 1), '') ELSE name END, changed, (SELECT count(*) FROM turns WHERE chat = id)
FROM chats WHERE visitor = ? AND collection = ? ORDER BY changed DESC, chats.rowid DESC
"""
_KEPT = """
INSERT INTO chats (id, visitor, collection, changed, size) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET changed = excluded.changed, size = excluded.size
WHERE visitor = excluded.visitor AND collection = excluded.collection
"""
_TOO_MANY = """
DELETE FROM chats WHERE id IN (SELECT id FROM chats WHERE visitor = ? AND collection = ?
    ORDER BY changed DESC, rowid DESC LIMIT -1 OFFSET ?)
"""
_TOO_MUCH = """
DELETE FROM chats WHERE id IN (SELECT id FROM (SELECT id, sum(size) OVER
    (ORDER BY changed DESC, rowid DESC) AS used FROM chats) WHERE used > ?)
"""
_log = logging.getLogger(__name__)
_answers = TypeAdapter(Answer)


@dataclass(frozen=True, slots=True)
class Listed:
    """A chat in a list."""

    id: str
    title: str
    """The name it was given, or its first question."""
    changed: float
    """Seconds since 1970."""
    questions: int


def default_path() -> Path:
    """The file of this machine's user, beside the library and not in it."""
    return user_data_path("footnote") / "chats.sqlite3"


def open_or_forget(path: Path) -> Chats:
    """The chats in ``path``; ones that end with the process where it cannot be used."""
    try:
        return Chats(path)
    except StoreError as error:
        _log.warning("past chats are not kept: %s", error)
        return Chats()


class Chats:
    """One connection, shared by the threads of a process; processes may share the file.

    Args:
        path: made where it is not there, for this user's eyes only; None: in memory.

    Raises:
        StoreError: here and in every method: the file cannot be made, read or written, is
            damaged, or was written by a newer Footnote.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._lock = threading.RLock()
        with self._explained():
            if path is not None:
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                # SQLite gives its log beside the file the same permissions.
                os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self._db = sqlite3.connect(
                path or ":memory:", timeout=10, isolation_level=None, check_same_thread=False
            )
            try:
                self._prepare()
            except BaseException:
                self._db.close()
                raise

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._db.close()

    def save(self, visitor: str, collection: str, chat: str, exchanges: Sequence[Exchange]) -> None:
        """Keep the finished exchanges as the chat ``chat``, which is new or this visitor's."""
        turns = [row for exchange in exchanges if (row := _row(exchange))][-LONGEST_CHAT:]
        if not turns:
            return
        size = sum(len(question) + len(answer) for question, _, answer in turns)
        with self._changing() as db:
            if not db.execute(_KEPT, (chat, visitor, collection, time.time(), size)).rowcount:
                raise StoreError("this chat belongs to somebody else; begin a new one")
            db.execute("DELETE FROM turns WHERE chat = ?", (chat,))
            db.executemany(
                "INSERT INTO turns (chat, n, question, feedback, answer) VALUES (?, ?, ?, ?, ?)",
                [(chat, n, *turn) for n, turn in enumerate(turns, 1)],
            )
            db.execute(_TOO_MANY, (visitor, collection, MOST_CHATS))
            db.execute(_TOO_MUCH, (MOST_BYTES,))

    def list(self, visitor: str, collection: str) -> tuple[Listed, ...]:
        """This visitor's chats, the last changed first."""
        with self._reading() as db:
            rows = db.execute(_LISTED, (visitor, collection)).fetchall()
        return tuple(Listed(*row) for row in rows)

    def load(self, visitor: str, collection: str, chat: str) -> tuple[Exchange, ...]:
        """The exchanges of a chat; empty where this visitor has none of that id.

        One that cannot be read is left out, and the log says so. ``papers`` is not filled.
        """
        with self._reading() as db:
            rows = db.execute(
                "SELECT n, question, feedback, answer FROM turns JOIN chats ON chats.id = chat"
                " WHERE chat = ? AND visitor = ? AND collection = ? ORDER BY n",
                (chat, visitor, collection),
            ).fetchall()
        found = []
        for n, question, feedback, document in rows:
            if answer := _answer(document, f"answer {n} of chat {chat}"):
                found.append(_restored(question, answer, feedback))
        return tuple(found)

    def rename(self, visitor: str, collection: str, chat: str, name: str) -> None:
        """Call a chat by another name; an empty one: by its first question again."""
        name = whole(one_line(name))[:LONGEST_NAME]
        with self._changing() as db:
            db.execute(
                "UPDATE chats SET name = ? WHERE id = ? AND visitor = ? AND collection = ?",
                (name, chat, visitor, collection),
            )

    def delete(self, visitor: str, collection: str, chat: str | None = None) -> None:
        """Delete a chat; None: all of this visitor's in this collection."""
        with self._changing() as db:
            db.execute(
                "DELETE FROM chats WHERE visitor = ? AND collection = ? AND (? IS NULL OR id = ?)",
                (visitor, collection, chat, chat),
            )
        with self._reading() as db:  # or the text would stand in the log of changes for a while
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    # --- the file -----------------------------------------------------------------------

    def _prepare(self) -> None:
        self._db.execute("PRAGMA journal_mode = WAL").fetchall()
        self._db.execute("PRAGMA foreign_keys = ON")
        self._db.execute("PRAGMA secure_delete = ON").fetchall()
        with self._changing() as db:  # the second of two first processes finds the tables
            (found,) = db.execute("PRAGMA user_version").fetchone()
            if found > _SCHEMA:
                raise StoreError(
                    f"{self._path}: expected schema {_SCHEMA}, found {found}, of a newer "
                    "Footnote; update Footnote, or move the file away"
                )
            if found == 0:
                for statement in _TABLES.split(";")[:-1]:
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {_SCHEMA}")

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._explained():
            yield self._db

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        with self._reading() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            where = self._path or "past chats"
            advice = "move the file away, or make it readable and writable"
            raise StoreError(f"{where} cannot be used: {error}; {advice}") from error


def _row(exchange: Exchange) -> tuple[str, Feedback, str] | None:
    """The question, the thumb and the answer's document; None where there is no answer."""
    if exchange.answer is None:
        return None
    document = whole(to_json(exchange.answer, indent=None))
    if len(document.encode()) > LARGEST_ANSWER:
        _log.warning("an answer of %d characters is not kept: too large", len(document))
        return None
    return whole(exchange.question), exchange.feedback, document


def _answer(document: str, where: str) -> Answer | None:
    try:
        return _answers.validate_python(json.loads(document))
    except (ValidationError, RagError, ValueError, RecursionError) as error:
        _log.warning("%s cannot be read and is left out: %s", where, str(error).splitlines()[0])
        return None


def _restored(question: str, answer: Answer, feedback: str) -> Exchange:
    given = cast(Feedback, feedback if feedback in ("up", "down") else "")
    return Exchange(
        question, "", answer.sources, answer.sentences, answer, where=answer.where, feedback=given
    )
