"""Writers: what turns a question and its sources into a draft, and the choice of one."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Protocol

from rag.settings import Settings
from rag.types import Delta, Removed, Source, Turn

if TYPE_CHECKING:
    from rag.embedding import Embedder


class Writer(Protocol):
    """Drafts text with ``[n]`` citations; nothing of it is trusted before its check.

    A model's writer raises ModelError where the model fails, and ModelInterruptedError where it
    fails after some text was handed out.
    """

    @property
    def name(self) -> str:
        """What people are told answered: the model's name, or "extractive"."""

    @property
    def remote(self) -> bool:
        """Whether drafting sends question and sources to another machine."""

    @property
    def endpoint(self) -> str:
        """Where they are sent; empty where no model is asked."""

    def draft(
        self, question: str, sources: Sequence[Source], history: Sequence[Turn]
    ) -> Generator[Delta, None, None]:
        """The draft as it comes; closing the generator stops the model.

        The usage of a draft is the sum over its deltas.
        """

    def repair(
        self, question: str, sources: Sequence[Source], draft: str, faults: Sequence[Removed]
    ) -> Delta | None:
        """One line for each fault, in order: its corrected sentence, or nothing.

        None: this writer cannot repair.
        """

    def condense(self, question: str, history: Sequence[Turn]) -> Delta | None:
        """The question made independent of ``history``, on one line; None: it cannot.

        An empty text means that the model gave none.
        """


def make_writer(settings: Settings, embedder: Embedder) -> Writer:
    """The chat model if one is named in the settings, else the extractive writer.

    Nothing is sent and llama-index is not imported before the first draft.

    Raises:
        SettingsError: a model is named and its key or address is missing or unusable.
    """
    if settings.model.strip():
        from rag.chat import ChatWriter

        return ChatWriter.from_settings(settings)
    from rag.extractive import ExtractiveWriter

    return ExtractiveWriter(embedder)
