"""What the papers of a store are about, and how many are about what."""

from __future__ import annotations

from collections.abc import Callable, Collection

from rag import facets, subjects
from rag.filters import Filter
from rag.ledger import Ledger
from rag.reports import Facet
from rag.topics import VERSION, Topic

_AT_ONCE = 64  # papers read between two writes


class Topical:
    """The topics in a ledger. Whoever reads a paper finds the same, so that no lock is needed."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._facets: tuple[object, tuple[Facet, ...]] = (None, ())

    def facets(
        self, most: int, on_progress: Callable[[int, int], None] | None = None
    ) -> tuple[Facet, ...]:
        """The kinds of values that filters take, each with the ``most`` frequent ones.

        Remembered until papers change. Topics that are yet unread are read first.
        """
        self.read(on_progress)
        key = (most, self._ledger.generation)
        if self._facets[0] != key:
            self._facets = (key, self._ledger.look(lambda db: facets.counted(db, most)))
        return self._facets[1]

    def matching(self, where: Filter) -> frozenset[str]:
        """The ids of the papers that ``where`` lets through."""
        if where.topics:
            self.read()
        return self._ledger.look(lambda db: facets.matching(db, where))

    def of(self, ids: Collection[str]) -> dict[str, frozenset[Topic]]:
        """The topics of those papers; papers without any are left out."""
        fresh = self._read(ids, len(ids))
        held = self._ledger.look(lambda db: subjects.of_papers(db, ids))
        return held | {paper_id: named for paper_id, named in fresh.items() if named}

    def read(self, on_progress: Callable[[int, int], None] | None = None) -> None:
        """Read what is yet unread: papers that an older Footnote took in.

        An interruption loses at most the papers in work. Where nothing may be written, nothing
        is done.

        Args:
            on_progress: called with the papers read and their total.
        """
        if not self._ledger.writable:
            return
        self._renew()
        total = self._ledger.look(subjects.unread)
        done = 0
        while done < total and (found := self._read(None, _AT_ONCE)):
            done += len(found)
            if on_progress:
                on_progress(done, total)

    def _read(self, ids: Collection[str] | None, limit: int) -> subjects.Found:
        found = self._ledger.look(lambda db: subjects.read(db, ids, limit))
        if found and self._ledger.writable:
            with self._ledger.transaction() as db:
                subjects.put(db, found)
        return found

    def _renew(self) -> None:
        """Have read again what the rules of another version read."""
        if self._ledger.meta("topics") != VERSION:
            with self._ledger.transaction() as db:
                db.execute("INSERT OR IGNORE INTO unread SELECT id FROM papers")
                db.execute("INSERT OR REPLACE INTO meta VALUES ('topics', ?)", (VERSION,))
