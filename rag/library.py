"""A collection of papers, as people hold it: open, ingest, search."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext, suppress
from itertools import chain, islice
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np

from rag import __version__
from rag.chunking import split_paper
from rag.errors import InputError
from rag.identity import Record
from rag.intake import Intake, Plan
from rag.loaders import Paths, SourceName, read
from rag.references import Format, export
from rag.reports import Facet, PruneReport, RebuildReport, Removal
from rag.settings import Settings, load
from rag.shared import SharedStore
from rag.store import Store
from rag.text import clean_question
from rag.types import Failure, Filter, Hit, IngestReport, Paper, Passage, StoreStatus

if TYPE_CHECKING:
    from rag.embedding import Embedder

OnCount = Callable[[int, int], None] | None
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
        """The collection, with what others have changed in it of late.

        Raises:
            StoreError: the folder holds none, or one of another model or version.
        """
        store = self._open_store(create=False)
        store.refresh()
        return store

    def ingest(
        self,
        paths: Paths,
        on_progress: Callable[[int, int | None], None] | None = None,
        names: Mapping[str, str] | None = None,
        source: SourceName = "",
    ) -> IngestReport:
        """Take in the papers of files and folders; unchanged ones are left as they are.

        An interruption loses at most the batch in work: the next ingest goes on from there.

        Args:
            paths: files of any format in docs/formats.md, folders and archives of them, or
                ``-`` for standard input.
            on_progress: called with the papers done and their total, None while unknown; the
                files are read once more for it as soon as there is something to embed.
            names: for tables and JSON, what fields are called there: ``{"abstract": "AB"}``.
            source: what the files are parts of, such as ``arxiv:kelp``, or what tells that of
                a file's path; empty: each is known by its own path.

        Raises:
            InputError: there is nothing to read.
            StoreBusyError: another process is writing.
            StoreError: the folder cannot hold this library.
        """
        begun = time.monotonic()
        failed: list[Failure] = []
        paths = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
        records = (Record(*row) for row in read(paths, failed.append, names, source))
        counts: Counter[str] = Counter()
        total = None
        # Nothing is made for files that hold no paper.
        for first in islice(records, 1):
            store = self._open_store(create=True)
            with store.writing():
                intake = Intake(store.related, store.hashes, failed.append)
                for plan in intake.plans(chain([first], records), _BATCH):
                    self._write(plan)
                    counts += plan.outcomes
                    if on_progress:
                        if plan.known:
                            total = total or _count(paths, names)
                        on_progress(counts.total(), total)
                store.note_ingest()
        return IngestReport(
            added=counts["added"],
            updated=counts["updated"],
            unchanged=counts["unchanged"],
            failed=tuple(failed),
            seconds=round(time.monotonic() - begun, 3),
        )

    def search(self, question: str, k: int = 10, where: Filter | None = None) -> list[Hit]:
        """The ``k`` nearest papers, best first, each with its best passage.

        Args:
            question: in plain words.
            k: papers at most.
            where: the papers that count; None: all. Fewer than ``k`` may be left, or none.

        Raises:
            InputError: the question is empty or too long, or ``k`` is not positive.
            StoreError: there is no library to search.
        """
        from rag.retrieval import retrieve

        question = clean_question(question)
        if k < 1:
            raise InputError(f"cannot find {k} papers; ask for 1 or more")
        return retrieve(self.store, self.embedder, question, k, where)

    def unmatched(self, where: Filter) -> list[str]:
        """What of a filter no paper has (a venue, a keyword, ids, years), a line each."""
        return self.store.unmatched(where)

    def facets(self, most: int = 20, on_progress: OnCount = None) -> tuple[Facet, ...]:
        """Frequent topics, years, venues, keywords; papers unread yet are counted and read."""
        return self.store.topical.facets(most, on_progress)

    def papers(self, ids: Collection[str]) -> dict[str, Paper]:
        """Those papers of ``ids`` that the library holds."""
        return self.store.papers(ids)

    def status(self) -> StoreStatus:
        """What the library holds and which model embedded it."""
        papers, passages = self.store.counts()
        name = self.embedder.name
        return StoreStatus(
            str(self.path), papers, passages, name, __version__, *self.store.facts(),
            server=self.settings.chroma_url,
        )  # fmt: skip

    def remove(self, ids: Iterable[str]) -> Removal:
        """Take papers out of the library, by their ids.

        Raises:
            StoreBusyError: another process is writing.
            StoreError: there is no library, or it cannot be written to.
        """
        wanted = dict.fromkeys(ids)
        held = self.store.hashes(list(wanted))
        found = tuple(paper_id for paper_id in wanted if paper_id in held)
        if found:
            self.store.remove(found)
        return Removal(found, tuple(paper_id for paper_id in wanted if paper_id not in held))

    def prune(
        self,
        missing_from: Paths,
        *,
        dry_run: bool = False,
        skip_failed: bool = False,
        names: Mapping[str, str] | None = None,
        on_progress: Callable[[int, int | None], None] | None = None,
    ) -> PruneReport:
        """Take out the papers that stand in none of the files.

        Args:
            missing_from: the files that name what is to stay; read as ``ingest`` reads them.
            dry_run: change nothing, only tell.
            skip_failed: go on though records cannot be read; their papers may be taken out.
            names: for tables and JSON, what fields are called there: ``{"abstract": "AB"}``.
            on_progress: called with the papers found in the files so far.

        Raises:
            InputError: a file or, without ``skip_failed``, a record of it cannot be read.
            StoreBusyError: another process is writing.
        """
        failed: list[Failure] = []
        kept: set[str] = set()
        store = self.store
        with nullcontext() if dry_run else store.writing():
            records = (Record(*row) for row in read(missing_from, failed.append, names))
            intake = Intake(store.related, store.hashes, failed.append)
            for plan in intake.plans(records, _BATCH):
                kept |= plan.known.keys() | plan.gone | plan.same
                if on_progress:
                    on_progress(len(kept), None)
            if failed and not skip_failed:
                raise InputError(
                    f"{len(failed)} records cannot be read, first {failed[0].where}: "
                    f"{failed[0].reason}; mend them or prune with --skip-failed"
                )
            missing = [paper.id for paper in store.all_papers() if paper.id not in kept]
            if missing and not dry_run:
                store.remove(missing)
        total = store.counts()[0] - (len(missing) if dry_run else 0)
        return PruneReport(tuple(missing), total, tuple(failed), dry_run)

    def export(self, form: Format = "jsonl") -> Iterator[str]:
        """All papers as text, a piece for each; ``ingest`` takes it in again unchanged."""
        return export(self.store.all_papers(), form)

    def rebuild(
        self, on_progress: Callable[[int, int | None], None] | None = None
    ) -> RebuildReport:
        """Make Chroma and the lexical index anew from the ledger; nothing is embedded again.

        Args:
            on_progress: called with the passages indexed and their total, over both indexes.

        Raises:
            StoreBusyError: another process is writing.
            StoreError: the ledger is damaged, or the folder cannot be written to.
        """
        begun = time.monotonic()
        self.store.rebuild(on_progress or (lambda _done, _total: None))
        return RebuildReport(*self.store.counts(), round(time.monotonic() - begun, 3))

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
                if self.settings.chroma_url:
                    self._store = SharedStore.attach(self.settings, self.embedder, create=create)
                else:
                    self._store = Store.open(self.path, self.embedder, create=create)
            return self._store

    def _write(self, plan: Plan) -> None:
        """Write what is new or changed; what was embedded before is not embedded again."""
        ids = [*plan.known, *plan.gone]
        held = self.store.papers(ids)
        papers = [known.paper for known in plan.known.values()]
        changed = [
            paper
            for paper in papers
            if paper.id not in held or paper.content_hash != held[paper.id].content_hash
        ]
        if ids:
            made = self._embedded(changed, held, self.store.vectors(ids))
            self.store.write(made, plan.known, plan.gone)

    def _embedded(
        self, papers: list[Paper], held: Mapping[str, Paper], vectors: Mapping[str, np.ndarray]
    ) -> list[tuple[Paper, list[Passage], np.ndarray]]:
        """The papers with passages and vectors: those held of the same text, or new ones."""
        texts = {(paper.title, paper.abstract): paper_id for paper_id, paper in held.items()}
        known = {p.id: vectors.get(texts.get((p.title, p.abstract), "")) for p in papers}
        parts = {paper.id: split_paper(paper) for paper in papers}
        fresh = [paper for paper in papers if known[paper.id] is None]
        if fresh:
            encoded = self.embedder.encode(
                [f"{paper.title}. {part.text}" for paper in fresh for part in parts[paper.id]]
            )
            ends = np.cumsum([len(parts[paper.id]) for paper in fresh])
            rows = np.split(encoded, ends[:-1])
            known |= {paper.id: row for paper, row in zip(fresh, rows, strict=True)}
        return [(paper, parts[paper.id], known[paper.id]) for paper in papers]  # type: ignore[misc]


def _count(paths: Sequence[str | os.PathLike[str]], names: Mapping[str, str] | None) -> int | None:
    """How many records the files hold; None where they can be read but once."""
    if all(Path(path).is_file() or Path(path).is_dir() for path in paths):
        with suppress(InputError):
            return sum(1 for _ in read(paths, lambda _failure: None, names))
    return None
