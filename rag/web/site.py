"""What a page serves: the collections that readers choose from, and what they may do."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rag.errors import RagError

if TYPE_CHECKING:
    from rag.assistant import Assistant
    from rag.settings import Settings


@dataclass(frozen=True, slots=True)
class Collection:
    """A library under the name that readers see, with who answers from it."""

    name: str
    assistant: Assistant
    fixed: bool = False
    """Whether its papers stay as they are: those of the sample never mix with anyone's own."""


@dataclass(frozen=True, slots=True)
class Site:
    """The collections, the first of them shown at first."""

    collections: tuple[Collection, ...]
    read_only: bool = False
    """Whether readers may only ask: nobody can add papers, remove them or run evaluations."""

    def collection(self, name: str = "") -> Collection:
        """The collection ``name``; the first one where none has it.

        The name comes from a browser, which may be older than the server.
        """
        found = {collection.name: collection for collection in self.collections}
        return found.get(name, self.collections[0])

    def assistant(self, name: str = "") -> Assistant:
        """Who answers from the collection ``name``, or from the first one."""
        return self.collection(name).assistant

    def warm(self) -> None:
        """Load the models that the first question would wait for; whatever fails, it will tell."""
        from rag.relevance import read

        with suppress(RagError):
            self.assistant().library.search("Which models are there?")
        read("Which models are there?", [("Models", "There are two.")])

    def receiving(self, name: str = "") -> Collection | None:
        """Where papers go that a reader of ``name`` adds; None: nowhere."""
        if self.read_only:
            return None
        open_ones = [collection for collection in self.collections if not collection.fixed]
        chosen = self.collection(name)
        return chosen if not chosen.fixed else next(iter(open_ones), None)


def own_collections(
    settings: Settings, libraries: ExitStack, tell: Callable[[str], None]
) -> tuple[Collection, ...]:
    """The settings' library; the sample before it where no store is named and none exists.

    Args:
        settings: who answers, and where the library is.
        libraries: closes them.
        tell: called with lines for people.

    Raises:
        RagError: a library cannot be opened.
    """
    from rag import sample
    from rag.assistant import Assistant
    from rag.library import Library

    shown = libraries.enter_context(sample.open_library(settings, tell))
    if shown.path == settings.store:
        return (Collection("Library", Assistant(shown)),)
    own = Library.open(settings=settings, embedder=shown.embedder)
    libraries.enter_context(own)
    return (
        Collection("Sample collection", Assistant(shown), fixed=True),
        Collection("My library", Assistant(own)),
    )
