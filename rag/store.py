"""The collection on disk: the ledger is the truth, the two indexes are built from it.

Work is written to the ledger as pending, indexed, then marked done. Whoever opens the store
next and can have the writer's lock finishes what a killed process left. Readers take no lock.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from filelock import FileLock, Timeout

from rag import facets, folder
from rag.dense import DenseIndex
from rag.errors import StoreBusyError, StoreError
from rag.exact import EXACT, nearest
from rag.filters import Filter
from rag.identity import Keys
from rag.ledger import Ledger
from rag.lexical import LexicalIndex
from rag.mirror import Mirror
from rag.records import Known
from rag.reports import Sizes
from rag.topical import Topical
from rag.types import Paper, Passage

if TYPE_CHECKING:
    from rag.embedding import Embedder

_STEP = 64  # papers indexed between two marks in the ledger
PaperIds = Collection[str] | None
"""A set of papers whose passages count; None: all."""


class Store:
    """One library's folder. Threads may share it; each process opens it for itself."""

    def __init__(self, path: Path, ledger: Ledger, fingerprint: str) -> None:
        self.path = path
        self._ledger = ledger
        self._fingerprint = fingerprint
        self._dimension = int(ledger.meta("dimension") or 0)
        self._dense_index = DenseIndex(path / folder.CHROMA, fingerprint, self._dimension)
        self._lexical_index = LexicalIndex(path / folder.LEXICAL, in_place=ledger.writable)
        self._dense = Mirror(ledger, self._dense_index, self._alone)
        self._lexical = Mirror(ledger, self._lexical_index, self._alone)
        self._mirrors = [self._dense, self._lexical]
        self._lock = FileLock(path / folder.LOCK, thread_local=False)
        self._mutex = threading.RLock()  # the lock's counterpart among this process's threads
        self._depth = 0
        self._matched: tuple[object, frozenset[str]] = (None, frozenset())
        self.topical = Topical(ledger)

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
            folder.require_folder(path, create)
            if not (path / folder.LEDGER).exists():
                folder.create(path, embedder.fingerprint, embedder.dimension)
            ledger = Ledger(path / folder.LEDGER)
        except (OSError, sqlite3.Error) as error:
            raise StoreError(
                f"cannot use the library at {path}: {error}; check the path and its permissions"
            ) from error
        try:
            folder.require_match(path, ledger, embedder.fingerprint)
            folder.require_own(path, ledger)
            store = cls(path, ledger, embedder.fingerprint)
            if ledger.writable:
                with suppress(StoreBusyError):  # then the one who is writing finishes it
                    store._finish()
        except Timeout as error:
            ledger.close()
            raise StoreBusyError(folder.busy(path)) from error
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

    def refresh(self) -> None:
        """Look for what others have changed; here, reading does that by itself."""

    def counts(self) -> tuple[int, int]:
        """Numbers of papers and passages."""
        return self._ledger.counts()

    def hashes(self, ids: Collection[str]) -> dict[str, str]:
        """Content hashes of those of ``ids`` that are held."""
        return self._ledger.hashes(ids)

    def related(self, keys: Sequence[Keys], sources: Collection[str]) -> dict[str, Known]:
        """The papers that share a key with any of ``keys``, with their records, by id."""
        return self._ledger.related(keys, sources)

    def vectors(self, paper_ids: Collection[str]) -> dict[str, np.ndarray]:
        """The vectors of the papers' passages in their order, (passages, d)."""
        return self._ledger.vectors(paper_ids)

    def all_papers(self) -> Iterator[Paper]:
        """All papers, by id."""
        return self._ledger.all_papers()

    def listed(self, start: int, n: int, within: PaperIds = None) -> list[Paper]:
        """``n`` papers from the ``start``-th on, the last written first."""
        return self._ledger.listed(start, n, within)

    def facts(self) -> tuple[int, Sizes, str | None]:
        """Number of files that the papers came from, sizes on disk, end of the last ingest."""
        last = self._ledger.meta("last_ingest")
        return self._ledger.sources(), folder.sizes(self.path), str(last) if last else None

    def papers(self, ids: Collection[str]) -> dict[str, Paper]:
        """Those of ``ids`` that are held."""
        return self._ledger.papers(ids)

    def papers_of(self, passage_ids: Collection[str]) -> dict[str, str]:
        """The paper's id for each of those passages that are held."""
        return self._ledger.papers_of(passage_ids)

    def passages(self, ids: Collection[str]) -> dict[str, Passage]:
        """Those of ``ids`` that are held."""
        return self._ledger.passages(ids)

    def matching(self, where: Filter) -> frozenset[str]:
        """The ids of the papers that ``where`` lets through; the last ones are remembered."""
        if self._matched[0] != (key := (where, self.generation)):
            self._matched = (key, self.topical.matching(where))
        return self._matched[1]

    def unmatched(self, where: Filter) -> list[str]:
        """What of ``where`` no paper has, a line for people each."""
        return self._ledger.look(lambda db: list(facets.unmatched(db, where)))

    def by_year(self, n: int, *, newest: bool, where: Filter | None = None) -> list[str]:
        """The ids of the ``n`` newest (or oldest) papers with a year; others are left out."""
        return self._ledger.look(lambda db: facets.by_year(db, n, newest, where))

    def dense(self, vector: np.ndarray, n: int, within: PaperIds = None) -> list[tuple[str, float]]:
        """The ``n`` nearest passages of a unit vector (d,): (id, cosine), best first.

        While another process writes, ids may be among them that are no longer held.
        """
        passages = self.counts()[1]
        if (n := min(n, passages)) < 1:
            return []
        self._require_dimension(len(vector))
        if within is None and passages > EXACT and self._ledger.writable:  # as Chroma writes
            with suppress(StoreBusyError):  # nor read where another process mends it
                return self._dense.read(lambda: self._dense_index.search(vector, n))
        return nearest(self._ledger.vector_pages(within), vector, n)

    def lexical(self, question: str, n: int, within: PaperIds = None) -> list[tuple[str, float]]:
        """The ``n`` best passages for plain words: (id, BM25), as ``dense``; none without words.

        Raises:
            StoreBusyError: another process is rebuilding a damaged index.
        """
        return self._lexical.read(lambda: self._lexical_index.search(question, n, within))

    def document_frequency(self, word: str) -> int:
        """In how many passages, their papers' titles included, the word's stem occurs."""
        return self._lexical.read(lambda: self._lexical_index.document_frequency(word))

    # --- writing ------------------------------------------------------------------------

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the writer's lock; may be nested.

        Raises:
            StoreBusyError: another process or thread holds it.
            StoreError: the folder cannot be written to.
        """
        if not self._ledger.writable:
            raise StoreError(folder.unwritable(self.path, "no permission to write"))
        if not self._mutex.acquire(blocking=False):
            raise StoreBusyError(folder.busy(self.path))
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

    writing = _alone

    def write(
        self, batch: Sequence[tuple[Paper, Sequence[Passage], np.ndarray]],
        known: Mapping[str, Known] = MappingProxyType({}), gone: Collection[str] = (),
    ) -> None:  # fmt: skip
        """Add or replace papers, with their passages and the vectors (passages, d) of these.

        Args:
            batch: papers whose content is new.
            known: papers with the records that they are made of, by id; one of ``batch`` that
                is not among them is its own record.
            gone: papers that became part of others.

        Raises:
            StoreBusyError: another process or thread is writing.
            StoreError: the disk is full, or a file cannot be written.
        """
        for _, _, vectors in batch:
            self._require_dimension(vectors.shape[1])
        with self.writing():
            self._ledger.put_pending(batch, known, gone)
            self._finish()

    def rebuild(self, on_progress: Callable[[int, int], None]) -> None:
        """Make both indexes anew from the ledger, which is read as a whole first.

        Args:
            on_progress: called with the passages indexed and their total, over both indexes.

        Raises:
            StoreBusyError: another process or thread is writing.
            StoreError: the ledger is damaged.
        """
        with self.writing():
            self._ledger.check()
            total = self.counts()[1]
            with folder.explained(self.path):
                self._dense.rebuild(lambda done: on_progress(done, 2 * total))
                self._lexical.rebuild(lambda done: on_progress(total + done, 2 * total))
            self._finish()

    def note_ingest(self) -> None:
        """Remember that an ingest ended now."""
        self._ledger.note("last_ingest", datetime.now(UTC).isoformat(timespec="seconds"))

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
            with self._alone():
                paper_ids, stale = self._ledger.unfinished(_STEP)
                entries = self._ledger.entries(paper_ids)
                touched = {*paper_ids, *(paper_id for _, paper_id in stale)}
                stale_ids = [passage_id for passage_id, _ in stale]
                with folder.explained(self.path):
                    for mirror in self._mirrors:
                        mirror.write(touched, stale_ids, entries)
                # Threads that read must not take this step for another process's.
                with self._dense.guard, self._lexical.guard:
                    self._ledger.mark_done(paper_ids, stale_ids)
                    self._dense.seen = self._lexical.seen = self.generation

    def _require_dimension(self, found: int) -> None:
        if found != self._dimension:  # Chroma would take this for damage
            raise StoreError(
                f"the library at {self.path} has vectors of {self._dimension} dimensions, "
                f"{self._fingerprint} now makes {found}; ingest the papers into a new folder"
            )

    def _acquire(self) -> None:
        try:
            self._lock.acquire(timeout=0)
            (self.path / folder.WRITER).write_text(str(os.getpid()))
        except Timeout as error:
            raise StoreBusyError(folder.busy(self.path)) from error
        except OSError as error:
            raise StoreError(folder.unwritable(self.path, error.strerror)) from error

    def _release(self) -> None:
        self._lexical_index.settle()
        with suppress(OSError):
            (self.path / folder.WRITER).unlink()
        self._lock.release()
