"""Texts to unit vectors: the embedded model, OpenAI's, or any llama-index embedding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from rag.errors import ModelError, SettingsError
from rag.minilm import MiniLM
from rag.settings import Settings, is_loopback
from rag.text import brief

if TYPE_CHECKING:
    from llama_index.core.embeddings import BaseEmbedding

OPENAI_DIMENSIONS = {
    "text-embedding-3-small": 1536,
    "text-embedding-3-large": 3072,
    "text-embedding-ada-002": 1536,
}
"""Known beforehand, so that opening a store sends nothing; other models are asked once."""


class Embedder(Protocol):
    """What turns texts into vectors; any object of this shape can be given to a Library."""

    @property
    def name(self) -> str:
        """For people: status, page and messages."""

    @property
    def fingerprint(self) -> str:
        """Changes whenever the same text could get another vector: a store holds to it."""

    @property
    def dimension(self) -> int:
        """Numbers per vector."""

    @property
    def remote(self) -> bool:
        """Whether the texts leave this machine."""

    def encode(
        self, texts: Sequence[str], on_progress: Callable[[int], None] | None = None
    ) -> np.ndarray:
        """Float32 unit vectors (n, dimension) in the order of ``texts``; n may be 0.

        ``on_progress`` gets the number of texts done so far; raising in it cancels the work.

        Raises:
            ModelError: the model cannot be reached or used.
        """


def load_embedder(settings: Settings) -> Embedder:
    """The embedder that the settings name. Cheap: the model is loaded at the first use.

    Raises:
        SettingsError: OpenAI's own endpoint without a key.
    """
    if settings.embedding == "minilm":
        return MiniLM()
    return OpenAIEmbedder(settings)


class LlamaEmbedder:
    """Any llama-index embedding model as an ``Embedder``.

    Questions are embedded as texts are: a model that wants them marked is not for us.
    ``remote`` stays True unless the caller knows that the model runs on this machine.
    """

    _model: Any
    _advice = "check that the model is running and reachable"
    _secret = ""

    def __init__(self, model: BaseEmbedding, *, remote: bool = True) -> None:
        self._model = model
        self.name = f"{model.class_name()}:{model.model_name}"
        self.fingerprint = self.name
        self.remote = remote

    @cached_property
    def dimension(self) -> int:
        """Numbers per vector; asks the model once.

        Raises:
            ModelError: the model cannot be reached or used.
        """
        return int(self._ask(["dimension"]).shape[1])

    def encode(
        self, texts: Sequence[str], on_progress: Callable[[int], None] | None = None
    ) -> np.ndarray:
        """See ``Embedder.encode``."""
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        size = self._model.embed_batch_size if texts else 1
        for start in range(0, len(texts), size):
            batch = self._ask(list(texts[start : start + size]))
            if batch.shape[1] != self.dimension:
                raise ModelError(
                    f"embedding model {self.name} gave {batch.shape[1]} numbers per text, not "
                    f"{self.dimension}; {self._advice}"
                )
            vectors[start : start + len(batch)] = batch
            if on_progress:
                on_progress(start + len(batch))
        return vectors

    def _ask(self, texts: list[str]) -> np.ndarray:
        """Unit vectors (n, whatever the model gives)."""
        try:
            vectors = np.array(self._model.get_text_embedding_batch(texts), dtype=np.float32)
        except Exception as error:  # each provider raises its own
            quoted = bool(self._secret) and self._secret in str(error)
            raise ModelError(
                f"embedding model {self.name} failed: {_reason(error, self._secret)}; "
                f"{self._advice}"
            ) from (None if quoted else error)
        lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
        whole = vectors.ndim == 2 and len(vectors) == len(texts)
        if not whole or not (np.isfinite(lengths) & (lengths > 0)).all():
            raise ModelError(
                f"embedding model {self.name} did not give a vector for each of {len(texts)} "
                f"texts; {self._advice}"
            )
        return np.asarray(vectors / lengths, dtype=np.float32)


class OpenAIEmbedder(LlamaEmbedder):
    """An embedding model of OpenAI or of any endpoint that speaks its protocol.

    Raises:
        SettingsError: OpenAI's own endpoint without a key.
    """

    def __init__(self, settings: Settings) -> None:
        if not settings.openai_api_key and not settings.openai_base_url:
            raise SettingsError(
                f"RAG_EMBEDDING={settings.embedding} needs a key; set OPENAI_API_KEY, or "
                "OPENAI_BASE_URL for a server of your own"
            )
        self._settings = settings
        self._secret = settings.openai_api_key
        self._advice = (
            f"asked {settings.endpoint}; check OPENAI_BASE_URL, OPENAI_API_KEY and RAG_EMBEDDING"
        )
        self.name = self.fingerprint = settings.embedding
        self.remote = not is_loopback(settings.endpoint)

    @cached_property
    def dimension(self) -> int:
        """Numbers per vector; a model that OpenAI does not publish is asked once.

        Raises:
            ModelError: the model cannot be reached or used.
        """
        return OPENAI_DIMENSIONS.get(self._model_name) or super().dimension

    @property
    def _model_name(self) -> str:
        return self._settings.embedding.removeprefix("openai:")

    @cached_property
    def _model(self) -> Any:  # type: ignore[override]
        from llama_index.embeddings.openai import OpenAIEmbedding

        class OnceRetried(OpenAIEmbedding):  # type: ignore[misc]
            """The openai client retries; llama-index would multiply that by its own."""

            def _create_retry_decorator(self) -> Callable[[Any], Any]:
                return lambda call: call

        return OnceRetried(
            model_name=self._model_name,
            # Never empty: llama-index would look for one in the environment on its own.
            api_key=self._settings.openai_api_key or "none",
            api_base=self._settings.endpoint,
            timeout=self._settings.timeout,
            max_retries=self._settings.retries,
        )


def _reason(error: Exception, secret: str) -> str:
    """One line without the key, which a server may quote."""
    status = getattr(error, "status_code", None)
    if status in (401, 403):
        return f"the key was refused ({status})"
    cause = error.__cause__ or error  # the openai client says "Connection error." and no more
    words = brief(cause) or type(cause).__name__
    return words.replace(secret, "***") if secret else words
