"""The sample collection: what a newcomer asks before there is a library of their own.

It lives in a folder of its own, so that its digests never mix with anyone's papers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from rag import __version__, resources
from rag.errors import StoreBusyError
from rag.library import Library
from rag.loaders import load_papers
from rag.settings import Settings
from rag.types import StoreStatus

NOTICE = "No library of your own yet: using the sample collection. Add papers: rag ingest FILE"


def path() -> Path:
    """The sample collection's file, JSON Lines."""
    return resources.path("sample/medical_imaging.jsonl")


def questions() -> tuple[str, ...]:
    """Questions to try on the sample collection."""
    return tuple(resources.path("sample/questions.txt").read_text(encoding="utf-8").splitlines())


def status(settings: Settings, tell: Callable[[str], None]) -> StoreStatus:
    """What a library of one's own holds: nothing where the sample stands in for it.

    The sample is not opened: to load it takes a while, and may send it to a remote model.
    """
    with Library.open(settings=settings) as library:
        if not stands_in(settings):
            return library.status()
        tell(NOTICE)
        return StoreStatus(str(library.path), 0, 0, library.embedder.name, __version__)


def stands_in(settings: Settings) -> bool:
    """Whether the sample is what commands open: no store is named and none exists.

    What an interrupted fetch left in its folder is no store yet.
    """
    if "store" in settings.model_fields_set or settings.chroma_url:
        return False
    if not settings.store.is_dir():
        return True
    return all(entry.name == "fetch" for entry in settings.store.iterdir())


def folder(settings: Settings) -> Path:
    """Where the sample's library is: another one for each model, as none can read another's."""
    from rag.embedding import load_embedder

    digest = hashlib.sha256(load_embedder(settings).fingerprint.encode()).hexdigest()
    return settings.store.parent / f"sample-{digest[:8]}"


def open_library(settings: Settings, tell: Callable[[str], None]) -> Library:
    """Open the settings' library, or the sample where no store is named and none exists.

    Args:
        settings: a store that they name explicitly is opened as it is.
        tell: called with lines for people: that this is the sample, and progress.
    """
    if not stands_in(settings):
        return Library.open(settings=settings)
    tell(NOTICE)
    library = Library.open(folder(settings), settings=settings)
    # A second process may be loading it right now; what is there can be read meanwhile.
    with suppress(StoreBusyError):
        _load(library, tell)
    return library


def remark(library: Library) -> str:
    """What readers of the sample must know; empty if the library does not hold it."""
    first = next(load_papers(path(), lambda _: None))
    held = library.papers([first.id]).get(first.id)
    return held.note if held else ""


def _load(library: Library, tell: Callable[[str], None]) -> None:
    if library.path.is_dir() and any(library.path.iterdir()):
        papers = {paper.id: paper.content_hash for paper in load_papers(path(), lambda _: None)}
        if library.store.hashes(list(papers)) == papers:
            return
    tell("Loading the sample collection, once (some seconds)")
    library.ingest(path(), on_progress=lambda done, _: tell(f"  {done} papers"))
