"""A library as the page shows it: a page of its papers, its sizes, files taken in."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from rag import folder
from rag.errors import InputError
from rag.filters import Filter
from rag.library import Library
from rag.types import Failure, Hit, IngestReport, StoreStatus
from rag.web.boxes import filter_of
from rag.web.jobs import Job
from rag.web.library_html import PAGE, Listing, Row

MOST_FOUND = 100
"""Papers that a search shows; who looks further asks otherwise."""


@dataclass(frozen=True, slots=True)
class Query:
    """What a reader wants to see of a library."""

    question: str = ""
    where: Filter | None = None
    page: int = 0


def query_of(question: str, *boxes: str | None, page: int = 0) -> Query:
    """What the boxes of the page ask for: the question, and the limits as ``filter_of`` has them.

    Raises:
        InputError: a year is none, or the years are reversed.
    """
    return Query(question.strip(), filter_of(*boxes), max(page, 0))


def is_new(library: Library) -> bool:
    """Whether nothing was ever put into it, so that there is nothing to read."""
    return not library.settings.chroma_url and not (library.path / folder.LEDGER).exists()


def status(library: Library) -> StoreStatus | None:
    """What the library holds; None for a new one."""
    return None if is_new(library) else library.status()


def listing(library: Library, query: Query) -> Listing:
    """One page of what ``query`` asks for.

    Raises:
        RagError: the library cannot be read, or the question is too long.
    """
    if is_new(library):
        return Listing((), 0, 0)
    start = PAGE * query.page
    if query.question:
        hits = library.search(query.question, MOST_FOUND, query.where)
        rows, total = [_found(hit) for hit in hits[start : start + PAGE]], len(hits)
    else:
        within = library.store.matching(query.where) if query.where else None
        total = library.store.counts()[0] if within is None else len(within)
        rows = [Row(paper) for paper in library.store.listed(start, PAGE, within)]
    if not rows and query.page:  # others have removed papers meanwhile
        return listing(library, replace(query, page=0))
    hints = library.unmatched(query.where) if query.where and not total else ()
    return Listing(tuple(rows), start, total, query.question, str(query.where or ""), tuple(hints))


def _found(hit: Hit) -> Row:
    span = (hit.passage.start, hit.passage.end)
    # A short abstract is one passage: to mark all of it would say nothing.
    return Row(hit.paper, () if span == (0, len(hit.paper.abstract)) else (span,))


def take_in(library: Library, files: Iterable[str], job: Job[IngestReport]) -> IngestReport:
    """Ingest uploaded files, known by their names alone, and delete them.

    Raises:
        RagError: nothing could be read, or the library cannot be written to.
    """
    paths = [Path(file) for file in files]

    def named(text: str) -> str:
        for path in paths:
            text = text.replace(f"{path.parent}/", "")
        return text

    try:
        report = library.ingest(
            paths, on_progress=job.tell, source=lambda path: f"uploaded/{PurePath(path).name}"
        )
    except InputError as error:
        raise InputError(named(str(error))) from error
    finally:
        discard(paths)
    failed = tuple(Failure(named(f.where), named(f.reason)) for f in report.failed)
    return replace(report, failed=failed)


def discard(files: Iterable[str | Path]) -> None:
    """Delete uploaded files and the folders that they alone lay in."""
    for path in map(Path, files):
        with suppress(OSError):
            path.unlink(missing_ok=True)
            path.parent.rmdir()
