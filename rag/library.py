"""A collection of papers, as people hold it: open, ingest, search."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from itertools import chain, islice
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np

from rag import __version__
from rag.chunking import split_paper
from rag.errors import InputError
from rag.intake import Intake, Plan
from rag.loaders import load_records
from rag.settings import Settings, load
from rag.store import Store
from rag.text import clean_question
from rag.types import Failure, Hit, IngestReport, Paper, StoreStatus

if TYPE_CHECKING:
    from rag.embedding import Embedder

_BATCH = 64  # papers embedded and written at a time: what Ctrl-C can cost


class Library:
    """A folder of papers and the model that embeds them. Threads may share it."""

    def __init__(self, settings: Settings, embedder: Embedder) -> None:
        self.settings = settings
        self.embedder = embedder
        self.path = settings.store
        self._store: Store | None = None
        self._opening = threading.Lock()

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str] | None = None,
        *,
        settings: Settings | None = None,
        embedder: Embedder | None = None,
    ) -> Library:
        """Open the library in the folder ``path``, or in the one that the settings name.

        Nothing is created, and a folder that holds no library is an error only once it is
        read: ``ingest`` makes it one.

        Args:
            path: folder of the library; None: ``settings.store``.
            settings: None: from the environment.
            embedder: None: the one that the settings name.
        """
        settings = settings or load()
        if path is not None:
            settings = settings.model_copy(update={"store": Path(path).expanduser()})
        if embedder is None:
            from rag.embedding import load_embedder

            embedder = load_embedder(settings)
        return cls(settings, embedder)

    @property
    def store(self) -> Store:
        """The collection on disk.

        Raises:
            StoreError: the folder holds none, or one of another model or version.
        """
        return self._open_store(create=False)

    def ingest(
        self,
        paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
        on_progress: Callable[[int, int | None], None] | None = None,
    ) -> IngestReport:
        """Take in the papers of files and folders; unchanged ones are left as they are.

        An interruption loses at most the batch in work: the next ingest goes on from there.

        Args:
            paths: JSON Lines (``.jsonl``), copied pages (``.txt``), and folders of them.
            on_progress: called with the papers done and their total, None while unknown.

        Raises:
            InputError: there is nothing to read.
            StoreBusyError: another process is writing.
            StoreError: the folder cannot hold this library.
        """
        begun = time.monotonic()
        failed: list[Failure] = []
        records = load_records(paths, failed.append)
        counts: Counter[str] = Counter()
        # Nothing is made for files that hold no paper.
        for first in islice(records, 1):
            store = self._open_store(create=True)
            with store.writing():
                intake = Intake(store.related, store.hashes, failed.append)
                for plan in intake.plans(chain([first], records), _BATCH):
                    self._write(plan)
                    counts += plan.outcomes
                    if on_progress:
                        on_progress(counts.total(), None)
                store.note_ingest()
        return IngestReport(
            added=counts["added"],
            updated=counts["updated"],
            unchanged=counts["unchanged"],
            failed=tuple(failed),
            seconds=round(time.monotonic() - begun, 3),
        )

    def search(self, question: str, k: int = 10) -> list[Hit]:
        """The ``k`` nearest papers, best first, each with its best passage.

        Raises:
            InputError: the question is empty or too long, or ``k`` is not positive.
            StoreError: there is no library to search.
        """
        from rag.retrieval import retrieve

        question = clean_question(question)
        if k < 1:
            raise InputError(f"cannot find {k} papers; ask for 1 or more")
        return retrieve(self.store, self.embedder, question, k)

    def papers(self, ids: Collection[str]) -> dict[str, Paper]:
        """Those papers of ``ids`` that the library holds."""
        return self.store.papers(ids)

    def status(self) -> StoreStatus:
        """What the library holds and which model embedded it."""
        papers, passages = self.store.counts()
        name = self.embedder.name
        return StoreStatus(
            str(self.path), papers, passages, name, __version__, *self.store.facts()
        )

    def close(self) -> None:
        """Let go of all files; the next use opens them again."""
        with self._opening:
            if self._store is not None:
                self._store.close()
                self._store = None

    def __enter__(self) -> Library:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _open_store(self, create: bool) -> Store:
        with self._opening:
            if self._store is None:
                self._store = Store.open(self.path, self.embedder, create=create)
            return self._store

    def _write(self, plan: Plan) -> None:
        """Write what is new or changed; what was embedded before is not embedded again."""
        ids = [*plan.known, *plan.gone]
        held = self.store.papers(ids)
        papers = [known.paper for known in plan.known.values()]
        changed = [p for p in papers if p.id not in held or p.content_hash != held[p.id].content_hash]
        if not (papers or plan.gone):
            return
        texts = {(paper.title, paper.abstract): paper.id for paper in held.values()}
        vectors = self.store.vectors(ids)
        passages = {paper.id: split_paper(paper) for paper in changed}
        found = {p.id: vectors.get(texts.get((p.title, p.abstract), "")) for p in changed}
        fresh = [paper for paper in changed if found[paper.id] is None]
        if fresh:
            encoded = self.embedder.encode(
                [f"{paper.title}. {part.text}" for paper in fresh for part in passages[paper.id]]
            )
            ends = np.cumsum([len(passages[paper.id]) for paper in fresh])
            parts = np.split(encoded, ends[:-1])
            found.update(zip((paper.id for paper in fresh), parts, strict=True))
        batch = [(paper, passages[paper.id], found[paper.id]) for paper in changed]
        self.store.write(batch, plan.known, plan.gone)

