"""``rag fetch``: papers from the public APIs of arXiv and PubMed into the collection."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rag.errors import InputError
from rag.fetch import Request, Service
from rag.render import ingested_to_terminal
from rag.session import Debug, Json, Session, Store, session, tell


def fetch(
    service: Annotated[Service, typer.Argument(metavar="arxiv|pubmed", help="Whom to ask.")],
    query: Annotated[
        str,
        typer.Argument(
            metavar="QUERY", help="Words that papers are to have, or the service's own language."
        ),
    ],
    limit: Annotated[
        int, typer.Option("--max", min=1, metavar="N", help="Papers at most, the best first.")
    ] = 100,
    store: Store = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Find papers at arXiv or PubMed and take them in.

    The query is sent there, and nothing else. What was fetched is kept until it is taken in:
    after an interruption the same command goes on.
    """
    with session(as_json, debug, store=store) as run:
        from rag.library import Library

        request = Request.of(service, query, limit, run.settings)
        pages = _pages(run, request)
        with Library.open(settings=run.settings) as library, run.progress("papers") as count:
            report = library.ingest(pages, on_progress=count)
        request.forget()
        run.show(report, ingested_to_terminal(report))
        if report.failed and not report.added + report.updated + report.unchanged:
            first = report.failed[0]
            raise InputError(f"nothing was taken in; first: {first.where}: {first.reason}")


def _pages(run: Session, request: Request) -> list[Path]:
    try:
        with run.progress("papers fetched") as count:
            return request.pages(run.settings, count, lambda line: tell("notice", line))
    except KeyboardInterrupt:
        tell("notice", "the pages fetched so far are kept; the same command goes on from there")
        raise
