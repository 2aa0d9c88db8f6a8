"""A page on a free port of the loopback, for as long as a test or a module of tests needs it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from gradio_client import Client

import app
from rag.assistant import Assistant
from rag.library import Library
from rag.settings import Settings
from rag.web.access import Access
from rag.web.site import Collection, Site
from rag.writers import Writer
from tests.conftest import RECORDS
from tests.fakes import HashEmbedder

OPEN = Access()
get = partial(httpx.get, timeout=60)
post = partial(httpx.post, timeout=60)


def client(address: str, **options: Any) -> Client:
    """Gradio's own client, as patient as a busy machine needs it."""
    return Client(address, verbose=False, httpx_kwargs={"timeout": 60}, **options)


@contextmanager
def small_library(folder: Path, records: list[dict] = RECORDS) -> Iterator[Library]:
    """The records of ``conftest`` in a folder of their own."""
    folder.mkdir(exist_ok=True)
    source = folder / "records.jsonl"
    source.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    settings = Settings(store=folder / "library", _env_file=None)
    with Library(settings, HashEmbedder()) as opened:
        opened.ingest(source)
        yield opened


@contextmanager
def served(
    library: Library, access: Access = OPEN, writer: Writer | None = None, **site: object
) -> Iterator[str]:
    """A page over one collection; gives its address."""
    collections = (Collection("Tides", Assistant(library, writer)),)
    page = app.build(Site(collections, **site), access)  # type: ignore[arg-type]
    try:
        yield app.serve(page, "127.0.0.1", 0)
    finally:
        page.close()
