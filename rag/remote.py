"""A Chroma server, spoken to by its HTTP interface (version 2), with limits on every wait.

Not by Chroma's own client: that one waits without end, at its making too, and takes a second
to import. Every request here may be sent twice without harm, so that one which a server's
restart has cut off is tried again.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np

from rag import __version__
from rag.errors import StoreError
from rag.settings import Settings
from rag.text import brief

if TYPE_CHECKING:
    from httpx import Response

LONGEST_WAIT = 20.0
"""Seconds that a request may take at most; leases rely on it."""
PAGE = 300
"""Rows in one request: what Chroma Cloud allows."""
_CONNECT = 5.0  # seconds
_PAUSE = 0.5  # seconds before the second attempt, doubled for each further one

Scalar = str | int | float | bool
Metadata = dict[str, Scalar]


class MissingError(StoreError):
    """What was asked for is not on the server."""


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection as the server describes it."""

    id: str
    metadata: Mapping[str, Scalar]
    space: str


class Server:
    """One database of a Chroma server. Threads may share it.

    ``guard`` is called before every request that writes rows; it may raise.
    """

    def __init__(self, settings: Settings) -> None:
        """Make the client; nothing is sent."""
        import httpx

        self.url = settings.chroma_url.rstrip("/")
        self.timeout = min(settings.timeout, LONGEST_WAIT)
        self._retries = settings.retries
        self._secret = settings.chroma_token
        self.guard: Callable[[], None] = lambda: None
        headers = {"User-Agent": f"footnote-rag/{__version__}"}
        if self._secret:  # a proxy reads the first, Chroma Cloud the second
            headers["Authorization"] = f"Bearer {self._secret}"
            headers["X-Chroma-Token"] = self._secret
        place = [
            quote(name, safe="") for name in (settings.chroma_tenant, settings.chroma_database)
        ]
        self._base = f"/tenants/{place[0]}/databases/{place[1]}/collections"
        self._http = httpx.Client(
            base_url=f"{self.url}/api/v2",
            headers=headers,
            timeout=httpx.Timeout(self.timeout, connect=min(_CONNECT, self.timeout)),
        )

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    # --- collections --------------------------------------------------------------------

    def time(self) -> float:
        """Seconds by the server's clock, the one that all nodes share."""
        return int(self._ask("GET", "/heartbeat")["nanosecond heartbeat"]) / 1e9

    def collection(self, name: str) -> Collection | None:
        """The collection of that name, if there is one."""
        try:
            return _collection(self._ask("GET", f"{self._base}/{quote(name)}"))
        except MissingError:
            return None

    def create(
        self, name: str, metadata: Metadata, configuration: Mapping[str, object] | None = None
    ) -> Collection | None:
        """Make a collection; None where there is one of that name. Of many callers, one wins."""
        body = {"name": name, "metadata": metadata, "configuration": configuration}
        made = self._ask("POST", self._base, body, taken=True)
        return _collection(made) if made else None

    def describe(self, collection_id: str, metadata: Metadata) -> None:
        """Replace a collection's metadata."""
        self._ask("PUT", f"{self._base}/{collection_id}", {"new_metadata": metadata})

    def drop(self, name: str) -> None:
        """Delete the collection of that name, if there is one."""
        try:
            self._ask("DELETE", f"{self._base}/{quote(name)}")
        except MissingError:
            return

    def drop_id(self, collection_id: str) -> None:
        """Delete a collection, and never a later one of its name."""
        # The server deletes by name only: this one gets a name that no other can have.
        name = f"footnote-ended-{collection_id}"
        try:
            self._ask("PUT", f"{self._base}/{collection_id}", {"new_name": name})
        except MissingError:
            return
        self.drop(name)

    # --- rows ---------------------------------------------------------------------------

    def count(self, collection_id: str) -> int:
        """Number of rows."""
        return int(self._ask("GET", f"{self._base}/{collection_id}/count"))

    def put(
        self,
        collection_id: str,
        ids: Sequence[str],
        vectors: Sequence[np.ndarray],
        metadatas: Sequence[Metadata],
    ) -> None:
        """Add rows or replace those of the same ids: all of them or none.

        What is replaced keeps metadata of names that the new row lacks.
        """
        body = {"ids": ids, "embeddings": [_encoded(v) for v in vectors], "metadatas": metadatas}
        self._write(f"{self._base}/{collection_id}/upsert", body)

    def amend(self, collection_id: str, ids: Sequence[str], metadatas: Sequence[Metadata]) -> None:
        """Set metadata of rows that are there."""
        body = {"ids": ids, "metadatas": metadatas}
        self._write(f"{self._base}/{collection_id}/update", body)

    def delete(self, collection_id: str, ids: Sequence[str]) -> None:
        """Delete rows; unknown ids are passed over."""
        for part in _parts(ids):
            self._write(f"{self._base}/{collection_id}/delete", {"ids": part})

    def metadatas(self, collection_id: str, ids: Sequence[str]) -> dict[str, Metadata]:
        """The metadata of those rows that are there, by id."""
        found: dict[str, Metadata] = {}
        for part in _parts(ids):
            found |= self._rows(collection_id, {"ids": part})
        return found

    def all_metadatas(self, collection_id: str) -> Iterator[dict[str, Metadata]]:
        """The metadata of all rows, page by page; a deletion meanwhile may hide others."""
        start = 0
        while rows := self._rows(collection_id, {"limit": PAGE, "offset": start}):
            yield rows
            start += PAGE

    def vectors(self, collection_id: str, ids: Sequence[str]) -> dict[str, np.ndarray]:
        """The vectors of those rows that are there, by id."""
        found: dict[str, np.ndarray] = {}
        for part in _parts(ids):
            body = {"ids": part, "include": ["embeddings"]}
            rows = self._ask("POST", f"{self._base}/{collection_id}/get", body)
            arrays = [np.asarray(row, dtype=np.float32) for row in rows["embeddings"]]
            found |= dict(zip(rows["ids"], arrays, strict=True))
        return found

    def nearest(
        self, collection_id: str, vector: np.ndarray, n: int, where: Mapping[str, object] | None
    ) -> list[tuple[str, float]]:
        """The ``n`` nearest rows: (id, distance), nearest first.

        Args:
            where: what their metadata must be like, in Chroma's words; None: all count.
        """
        body = {"query_embeddings": [vector.tolist()], "n_results": n, "include": ["distances"]}
        body |= {"where": where} if where else {}
        found = self._ask("POST", f"{self._base}/{collection_id}/query", body)
        return list(zip(found["ids"][0], found["distances"][0], strict=True))

    def _write(self, path: str, body: object) -> None:
        self.guard()
        self._ask("POST", path, body)

    def _rows(self, collection_id: str, what: Mapping[str, object]) -> dict[str, Metadata]:
        body = {**what, "include": ["metadatas"]}
        rows = self._ask("POST", f"{self._base}/{collection_id}/get", body)
        return dict(zip(rows["ids"], rows["metadatas"], strict=True))

    # --- requests -----------------------------------------------------------------------

    def _ask(self, method: str, path: str, body: object = None, *, taken: bool = False) -> Any:
        """Send a request and read the JSON of its answer.

        Args:
            method: of HTTP.
            path: below ``/api/v2``.
            body: sent as JSON, unless it is None.
            taken: whether "there is one already" is an answer, which is None.

        Raises:
            MissingError: there is no such collection, database or tenant.
            StoreError: the server cannot be reached, is too slow, or refuses.
        """
        response = self._sent(method, path, body)
        if taken and response.status_code == 409:
            return None
        if response.status_code >= 300:
            raise self._refused(response)
        try:
            return response.json()
        except ValueError as error:
            raise StoreError(
                f"what answers at {self.url} is no Chroma server: expected JSON, found "
                f"{brief(response.text)!r}; correct RAG_CHROMA_URL"
            ) from error

    def _sent(self, method: str, path: str, body: object) -> Response:
        import httpx

        pause = _PAUSE
        for left in range(self._retries, -1, -1):
            try:
                return self._http.request(method, path, json=body)
            except httpx.TimeoutException as error:
                raise StoreError(
                    f"the Chroma server at {self.url} did not answer within {self.timeout:g} s; "
                    "look whether it is overloaded, and run the command again"
                ) from error
            except (httpx.TransportError, httpx.DecodingError) as error:
                if not left:
                    raise StoreError(
                        f"the Chroma server at {self.url} cannot be reached "
                        f"({brief(error) or type(error).__name__}); start it (chroma run), or "
                        "correct RAG_CHROMA_URL"
                    ) from error
            except (httpx.InvalidURL, ValueError) as error:
                raise StoreError(
                    f"RAG_CHROMA_URL={self.url} is no address ({brief(error)}); correct it"
                ) from error
            time.sleep(pause)
            pause *= 2
        raise AssertionError("the last attempt returns or raises")

    def _refused(self, response: Response) -> StoreError:
        status = response.status_code
        if status in (401, 403):
            return StoreError(
                f"the Chroma server at {self.url} refuses access ({status}); set RAG_CHROMA_TOKEN "
                "to a token that it takes"
            )
        try:
            said = response.json()["message"]
        except (ValueError, KeyError, TypeError):
            said = response.reason_phrase
        text = brief(said).replace(self._secret, "***") if self._secret else brief(said)
        kind = MissingError if status == 404 else StoreError
        return kind(
            f"the Chroma server at {self.url} answers {status}: {text}; check RAG_CHROMA_URL, "
            "RAG_CHROMA_TENANT and RAG_CHROMA_DATABASE, and the server's log"
        )


def _collection(found: Mapping[str, Any]) -> Collection:
    settings = found.get("configuration_json") or {}
    index = settings.get("hnsw") or settings.get("spann") or {}  # the latter on Chroma Cloud
    return Collection(found["id"], found.get("metadata") or {}, index.get("space", ""))


def _encoded(vector: np.ndarray) -> str:
    return base64.b64encode(vector.astype("<f4").tobytes()).decode()


def _parts(ids: Sequence[str]) -> Iterator[list[str]]:
    for start in range(0, len(ids), PAGE):
        yield list(ids[start : start + PAGE])
