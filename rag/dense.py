"""The dense index: passages and their vectors in Chroma, built from the ledger."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Collection, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from rag.ledger import Entry
from rag.types import Passage

_COLLECTION = "passages"
_WRITE = 50  # passages per write: it blocks the readers of this process while it lasts
_EF_SEARCH = 200  # candidates that a search of the graph keeps; read when it is opened
_OPENING = threading.Lock()
_in_use: set[str] = set()


class DenseIndex:
    """A cosine index of unit vectors. One writer per folder at a time, kept by the store.

    The methods raise whatever Chroma raises where the folder is missing or damaged.
    """

    def __init__(self, path: Path, fingerprint: str, dimension: int) -> None:
        self._path = path
        self._metadata = {"fingerprint": fingerprint, "dimension": dimension}
        self._lock = threading.RLock()
        self._client: Any = None
        self._collection: Any = None
        self._spelling = ""

    def create(self) -> None:
        """Replace whatever is there by an empty index."""
        with self._lock:
            self.close()
            shutil.rmtree(self._path, ignore_errors=True)
            self._path.mkdir(parents=True)
            self._connect()
            self._collection = self._client.create_collection(
                _COLLECTION,
                metadata=self._metadata,
                configuration={"hnsw": {"space": "cosine", "ef_search": _EF_SEARCH}},
                embedding_function=None,
            )

    def reload(self) -> None:
        """Open the index as it is now on disk: an open one never sees others' writes."""
        with self._lock:
            self.close()
            if not (self._path / "chroma.sqlite3").exists():
                raise ValueError(f"no index in {self._path}")
            self._connect()
            collection = self._client.get_collection(_COLLECTION, embedding_function=None)
            space = collection.configuration["hnsw"]["space"]
            if space != "cosine" or collection.metadata != self._metadata:
                raise ValueError(f"another kind of index in {self._path}")
            self._collection = collection

    def close(self) -> None:
        """Let go of the index."""
        with self._lock:
            client, self._client, self._collection = self._client, None, None
            if client is not None:
                client.close()
                with _OPENING:
                    _in_use.discard(self._spelling)

    def count(self) -> int:
        """Number of passages."""
        with self._lock:
            return int(self._collection.count())

    def search(self, vector: np.ndarray, n: int) -> list[tuple[str, float]]:
        """The ``n`` nearest passages of a unit vector (d,): (id, cosine), best first."""
        with self._lock:
            found = self._collection.query(
                query_embeddings=[vector], n_results=n, include=["distances"]
            )
        return [
            (passage_id, 1.0 - distance)
            for passage_id, distance in zip(found["ids"][0], found["distances"][0], strict=True)
        ]

    def change(
        self, _paper_ids: Collection[str], stale_ids: Sequence[str], entries: Sequence[Entry]
    ) -> None:
        """Delete the stale passages; add ``entries``, or replace those of the same id."""
        for start in range(0, len(stale_ids), _WRITE):
            with self._lock:
                self._collection.delete(ids=list(stale_ids[start : start + _WRITE]))
        for start in range(0, len(entries), _WRITE):
            part = entries[start : start + _WRITE]
            with self._lock:
                self._collection.upsert(
                    ids=[passage.id for passage, _, _ in part],
                    embeddings=[vector for _, _, vector in part],
                    metadatas=[_metadata(passage) for passage, _, _ in part],
                )

    def _connect(self) -> None:
        """Open a client that shares nothing with others of this process.

        Chroma hands all clients of one path string one system, with what it had read when it
        was opened; so each open index spells its path its own way.
        """
        import chromadb
        from chromadb.config import Settings

        with _OPENING:
            spellings = (f"{self._path.absolute()}{'/.' * n}" for n in count())
            self._spelling = next(name for name in spellings if name not in _in_use)
            self._client = chromadb.PersistentClient(
                self._spelling, settings=Settings(anonymized_telemetry=False)
            )
            _in_use.add(self._spelling)


def _metadata(passage: Passage) -> dict[str, str | int]:
    # The text too: as Chroma's "document" it would cost a second full-text index.
    return {
        "paper_id": passage.paper_id,
        "text": passage.text,
        "start": passage.start,
        "end": passage.end,
    }
