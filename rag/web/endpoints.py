"""The page's own API, for ``gradio_client``: /ask, /search, /check, /ingest; and its limits."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rag.errors import RagError
from rag.render import to_dict
from rag.web.limits import Limits
from rag.web.programs import Programs
from rag.web.site import Site
from rag.web.uploads import uploaded
from rag.web.visitors import visitor_of

if TYPE_CHECKING:
    import gradio as gr

LIMITED = ("ask", "check", "ingest")
"""Events with these ``concurrency_id``s cost work, and are counted for each visitor."""


def endpoints(site: Site) -> None:
    """Declare the endpoints in the ``gr.Blocks`` that is being made."""
    import gradio as gr

    programs = Programs(site)

    def ask(question: str, collection: str = "") -> dict[str, Any]:
        """Answer a question; returns the document of `rag ask --json`."""
        with _told():
            document: dict[str, Any] = to_dict(programs.answer(question, collection))
        return document

    def search(question: str, k: int = 10, collection: str = "") -> list[dict[str, Any]]:
        """List the nearest papers; returns the rows of `rag search --json`."""
        with _told():
            rows: list[dict[str, Any]] = to_dict(programs.search(question, k, collection))
        return rows

    def check(text: str, collection: str = "") -> dict[str, Any]:
        """Check a text sentence by sentence; returns the document of `rag check FILE --json`."""
        with _told():
            document: dict[str, Any] = to_dict(programs.check(text, collection))
        return document

    def ingest(file: Any, collection: str = "") -> dict[str, Any]:
        """Take in the papers of an uploaded file; returns the report of `rag ingest --json`."""
        with _told():
            report: dict[str, Any] = to_dict(programs.ingest(uploaded(file["path"]), collection))
        return report

    # Gradio reads the type, and cannot look up a name that is imported here.
    ingest.__annotations__["file"] = gr.FileData
    for endpoint, work in ((ask, "ask"), (search, "ask"), (check, "check"), (ingest, "ingest")):
        gr.api(endpoint, api_name=endpoint.__name__, concurrency_id=work)


def hold(blocks: gr.Blocks, limits: Limits) -> None:
    """Count the events of the page that cost work; one too many ends with a line that says so."""
    for event in blocks.fns.values():
        if event.concurrency_id in LIMITED and event.fn is not None:
            event.fn = _limited(event.fn, limits)


def _limited(fn: Callable[..., Any], limits: Limits) -> Callable[..., Any]:
    """``fn`` within a turn of whoever sends the request; of the same kind, as Gradio looks."""

    @functools.wraps(fn)
    async def stepwise(*args: Any) -> AsyncIterator[Any]:
        with _turn(limits):
            async for step in fn(*args):
                yield step

    @functools.wraps(fn)
    def steps(*args: Any) -> Iterator[Any]:
        with _turn(limits):
            yield from fn(*args)

    @functools.wraps(fn)
    def once(*args: Any) -> Any:
        with _turn(limits):
            return fn(*args)

    if inspect.isasyncgenfunction(fn):
        return stepwise
    return steps if inspect.isgeneratorfunction(fn) else once


@contextmanager
def _turn(limits: Limits) -> Iterator[None]:
    from gradio.context import LocalContext

    with _told(), limits.turn(visitor_of(LocalContext.request.get(None)).counted_as):
        yield


@contextmanager
def _told() -> Iterator[None]:
    """An error for people reaches them; of any other Gradio says no more than that it was one."""
    import gradio as gr

    try:
        yield
    except RagError as error:
        raise gr.Error(str(error), print_exception=False) from error
