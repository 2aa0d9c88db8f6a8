"""A library on a Chroma server: its rows, and the journal that tells nodes what has changed.

Passages are rows of one collection; the first of each paper carries the whole paper, with its
records and the offsets of its passages. A paper's rows are written in one request, so that it
is there as it was or as it is to be. The journal has an entry for each change, numbered
without gaps: *begun* before the first row is touched, *done* after the last.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection as Sized
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from rag import folder
from rag.errors import StoreError
from rag.identity import Keys
from rag.records import Held, Known
from rag.remote import PAGE, Collection, Metadata, Server
from rag.types import Paper, Passage

_PASSAGES, _JOURNAL = "footnote-passages", "footnote-journal"
_LAYOUT = 1
_HEAD = "head"
_KEPT = 10_000  # entries of the journal; a node that missed more reads everything
_PART = 4000  # characters of one value: Chroma Cloud takes 4096 bytes
_EF_SEARCH = 200  # as in a library of one's own

Written = tuple[Known, Sequence[Passage], "np.ndarray | None"]
"""A paper, its passages and their vectors, (passages, d); None where these stay."""


@dataclass(frozen=True, slots=True)
class Head:
    """Where the journal stands."""

    generation: int = 0
    """The last change that is done."""
    oldest: int = 1
    """The first change of which there still is an entry."""
    papers: int = 0
    passages: int = 0
    last_ingest: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """An entry of the journal."""

    generation: int
    done: bool
    papers: tuple[str, ...]
    """Papers written or removed."""
    rows: tuple[str, ...]
    """The rows that these papers had or were to have."""


class Shelf:
    """One library on a server."""

    def __init__(self, server: Server, passages: Collection, journal: Collection) -> None:
        self.server = server
        self.id = str(journal.metadata.get("library"))
        self.fingerprint = str(passages.metadata.get("fingerprint"))
        self.dimension = int(passages.metadata.get("dimension", 0))
        self._passages, self._journal = passages.id, journal.id
        layout = passages.metadata.get("layout")
        if passages.space != "cosine" or layout != _LAYOUT:
            raise StoreError(
                f"the library at {server.url} has layout {layout} and distances "
                f"{passages.space!r}; expected {_LAYOUT} and 'cosine': upgrade Footnote, or choose "
                "another RAG_CHROMA_DATABASE"
            )

    @classmethod
    def find(cls, server: Server) -> Shelf | None:
        """The library on the server, if there is one."""
        passages = server.collection(_PASSAGES)
        if passages is None:
            return None
        journal = server.collection(_JOURNAL)
        if journal is None:  # it is made first
            raise StoreError(
                f"the library at {server.url} has lost its journal; restore a copy of the server's "
                "folder, or choose another RAG_CHROMA_DATABASE and ingest the papers again"
            )
        return cls(server, passages, journal)

    def require_model(self, fingerprint: str) -> None:
        """Refuse a library of another model."""
        anew = "choose another RAG_CHROMA_DATABASE and rag ingest FILES"
        folder.require_model(self.server.url, self.fingerprint, fingerprint, anew)

    @classmethod
    def make(cls, server: Server, fingerprint: str, dimension: int) -> Shelf:
        """Put an empty library on the server; the caller holds the lease."""
        server.drop(_JOURNAL)  # what a killed process left half made
        server.create(_JOURNAL, {"library": uuid.uuid4().hex})
        facts: Metadata = {"fingerprint": fingerprint, "dimension": dimension, "layout": _LAYOUT}
        index = {"hnsw": {"space": "cosine", "ef_search": _EF_SEARCH}}
        server.create(_PASSAGES, facts, index)
        found = cls.find(server)
        assert found, "both collections were made"
        return found

    # --- reading ------------------------------------------------------------------------

    def head(self) -> Head:
        """Where the journal stands now."""
        rows = self.server.metadatas(self._journal, [_HEAD])
        return Head(**rows[_HEAD]) if rows else Head()  # type: ignore[arg-type]

    def changes(self, first: int, last: int) -> list[Change]:
        """The entries with these numbers that are there, in order."""
        ids = [_entry_id(n) for n in range(first, last + 1)]
        rows = self.server.metadatas(self._journal, ids)
        return [_change(rows[name]) for name in ids if name in rows]

    def papers(self, ids: Sequence[str]) -> list[tuple[Known, list[Passage]]]:
        """Those of the papers that are there, as they are now."""
        rows = self.server.metadatas(self._passages, [_first_row(name) for name in ids])
        return [unpack(row) for row in rows.values()]

    def all_papers(self) -> Iterator[list[tuple[Known, list[Passage]]]]:
        """All papers, page by page; a removal meanwhile may hide others."""
        for rows in self.server.all_metadatas(self._passages):
            yield [unpack(row) for row in rows.values() if "parts" in row]

    def vectors(self, passage_ids: Sequence[str]) -> dict[str, np.ndarray]:
        """The vectors of those passages that are there."""
        return self.server.vectors(self._passages, passage_ids)

    def nearest(
        self, vector: np.ndarray, n: int, within: Sequence[str] | None = None
    ) -> list[tuple[str, float]]:
        """The ``n`` nearest passages of a unit vector (d,): (id, cosine), best first.

        Args:
            within: the papers that count; None: all.
        """
        where = None if within is None else {"paper_id": {"$in": within}}
        found = self.server.nearest(self._passages, vector, n, where)
        return [(passage_id, 1.0 - distance) for passage_id, distance in found]

    # --- writing; the caller holds the lease --------------------------------------------

    def begin(self, change: Change) -> None:
        """Announce a change: who finds it not done finishes it."""
        row = _change_row(replace(change, done=False))
        self.server.put(self._journal, [_entry_id(change.generation)], [_dot(1)], [row])

    def write(self, written: Sequence[Written]) -> None:
        """Put papers in their place, whole papers at a time."""
        fresh = [(known, parts, v) for known, parts, v in written if v is not None]
        batch: list[tuple[str, np.ndarray, Metadata]] = []
        for known, parts, vectors in fresh:
            rows = [_row(known, parts, number) for number in range(len(parts))]
            if batch and len(batch) + len(rows) > PAGE:
                self._put(batch)
                batch = []
            batch += [(p.id, v, r) for p, v, r in zip(parts, vectors, rows, strict=True)]
        self._put(batch)
        kept = [(_first_row(known.paper.id), _row(known, parts, 0))
                for known, parts, v in written if v is None]  # fmt: skip
        for start in range(0, len(kept), PAGE):
            part = kept[start : start + PAGE]
            self.server.amend(self._passages, [name for name, _ in part], [row for _, row in part])

    def delete(self, passage_ids: Sized[str]) -> None:
        """Take passages out."""
        self.server.delete(self._passages, sorted(passage_ids))

    def finish(self, change: Change, head: Head) -> None:
        """Record that a change is done, and drop entries that are too old."""
        oldest = max(head.oldest, change.generation - _KEPT)
        rows = [_change_row(replace(change, done=True)), asdict(replace(head, oldest=oldest))]
        ids = [_entry_id(change.generation), _HEAD]
        self.server.put(self._journal, ids, [_dot(1), _dot(2)], rows)
        # Once the head says so: no node looks for them any more.
        self.server.delete(self._journal, [_entry_id(n) for n in range(head.oldest, oldest)])

    def note(self, head: Head) -> None:
        """Replace what the head says."""
        self.server.put(self._journal, [_HEAD], [_dot(2)], [asdict(head)])

    def _put(self, batch: Sequence[tuple[str, np.ndarray, Metadata]]) -> None:
        if batch:
            ids, vectors, rows = zip(*batch, strict=True)
            self.server.put(self._passages, ids, vectors, rows)


def _first_row(paper_id: str) -> str:
    return f"{paper_id}#0"


def _entry_id(generation: int) -> str:
    return f"g{generation:012d}"


def _dot(x: float) -> np.ndarray:
    return np.array([x], dtype=np.float32)  # the journal is never searched


# --- what a row says ----------------------------------------------------------------------


def pack(known: Known, passages: Sequence[Passage]) -> Metadata:
    """A paper as metadata: JSON in pieces, since values may not be long."""
    records = [
        [r.source, r.number, r.hash, asdict(r.keys), _said(known.paper, r)] for r in known.records
    ]
    spans = [[p.id, p.start, p.end] for p in passages]
    whole = {"paper": asdict(known.paper), "records": records, "passages": spans}
    return _pieces(whole)


def unpack(row: Mapping[str, object]) -> tuple[Known, list[Passage]]:
    """The inverse of ``pack``."""
    whole = _joined(row)
    paper = _paper(whole["paper"])
    records = tuple(
        Held(source, number, found, Keys(**keys), _told(paper, said, keys["given"]))
        for source, number, found, keys, said in whole["records"]
    )
    passages = [
        Passage(name, paper.id, paper.abstract[start:end], start, end)
        for name, start, end in whole["passages"]
    ]
    return Known(paper, records), passages


def _said(paper: Paper, record: Held) -> object:
    """What a record says, as JSON; most papers have one record, which needs not be repeated."""
    if record.paper is None:
        return None
    return True if record.paper == _plain(paper, record.keys.given) else asdict(record.paper)


def _told(paper: Paper, said: object, given: str) -> Paper | None:
    if said is None:
        return None
    return _plain(paper, given) if said is True else _paper(said)


def _plain(paper: Paper, given: str) -> Paper:
    return replace(paper, id=given, sources=())


def _paper(fields: object) -> Paper:
    values = dict(fields)  # type: ignore[call-overload]
    for name in ("authors", "keywords", "sources"):
        values[name] = tuple(values[name])
    return Paper(**values)


def _row(known: Known, passages: Sequence[Passage], number: int) -> Metadata:
    p = passages[number]
    row: Metadata = {"paper_id": p.paper_id, "text": p.text, "start": p.start, "end": p.end}
    return row | (pack(known, passages) if number == 0 else {})


def _change(row: Metadata) -> Change:
    whole = _joined(row)
    papers, rows = tuple(whole["papers"]), tuple(whole["rows"])
    return Change(int(row["generation"]), bool(row["done"]), papers, rows)


def _change_row(change: Change) -> Metadata:
    whole = {"papers": change.papers, "rows": change.rows}
    return {"generation": change.generation, "done": change.done} | _pieces(whole)


def _pieces(whole: object) -> Metadata:
    # ASCII, so that characters are bytes; counted, since a replaced row keeps what it had more.
    text = json.dumps(whole, separators=(",", ":"))
    pieces = [text[start : start + _PART] for start in range(0, len(text), _PART)]
    return {"parts": len(pieces), **{f"part{n}": piece for n, piece in enumerate(pieces)}}


def _joined(row: Mapping[str, object]) -> dict:
    return dict(json.loads("".join(str(row[f"part{n}"]) for n in range(int(str(row["parts"]))))))
