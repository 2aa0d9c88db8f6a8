"""A library's folder: what must be true of it, and what to say where it is not."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from rag import tables
from rag.errors import RagError, StoreError
from rag.ledger import Ledger
from rag.reports import Sizes

LEDGER = "ledger.sqlite3"
LOCK = "write.lock"
WRITER = "writer.pid"
CHROMA = "chroma"
LEXICAL = "lexical"
_OURS = {LEDGER, LOCK, WRITER, "ledger.new", "fetch"}
ANEW = "rag ingest FILES --store NEW_FOLDER"
_LITTLE = 64_000_000  # bytes free below which a failed write is the full disk's


def busy(path: Path) -> str:
    """Who is in the way."""
    try:
        who = f"process {int((path / WRITER).read_text())}"
    except (OSError, ValueError):
        who = "another process"
    return f"{who} is writing to the library at {path}; wait until it is done"


def unwritable(path: Path, reason: str | None) -> str:
    """Why nothing can be written, and what to do."""
    return (
        f"cannot write to the library at {path}: {reason}; copy the folder to where you can "
        "write, or make it writable"
    )


def require_folder(path: Path, create: bool) -> None:
    """Refuse a folder that is no library of ours, nor can become one."""
    if path.exists() and not path.is_dir():
        raise StoreError(f"the library {path} is a file; name a folder with --store")
    if (path / LEDGER).exists():
        return
    if path.exists() and any(entry.name not in _OURS for entry in path.iterdir()):
        raise StoreError(f"{path} holds other files and no library; name an empty folder")
    if not create:
        raise StoreError(f"no library at {path}; make one: rag ingest FILE")


def create(path: Path, fingerprint: str, dimension: int) -> None:
    """Make an empty library."""
    path.mkdir(parents=True, exist_ok=True)
    with FileLock(path / LOCK, timeout=10):  # two processes may find the folder empty
        if not (path / LEDGER).exists():
            tables.create(path / LEDGER, fingerprint, dimension)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Say why an index could not be changed, and what to do."""
    try:
        yield
    except RagError:
        raise
    except Exception as error:  # Chroma and tantivy have many types for a full disk
        what, advice = f"{type(error).__name__}: {error}", "check the disk"
        if shutil.disk_usage(path).free < _LITTLE:
            what, advice = "the disk is full", "make room"
        raise StoreError(
            f"cannot write the search indexes in {path}: {what}; {advice} and run the command "
            "again (nothing is lost; should it fail again: rag rebuild)"
        ) from error


def sizes(path: Path) -> Sizes:
    """Bytes that the parts take."""
    ledger = sum(_size(file) for file in path.glob(f"{LEDGER}*"))
    return Sizes(ledger, *(_under(path / name) for name in (CHROMA, LEXICAL)))


def _under(folder: Path) -> int:
    return sum(_size(file) for file in folder.rglob("*"))


def _size(file: Path) -> int:
    try:
        return file.stat().st_size if file.is_file() else 0
    except OSError:  # an index that is being written loses files meanwhile
        return 0


def require_model(place: str, found: str, fingerprint: str, anew: str) -> None:
    """Refuse a library that another model embedded, or this one in another precision.

    Args:
        place: the folder or the server of the library.
        found: the fingerprint that the library names.
        fingerprint: what is in use.
        anew: how its files are taken in anew, to end the message.

    Raises:
        StoreError: the two differ.
    """
    if fingerprint.startswith(f"{found}/"):  # the same model, before its precision was named
        raise StoreError(
            f"the library at {place} was embedded by an older Footnote, in another precision; "
            f"take its files in anew: {anew}"
        )
    if found != fingerprint:
        raise StoreError(
            f"the library at {place} was embedded with {found}, not with {fingerprint}; set "
            "RAG_EMBEDDING to that model (unset: the built-in one), or take its files in anew: "
            f"{anew}"
        )


def require_match(path: Path, ledger: Ledger, fingerprint: str) -> None:
    """Bring an older store up to date; refuse one of another model or a newer version.

    Raises:
        StoreError: it cannot be used, or not written to though it must be migrated.
    """
    schema = ledger.meta("schema")
    if schema not in range(1, tables.SCHEMA_VERSION + 1):
        raise StoreError(
            f"the library at {path} has schema {schema}, this Footnote reads "
            f"{tables.SCHEMA_VERSION}; upgrade Footnote, or ingest the papers into a new folder"
        )
    require_model(str(path), str(ledger.meta("fingerprint")), fingerprint, ANEW)
    if schema == tables.SCHEMA_VERSION:
        return
    if not ledger.writable:
        raise StoreError(
            f"the library at {path} was made by an older Footnote and cannot be written to; copy "
            "it to where you can write and run: rag status --store COPY"
        )
    with FileLock(path / LOCK, timeout=0):
        ledger.migrate()


def require_own(path: Path, ledger: Ledger) -> None:
    """Refuse a folder that is but a node's copy of a library on a server."""
    if ledger.meta("library"):
        raise StoreError(
            f"{path} is a copy of the library at {ledger.meta('server')}; set RAG_CHROMA_URL to "
            "it, or name another folder with --store"
        )


def require_copy(path: Path, ledger: Ledger, url: str) -> None:
    """Refuse a folder with papers of its own as the copy of a library on a server."""
    if not ledger.meta("library") and any(ledger.counts()):
        raise StoreError(
            f"{path} is a library of its own, not a copy of the one at {url}; name another folder "
            "with --store, or unset RAG_CHROMA_URL (to share its papers: rag export, rag ingest)"
        )
