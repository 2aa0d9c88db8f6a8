"""A collection of papers, as people hold it: open, ingest, search."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np

from rag import __version__
from rag.chunking import split_paper
from rag.errors import InputError
from rag.loaders import load_papers
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
        names: Mapping[str, str] | None = None,
    ) -> IngestReport:
        """Take in the papers of files and folders; unchanged ones are left as they are.

        An interruption loses at most the batch in work: the next ingest goes on from there.

        Args:
            paths: files of any format in docs/formats.md, folders and archives of them, or
                ``-`` for standard input.
            on_progress: called with the papers done and their total, None while unknown.
            names: for tables and JSON, what fields are called there: ``{"abstract": "AB"}``.

        Raises:
            InputError: there is nothing to read.
            StoreBusyError: another process is writing.
            StoreError: the folder cannot hold this library.
        """
        begun = time.monotonic()
        failed: list[Failure] = []
        papers = load_papers(paths, failed.append, names)
        counts: Counter[str] = Counter()
        batch = list(islice(papers, _BATCH))
        if batch:
            with self._open_store(create=True).writing():
                while batch:
                    counts.update(self._write(batch))
                    if on_progress:
                        on_progress(counts.total(), None)
                    batch = list(islice(papers, _BATCH))
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
        return StoreStatus(str(self.path), papers, passages, self.embedder.name, __version__)

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

    def _write(self, papers: list[Paper]) -> Iterator[str]:
        """Write what is new or changed; yields what became of each paper."""
        known = self.store.hashes([paper.id for paper in papers])
        changed = [paper for paper in papers if known.get(paper.id) != paper.content_hash]
        if changed:
            passages = [split_paper(paper) for paper in changed]
            vectors = self.embedder.encode(
                [
                    f"{paper.title}. {passage.text}"
                    for paper, parts in zip(changed, passages, strict=True)
                    for passage in parts
                ]
            )
            ends = np.cumsum([len(parts) for parts in passages])
            self.store.write(
                list(zip(changed, passages, np.split(vectors, ends[:-1]), strict=True))
            )
        for paper in papers:
            if paper.id not in known:
                yield "added"
            else:
                yield "unchanged" if known[paper.id] == paper.content_hash else "updated"
