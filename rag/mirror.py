"""An index kept in step with the ledger: opened when needed, rebuilt when it cannot be used."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, suppress
from typing import Protocol, TypeVar

from rag.errors import StoreBusyError
from rag.ledger import Entry, Ledger

T = TypeVar("T")


class Index(Protocol):
    """What the dense and the lexical index have in common."""

    def create(self) -> None:
        """Replace whatever is there by an empty index."""

    def reload(self) -> None:
        """Open the index as it is now on disk."""

    def close(self) -> None:
        """Let go of the index."""

    def count(self) -> int:
        """Number of passages."""

    def change(
        self, paper_ids: Collection[str], stale_ids: Sequence[str], entries: Sequence[Entry], /
    ) -> None:
        """Take out the stale passages of the papers and put in ``entries``."""


class Mirror:
    """One index of a store.

    ``guard`` protects ``seen``, the generation of the ledger that the open index shows.
    """

    def __init__(
        self,
        ledger: Ledger,
        index: Index,
        writing: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._ledger = ledger
        self._index = index
        self._writing = writing
        self.guard = threading.RLock()
        self.seen = -1

    def close(self) -> None:
        """Let go of the index; the next use opens it again."""
        with self.guard:
            self.seen = -1
            self._index.close()

    def read(self, action: Callable[[], T]) -> T:
        """Run ``action`` on an index that shows the ledger's generation.

        Raises:
            StoreBusyError: the index cannot be used, and another process is writing, so
                that it cannot be rebuilt now.
        """
        try:
            self._refresh()
            return action()
        except Exception:
            # Another process may have replaced the files under the open index, or they are
            # damaged: Chroma and tantivy tell this in errors of many types.
            with self.guard:
                try:
                    self._reload()
                    return action()
                except Exception:
                    self._rebuild()
                    return action()

    def write(
        self, paper_ids: Collection[str], stale_ids: Sequence[str], entries: Sequence[Entry]
    ) -> None:
        """Change the index; the caller holds the writer's lock."""
        with self.guard:
            if self.seen != self._ledger.generation:
                try:
                    self._reload()
                    whole = self._index.count() >= self._ledger.indexed()
                except Exception:
                    whole = False
                if not whole:  # damaged, or left so by a rebuild that was interrupted
                    self._rebuild()
        try:
            self._index.change(paper_ids, stale_ids, entries)
        except BaseException:
            self.close()  # with what was begun; the ledger still has it as pending
            raise

    def rebuild(self, on_progress: Callable[[int], None]) -> None:
        """Make the index anew from the ledger; the caller holds the writer's lock."""
        with self.guard:
            try:
                self._rebuild(on_progress)
            except BaseException:
                self.close()
                raise

    def _refresh(self) -> None:
        with self.guard:
            if self.seen == self._ledger.generation:
                return
            self._reload()
            _, passages = self._ledger.counts()
            if self._index.count() != passages and not any(self._ledger.unfinished(1)):
                with suppress(StoreBusyError):  # then they differ because of that writer
                    self._rebuild()

    def _reload(self) -> None:
        generation = self._ledger.generation
        self._index.reload()
        self.seen = generation

    def _rebuild(self, on_progress: Callable[[int], None] = lambda _: None) -> None:
        with self._writing():
            self._index.create()
            done = 0
            for entries in self._ledger.all_entries():
                self._index.change((), (), entries)
                done += len(entries)
                on_progress(done)
            self._ledger.bump()
            self.seen = self._ledger.generation
