"""``rag fetch``: papers from the public APIs of arXiv and PubMed into the collection."""

from __future__ import annotations

from typing import Annotated

import typer

from rag.errors import InputError, StoreBusyError
from rag.fetch import Request, Service
from rag.render import ingested_to_terminal
from rag.reports import IngestReport
from rag.session import AGAIN, Debug, Json, Session, Store, session, tell


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
    with session(as_json, debug, AGAIN, store=store) as run:
        request = Request.of(service, query, limit, run.settings)
        with request.alone():
            report = _taken_in(run, request)
        run.show(report, ingested_to_terminal(report))
        if report.failed and not report.added + report.updated + report.unchanged:
            first = report.failed[0]
            raise InputError(f"nothing was taken in; first: {first.where}: {first.reason}")


def _taken_in(run: Session, request: Request) -> IngestReport:
    from rag.library import Library

    try:
        with run.progress("papers fetched") as count:
            pages = request.pages(run.settings, count, lambda line: tell("notice", line))
        with Library.open(settings=run.settings) as library, run.progress("papers") as count:
            report = library.ingest(pages, on_progress=count, source=request.source)
    except (KeyboardInterrupt, StoreBusyError):
        tell("notice", "the pages fetched so far are kept; the same command goes on from there")
        raise
    request.forget()
    return report
