"""What a page serves: the collections that readers choose from, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rag.assistant import Assistant


@dataclass(frozen=True, slots=True)
class Collection:
    """A library under the name that readers see, with who answers from it."""

    name: str
    assistant: Assistant


@dataclass(frozen=True, slots=True)
class Site:
    """The collections, the first of them shown at first."""

    collections: tuple[Collection, ...]
    read_only: bool = False
    """Whether readers may only ask: nobody can add papers, remove them or run evaluations."""

    def assistant(self, name: str = "") -> Assistant:
        """Who answers from the collection ``name``; from the first one where none has it.

        The name comes from a browser, which may be older than the server.
        """
        found = {collection.name: collection.assistant for collection in self.collections}
        return found.get(name, self.collections[0].assistant)
