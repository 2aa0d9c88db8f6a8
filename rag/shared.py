"""A library that several nodes share by way of a Chroma server: the side that writes.

A change is announced in the server's journal, made, and recorded there as done; only then does
this node's copy follow. Whoever writes next finishes what a killed writer began.
"""

from __future__ import annotations

import hashlib
import platform
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from rag import folder, records
from rag.errors import StoreBusyError, StoreError
from rag.follower import Copy, Follower, copy_of
from rag.lease import Lease
from rag.records import Known
from rag.remote import Server
from rag.settings import Settings
from rag.shelf import Change, Shelf, Written
from rag.types import Paper, Passage

if TYPE_CHECKING:
    from rag.embedding import Embedder


_MOMENT = 3.0  # seconds


class SharedStore(Follower):
    """One node's access to the library on a server."""

    def __init__(self, path: Path, ledger: Copy) -> None:
        super().__init__(path, ledger)
        where = f"{platform.node()} {uuid.getnode()} {path.resolve()}"
        node = f"{where} {(path / folder.LEDGER).stat().st_ino}"  # a copied folder is another
        self._lease = Lease(ledger.shelf.server, hashlib.sha256(node.encode()).hexdigest())
        ledger.shelf.server.guard = self._lease.require

    @classmethod
    def attach(cls, settings: Settings, embedder: Embedder, *, create: bool = False) -> SharedStore:
        """Open the library on the server of the settings, and bring this node's copy up to it.

        Args:
            settings: they name the server and the folder of the copy, which is made if need be.
            embedder: what made, or is to make, its vectors.
            create: make an empty library on a server that has none.

        Raises:
            StoreError: the server cannot be used, it holds no library or one of another model,
                or the folder is no copy.
            StoreBusyError: another process has been making the copy for very long.
        """
        server = Server(settings)
        try:
            shelf = Shelf.find(server)
            if shelf is None and create:
                shelf = _made(server, embedder)
            if shelf is None:
                raise StoreError(f"no library on {server.url}; make one: rag ingest FILE")
            shelf.require_model(embedder.fingerprint)
            ledger = copy_of(settings.store, shelf)
            try:
                store = cls(settings.store, ledger)
                store._first_look()
            except BaseException:
                ledger.close()
                raise
        except BaseException:
            server.close()
            raise
        return store

    # --- writing ------------------------------------------------------------------------

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Be the only writer of the library; may be nested.

        Raises:
            StoreBusyError: another process, of this node or another, is writing.
            StoreError: the server or the folder cannot be used.
        """
        with ExitStack() as stack:
            self._enter(stack)
            if self._depth > 1:
                yield
                return
            self._lease.acquire()
            try:
                self._finish_others()
                yield
            finally:
                self._lease.release()

    def _enter(self, stack: ExitStack) -> None:
        """Take the folder's lock, though a reader may have it for a moment to catch up."""
        end = time.monotonic() + _MOMENT
        while True:
            try:
                stack.enter_context(self._alone())
                return
            except StoreBusyError:
                if time.monotonic() > end:
                    raise
            time.sleep(0.1)

    def write(
        self,
        batch: Sequence[tuple[Paper, Sequence[Passage], np.ndarray]],
        known: Mapping[str, Known] = MappingProxyType({}),
        gone: Collection[str] = (),
    ) -> None:
        """Add or replace papers for all nodes; arguments and errors are those of ``Store``."""
        for _, _, vectors in batch:
            self._require_dimension(vectors.shape[1])
        with self.writing():
            fresh: list[Written] = [
                (known.get(paper.id) or records.taken_in(paper), parts, vectors)
                for paper, parts, vectors in batch
            ]
            told = known.keys() - {paper.id for paper, _, _ in batch}
            held = self._copy.parts(told)
            self._commit([*fresh, *((known[i], held[i], None) for i in sorted(told))], gone)

    def remove(self, ids: Collection[str]) -> None:
        """Remove papers for all nodes; unknown ids are passed over.

        Raises:
            StoreBusyError: another process or thread is writing.
        """
        with self.writing():
            self._commit([], self._ledger.hashes(ids).keys())

    def note_ingest(self) -> None:
        """Remember that an ingest ended now."""
        with self.writing():
            now = datetime.now(UTC).isoformat(timespec="seconds")
            self._shelf.note(replace(self._shelf.head(), last_ingest=now))
            self._ledger.note("last_ingest", now)

    def rebuild(self, on_progress: Callable[[int, int], None]) -> None:
        """Make this node's copy and lexical index anew from the server.

        Args:
            on_progress: called with the passages indexed and their total.

        Raises:
            StoreBusyError: another process or thread is using the folder to write.
            StoreError: the server cannot be used.
        """
        with self._alone():
            self._ledger.check()
            self._read_all(lambda done: on_progress(done, self.counts()[1]))

    def _commit(self, written: Sequence[Written], gone: Collection[str]) -> None:
        """Make one change: journal, rows, journal, and then this node's copy."""
        ids = [known.paper.id for known, _, _ in written]
        gone = set(gone) - set(ids)
        before = self._copy.parts({*ids, *gone})
        old = {p.id for parts in before.values() for p in parts}
        new = {p.id for _, parts, _ in written for p in parts}
        if not ids and not before:
            return
        head = self._shelf.head()
        papers, passages = self.counts()
        rows = tuple(sorted(old | new))
        change = Change(head.generation + 1, True, (*ids, *sorted(gone)), rows)
        self._shelf.begin(change)
        self._shelf.write(written)
        self._shelf.delete(old - new)
        head = replace(
            head,
            generation=change.generation,
            papers=papers + len({*ids} - before.keys()) - len(gone & before.keys()),
            passages=passages - len(old) + len(new),
        )
        self._shelf.finish(change, head)
        self._put([(known, parts) for known, parts, _ in written], gone)
        self._note(head)

    def _finish_others(self) -> None:
        """Catch up, and finish what a killed writer began: each paper is as it was or new."""
        self._catch_up()
        head = self._shelf.head()
        for change in self._shelf.changes(head.generation + 1, head.generation + 1):
            kept = {p.id for _, parts in self._shelf.papers(change.papers) for p in parts}
            self._shelf.delete(set(change.rows) - kept)
            self._follow([change])
            papers, passages = self.counts()
            head = replace(head, generation=change.generation, papers=papers, passages=passages)
            self._shelf.finish(change, head)
            self._note(head)


def _made(server: Server, embedder: Embedder) -> Shelf:
    """An empty library on the server; of two nodes that make one, the first does."""
    lease = Lease(server, uuid.uuid4().hex)
    lease.acquire()
    try:
        found = Shelf.find(server)
        return found or Shelf.make(server, embedder.fingerprint, embedder.dimension)
    finally:
        lease.release()
