"""A node's view of a library on a Chroma server, which is the truth.

The node keeps a copy of the papers in its folder, without vectors, and a lexical index of its
own; both follow the server's journal. Vectors are asked for there.
"""

from __future__ import annotations

import math
import sqlite3
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from filelock import Timeout

from rag import folder
from rag.errors import StoreBusyError, StoreError
from rag.exact import Ranking, sifted
from rag.ledger import Ledger
from rag.records import Known
from rag.remote import MissingError
from rag.shelf import Change, Head, Shelf
from rag.store import PaperIds, Store
from rag.types import Passage

_LOOK = 1.0  # seconds for which what was seen of the journal is taken for new
_SPARE = 2.0  # seconds that a reader spends on catching up before it reads on
_AT_ONCE = 16  # entries of the journal that are caught up with together
_ANOTHER = 600.0  # seconds to wait for another process that makes this folder's first copy
_MANY = 1000  # passages to ask for and filter here
_TRIES = 3  # full readings, should papers be removed meanwhile


class Copy(Ledger):
    """The ledger of a node: its vectors are on the server."""

    def __init__(self, path: Path, shelf: Shelf) -> None:
        super().__init__(path)
        self.shelf = shelf

    def parts(self, paper_ids: Collection[str]) -> dict[str, list[Passage]]:
        """The passages of the papers, in their order."""
        found: dict[str, list[Passage]] = {}
        for passage, _, _ in self.entries(paper_ids):
            found.setdefault(passage.paper_id, []).append(passage)
        return {name: sorted(parts, key=lambda p: p.start) for name, parts in found.items()}

    def vectors(self, paper_ids: Collection[str]) -> dict[str, np.ndarray]:
        """The vectors of the papers' passages in their order, (passages, d)."""
        parts = self.parts(paper_ids)
        found = self.shelf.vectors([p.id for rows in parts.values() for p in rows])
        return {
            paper_id: np.stack([found[p.id] for p in rows])
            for paper_id, rows in parts.items()
            if all(p.id in found for p in rows)
        }


class Follower(Store):
    """Reads. Threads may share it, and processes its folder."""

    def __init__(self, path: Path, ledger: Copy) -> None:
        super().__init__(path, ledger, ledger.shelf.fingerprint)
        self._copy = ledger
        self._mirrors = [self._lexical]
        self._look_again = 0.0

    def close(self) -> None:
        """Let go of all files and connections."""
        super().close()
        self._shelf.server.close()

    # --- reading ------------------------------------------------------------------------

    def refresh(self) -> None:
        """Catch up with the server, for two seconds at most; looks once a second.

        Raises:
            StoreError: the server cannot be used.
        """
        now = time.monotonic()
        if self._depth or now < self._look_again:
            return
        self._look_again = now + _LOOK
        with suppress(StoreBusyError):  # then another thread or process does it
            self._catch_up(now + _SPARE)

    def dense(self, vector: np.ndarray, n: int, within: PaperIds = None) -> Ranking:
        """The ``n`` nearest passages of a unit vector (d,): (id, cosine), best first.

        Ids may be among them that this node does not know yet, or no longer.
        """
        papers, passages = self.counts()
        n = min(n, passages)
        if n < 1 or (within is not None and not within):
            return []
        self._require_dimension(len(vector))
        if within is None:
            return self._shelf.nearest(vector, n)
        enough = math.ceil(1.5 * n * papers / len(within))
        if enough <= _MANY:  # much faster than a filter of the server's that lets much through
            nearest = partial(self._shelf.nearest, vector)
            asked = min(enough, passages)
            found = sifted(nearest, asked, n, within, self._ledger.papers_of)
            if found is not None:
                return found
        return self._shelf.nearest(vector, n, sorted(within))

    @property
    def _shelf(self) -> Shelf:
        return self._copy.shelf

    # --- keeping up ---------------------------------------------------------------------

    def _first_look(self) -> None:
        """Be complete before anything is read."""
        end = time.monotonic() + _ANOTHER
        while True:
            try:
                return self._catch_up()
            except StoreBusyError:
                if self._synced >= 0:  # the one who writes keeps the copy up
                    return None
                if time.monotonic() > end:
                    raise
            time.sleep(0.2)

    @property
    def _synced(self) -> int:
        """The last change that this node's copy holds; -1 where it is not whole."""
        synced = self._ledger.meta("synced")
        same = self._ledger.meta("library") == self._shelf.id
        return int(synced) if same and synced is not None else -1

    def _catch_up(self, until: float = float("inf")) -> None:
        """Follow the journal to its end, or until the time is spent."""
        head = self._current_head()
        if self._synced == head.generation and head.last_ingest == self._last_ingest():
            return
        with self._alone():
            self._finish()  # what a killed process left of it
            if self._synced < head.oldest - 1 or self._synced > head.generation:
                self._read_all(lambda _done: None)
            while time.monotonic() < until and (done := self._next_done()):
                self._follow(done)
                self._note(replace(head, generation=done[-1].generation))
            self._note(replace(head, generation=self._synced))
            self._check()

    def _next_done(self) -> list[Change]:
        """The next changes to follow, up to the first that is not done."""
        first = self._synced + 1
        changes = self._shelf.changes(first, first + _AT_ONCE - 1)
        return [c for n, c in enumerate(changes, first) if c.done and c.generation == n]

    def _follow(self, changes: Sequence[Change]) -> None:
        """Take over the papers of some changes as they are on the server now."""
        ids = dict.fromkeys(paper_id for change in changes for paper_id in change.papers)
        found = self._shelf.papers(list(ids))
        self._put(found, ids.keys() - {known.paper.id for known, _ in found})

    def _check(self) -> None:
        """Read everything where counts tell that something was missed."""
        head = self._shelf.head()
        if self._synced != head.generation or self._shelf.changes(*[head.generation + 1] * 2):
            return  # changing right now
        if (head.papers, head.passages) != self.counts():
            self._read_all(lambda _done: None)

    def _read_all(self, on_progress: Callable[[int], None]) -> None:
        """Copy the whole library. Papers that go meanwhile can hide others: then once more."""
        for _ in range(_TRIES):
            head = self._current_head()
            self._ledger.note("synced", "-1")
            self._read_papers()
            with folder.explained(self.path):
                self._lexical.rebuild(on_progress)
            pending, stale = self._ledger.unfinished(-1)
            self._ledger.mark_done(pending, [passage_id for passage_id, _ in stale])
            self._lexical.seen = self.generation
            changed = self._shelf.changes(head.generation + 1, head.generation + 1)
            if changed or (head.papers, head.passages) == self.counts():
                return self._note(head)
        raise StoreError(
            f"the library at {self._shelf.server.url} should have {head.papers} papers in "
            f"{head.passages} passages, and {self.counts()} were read; run the command again, and "
            "if it fails again: choose another RAG_CHROMA_DATABASE and ingest the papers again"
        )

    def _read_papers(self) -> None:
        """Put all papers of the server into the ledger, and take out all others."""
        seen: set[str] = set()
        for page in self._shelf.all_papers():
            seen.update(known.paper.id for known, _ in page)
            self._keep(page, ())
        self._ledger.remove([p.id for p in self._ledger.all_papers() if p.id not in seen])

    def _current_head(self) -> Head:
        """The journal's head; of the library that is there now, should it be another."""
        try:
            return self._shelf.head()
        except MissingError:
            shelf = Shelf.find(self._shelf.server)
            if shelf is None:
                raise
            shelf.require_model(self._fingerprint)
            self._copy.shelf, self._dimension = shelf, shelf.dimension
            return shelf.head()

    def _put(
        self, papers: Sequence[tuple[Known, Sequence[Passage]]], gone: Collection[str]
    ) -> None:
        self._keep(papers, gone)
        self._finish()

    def _keep(
        self, papers: Sequence[tuple[Known, Sequence[Passage]]], gone: Collection[str]
    ) -> None:
        batch = [(k.paper, parts, np.empty((len(parts), 0), np.float32)) for k, parts in papers]
        self._ledger.put_pending(batch, {k.paper.id: k for k, _ in papers}, gone)

    def _note(self, head: Head) -> None:
        """Remember up to where this node's copy is whole."""
        self._ledger.note("library", self._shelf.id)
        self._ledger.note("synced", str(head.generation))
        self._ledger.note("last_ingest", head.last_ingest)

    def _last_ingest(self) -> str:
        return str(self._ledger.meta("last_ingest") or "")


def copy_of(path: Path, shelf: Shelf) -> Copy:
    """The ledger of this node's copy, made if there is none."""
    try:
        folder.require_folder(path, create=True)
        if not (path / folder.LEDGER).exists():
            folder.create(path, shelf.fingerprint, shelf.dimension)
        ledger = Copy(path / folder.LEDGER, shelf)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(
            f"cannot use the folder {path}: {error}; check the path and its permissions"
        ) from error
    try:
        folder.require_copy(path, ledger, shelf.server.url)
        folder.require_match(path, ledger, shelf.fingerprint)
        if ledger.writable and ledger.meta("library") is None:
            ledger.note("library", shelf.id)
        if ledger.writable and ledger.meta("server") != shelf.server.url:
            ledger.note("server", shelf.server.url)
    except Timeout as error:
        ledger.close()
        raise StoreBusyError(folder.busy(path)) from error
    except BaseException:
        ledger.close()
        raise
    return ledger
