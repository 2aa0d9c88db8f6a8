"""The collection on disk: the ledger is the truth, the two indexes are built from it.

Work is written to the ledger as pending, indexed, then marked done. Whoever opens the store
next and can have the writer's lock finishes what a killed process left. Readers take no lock.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from filelock import FileLock, Timeout

from rag.dense import DenseIndex
from rag.errors import StoreBusyError, StoreError
from rag.ledger import SCHEMA_VERSION, Ledger
from rag.lexical import LexicalIndex
from rag.mirror import Mirror
from rag.types import Paper, Passage

if TYPE_CHECKING:
    from rag.embedding import Embedder

_LEDGER = "ledger.sqlite3"
_LOCK = "write.lock"
_WRITER = "writer.pid"
_OURS = {_LEDGER, _LOCK, _WRITER, "ledger.new", "fetch"}
_STEP = 64  # papers indexed between two marks in the ledger


class Store:
    """One library's folder. Threads may share it; each process opens it for itself."""

    def __init__(self, path: Path, ledger: Ledger, fingerprint: str) -> None:
        self.path = path
        self._ledger = ledger
        self._fingerprint = fingerprint
        self._dimension = int(ledger.meta("dimension") or 0)
        self._dense_index = DenseIndex(path / "chroma", fingerprint, self._dimension)
        self._lexical_index = LexicalIndex(path / "lexical", in_place=ledger.writable)
        self._dense = Mirror(ledger, self._dense_index, self.writing)
        self._lexical = Mirror(ledger, self._lexical_index, self.writing)
        self._lock = FileLock(path / _LOCK, thread_local=False)
        self._mutex = threading.RLock()  # the lock's counterpart among this process's threads
        self._depth = 0

    @classmethod
    def open(cls, path: Path, embedder: Embedder, *, create: bool = False) -> Store:
        """Open the store in ``path`` and finish what a killed process left pending.

        A store that cannot be written to can be read.

        Args:
            path: its folder.
            embedder: what made, or is to make, its vectors; only to make a store is it asked
                for their dimension, which may need a request.
            create: make the store if there is none.

        Raises:
            StoreError: there is no store, or one of another kind, model or version.
            ModelError: a store is to be made, and the model's dimension is not to be had.
        """
        path = Path(path)
        try:
            _require_folder(path, create)
            if not (path / _LEDGER).exists():
                _create(path, embedder.fingerprint, embedder.dimension)
            ledger = Ledger(path / _LEDGER)
        except (OSError, sqlite3.Error) as error:
            raise StoreError(
                f"cannot use the library at {path}: {error}; check the path and its permissions"
            ) from error
        try:
            _require_match(path, ledger, embedder.fingerprint)
            store = cls(path, ledger, embedder.fingerprint)
            if ledger.writable:
                with suppress(StoreBusyError):  # then the one who is writing finishes it
                    store._finish()
        except BaseException:
            ledger.close()
            raise
        return store

    def close(self) -> None:
        """Let go of all files."""
        self._dense.close()
        self._lexical.close()
        self._ledger.close()

    # --- reading ------------------------------------------------------------------------

    @property
    def generation(self) -> int:
        """How often the indexes have changed; readers reopen them when it has moved."""
        return self._ledger.generation

    def counts(self) -> tuple[int, int]:
        """Numbers of papers and passages."""
        return self._ledger.counts()

    def hashes(self, ids: Collection[str]) -> dict[str, str]:
        """Content hashes of those of ``ids`` that are held."""
        return self._ledger.hashes(ids)

    def papers(self, ids: Collection[str]) -> dict[str, Paper]:
        """Those of ``ids`` that are held."""
        return self._ledger.papers(ids)

    def passages(self, ids: Collection[str]) -> dict[str, Passage]:
        """Those of ``ids`` that are held."""
        return self._ledger.passages(ids)

    def dense(self, vector: np.ndarray, n: int) -> list[tuple[str, float]]:
        """The ``n`` nearest passages of a unit vector (d,): (id, cosine), best first.

        While another process writes, ids may be among them that are no longer held.
        """
        n = min(n, self.counts()[1])
        if n < 1:
            return []
        self._require_dimension(len(vector))
        if not self._ledger.writable:  # Chroma cannot be opened without writing
            return self._ledger.scan(vector, n)
        try:
            return self._dense.read(lambda: self._dense_index.search(vector, n))
        except StoreBusyError:
            # Chroma cannot be read and another process is writing: the ledger has the vectors.
            return self._ledger.scan(vector, n)

    def lexical(self, question: str, n: int) -> list[tuple[str, float]]:
        """The ``n`` best passages for plain words: (id, BM25), best first; none without words.

        While another process writes, ids may be among them that are no longer held.

        Raises:
            StoreBusyError: another process is rebuilding a damaged index.
        """
        return self._lexical.read(lambda: self._lexical_index.search(question, n))

    def document_frequency(self, word: str) -> int:
        """In how many passages, their papers' titles included, the word's stem occurs."""
        return self._lexical.read(lambda: self._lexical_index.document_frequency(word))

    # --- writing ------------------------------------------------------------------------

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the writer's lock; may be nested.

        Raises:
            StoreBusyError: another process or thread holds it.
            StoreError: the folder cannot be written to.
        """
        if not self._ledger.writable:
            raise StoreError(_unwritable(self.path, "no permission to write"))
        if not self._mutex.acquire(blocking=False):
            raise StoreBusyError(_busy(self.path))
        try:
            if self._depth == 0:
                self._acquire()
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
                if self._depth == 0:
                    self._release()
        finally:
            self._mutex.release()

    def write(self, batch: Sequence[tuple[Paper, Sequence[Passage], np.ndarray]]) -> None:
        """Add or replace papers, with their passages and the vectors (passages, d) of these.

        Raises:
            StoreBusyError: another process or thread is writing.
        """
        for _, _, vectors in batch:
            self._require_dimension(vectors.shape[1])
        with self.writing():
            self._ledger.put_pending(batch)
            self._finish()

    def remove(self, ids: Collection[str]) -> None:
        """Remove papers and their passages everywhere; unknown ids are passed over.

        Raises:
            StoreBusyError: another process or thread is writing.
        """
        with self.writing():
            self._ledger.remove(ids)
            self._finish()

    def _finish(self) -> None:
        """Bring the indexes up to the ledger."""
        while any(self._ledger.unfinished(_STEP)):
            with self.writing():
                paper_ids, stale = self._ledger.unfinished(_STEP)
                entries = self._ledger.entries(paper_ids)
                touched = {*paper_ids, *(paper_id for _, paper_id in stale)}
                stale_ids = [passage_id for passage_id, _ in stale]
                self._dense.write(touched, stale_ids, entries)
                self._lexical.write(touched, stale_ids, entries)
                # Threads that read must not take this step for another process's.
                with self._dense.guard, self._lexical.guard:
                    self._ledger.mark_done(paper_ids, stale_ids)
                    self._dense.seen = self._lexical.seen = self.generation

    def _require_dimension(self, found: int) -> None:
        # Chroma would take this for damage.
        if found != self._dimension:
            raise StoreError(
                f"the library at {self.path} has vectors of {self._dimension} dimensions, "
                f"{self._fingerprint} now makes {found}; ingest the papers into a new folder"
            )

    def _acquire(self) -> None:
        try:
            self._lock.acquire(timeout=0)
            (self.path / _WRITER).write_text(str(os.getpid()))
        except Timeout as error:
            raise StoreBusyError(_busy(self.path)) from error
        except OSError as error:
            raise StoreError(_unwritable(self.path, error.strerror)) from error

    def _release(self) -> None:
        self._lexical_index.settle()
        with suppress(OSError):
            (self.path / _WRITER).unlink()
        self._lock.release()


def _busy(path: Path) -> str:
    try:
        who = f"process {int((path / _WRITER).read_text())}"
    except (OSError, ValueError):
        who = "another process"
    return f"{who} is writing to the library at {path}; wait until it is done"


def _unwritable(path: Path, reason: str | None) -> str:
    return (
        f"cannot write to the library at {path}: {reason}; copy the folder to where you can "
        "write, or make it writable"
    )


def _require_folder(path: Path, create: bool) -> None:
    if path.exists() and not path.is_dir():
        raise StoreError(f"the library {path} is a file; name a folder with --store")
    if (path / _LEDGER).exists():
        return
    if path.exists() and any(entry.name not in _OURS for entry in path.iterdir()):
        raise StoreError(f"{path} holds other files and no library; name an empty folder")
    if not create:
        raise StoreError(f"no library at {path}; make one: rag ingest FILE")


def _create(path: Path, fingerprint: str, dimension: int) -> None:
    path.mkdir(parents=True, exist_ok=True)
    with FileLock(path / _LOCK, timeout=10):  # two processes may find the folder empty
        if not (path / _LEDGER).exists():
            Ledger.create(path / _LEDGER, fingerprint, dimension)


def _require_match(path: Path, ledger: Ledger, fingerprint: str) -> None:
    schema = ledger.meta("schema")
    if schema != SCHEMA_VERSION:
        raise StoreError(
            f"the library at {path} has schema {schema}, this Footnote reads {SCHEMA_VERSION}; "
            "ingest the papers again into a new folder"
        )
    found = ledger.meta("fingerprint")
    if found != fingerprint:
        raise StoreError(
            f"the library at {path} was embedded with {found}, not with {fingerprint}; set "
            "RAG_EMBEDDING to that model (unset: the built-in one), or ingest into a new folder"
        )
