"""What work on a collection reports: counts, failures, sizes. Imports nothing of ours."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Failure:
    """One record that could not be taken in: where it stands and why."""

    where: str
    reason: str


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What one ingest did, counted in papers."""

    added: int
    updated: int
    unchanged: int
    failed: tuple[Failure, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes on disk of the parts of a store."""

    ledger: int = 0
    chroma: int = 0
    lexical: int = 0


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """What a store holds and what made it."""

    store: str
    papers: int
    passages: int
    embedding: str
    version: str
    sources: int = 0
    """Files that papers came from."""
    sizes: Sizes = Sizes()
    last_ingest: str | None = None
    """When an ingest last ended: UTC, ISO 8601."""
    server: str = ""
    """The Chroma server that shares it; empty: it is this machine's alone."""


@dataclass(frozen=True, slots=True)
class FacetValue:
    """A value that filters take, and how many papers have it."""

    value: str
    papers: int


@dataclass(frozen=True, slots=True)
class Facet:
    """One kind of values: a kind of topic, year, venue or keyword."""

    kind: str
    distinct: int
    """How many values there are; ``values`` may hold fewer."""
    values: tuple[FacetValue, ...]
    """The most frequent first."""


@dataclass(frozen=True, slots=True)
class Removal:
    """Papers taken out of a collection, and ids that it does not hold."""

    removed: tuple[str, ...]
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PruneReport:
    """What stands in none of the files: taken out, or on a trial only named."""

    removed: tuple[str, ...]
    kept: int
    failed: tuple[Failure, ...]
    dry_run: bool


@dataclass(frozen=True, slots=True)
class RebuildReport:
    """The indexes made anew from the ledger."""

    papers: int
    passages: int
    seconds: float


@dataclass(frozen=True, slots=True)
class ExportReport:
    """Where an export was written."""

    papers: int
    out: str


@dataclass(frozen=True, slots=True)
class References:
    """The references of an answer's sources."""

    format: str
    text: str
