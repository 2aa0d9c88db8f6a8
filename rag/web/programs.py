"""What programs may ask of the page's server, whichever way they come: search, ask, check, ingest.

The page's own API (``gradio_client``), MCP and ``/v1`` all end here.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path

from rag.documents import SearchRow, search_rows
from rag.errors import InputError
from rag.types import Answer, CheckedDraft, Event, IngestReport, Turn
from rag.web.site import Collection, Site

MOST_ROWS = 100
LONGEST_TEXT = 50_000
"""Characters of a text that is to be checked."""
READ_ONLY = "this page is read-only: nothing can be added"


class Programs:
    """The collections of a site, by name."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def collection(self, name: str = "") -> Collection:
        """The collection of that name; the first for an empty one.

        Raises:
            InputError: there is none.
        """
        if not name.strip():
            return self.site.collections[0]
        for collection in self.site.collections:
            if collection.name == name:
                return collection
        known = ", ".join(repr(each.name) for each in self.site.collections)
        raise InputError(f"there is no collection {name!r}; there are: {known}")

    def search(self, question: str, k: int = 10, collection: str = "") -> list[SearchRow]:
        """The ``k`` papers nearest to a question, best first.

        Raises:
            InputError: ``k`` is not in 1 to 100, the question is empty or too long, or there is
                no such collection.
        """
        if not 1 <= k <= MOST_ROWS:
            raise InputError(f"cannot list {k} papers; ask for 1 to {MOST_ROWS}")
        return search_rows(self.collection(collection).assistant.library.search(question, k))

    def ask(
        self, question: str, history: Sequence[Turn] = (), collection: str = ""
    ) -> Generator[Event, None, None]:
        """Answer a question, event by event; the last is the ``Answer``.

        Raises:
            InputError: the question is empty or too long, the collection has no papers, or there
                is no such collection.
            ModelError: the model cannot be reached, or failed before anything was checked.
        """
        return self.collection(collection).assistant.stream(question, history)

    def answer(self, question: str, collection: str = "") -> Answer:
        """The answer alone; raises as ``ask`` does."""
        *_, last = self.ask(question, collection=collection)
        assert isinstance(last, Answer)
        return last

    def check(self, text: str, collection: str = "") -> CheckedDraft:
        """Check a text: which papers support each of its sentences.

        Raises:
            InputError: the text is empty or too long, or there is no such collection.
        """
        if not text.strip():
            raise InputError("there is no text to check; send some sentences")
        if len(text) > LONGEST_TEXT:
            raise InputError(
                f"{len(text):,} characters are too many to check at once; "
                f"send {LONGEST_TEXT:,} at most"
            )
        return self.collection(collection).assistant.check(text)

    def ingest(self, file: Path, collection: str = "") -> IngestReport:
        """Take in the papers of an uploaded file.

        Raises:
            InputError: readers may change nothing, the file holds no paper, or there is no such
                collection.
            StoreBusyError: somebody else is adding papers.
        """
        to = self.site.receiving(self.collection(collection).name)  # never the sample
        if to is None:
            raise InputError(READ_ONLY)
        # Known by its own name: the folder it was uploaded to means nothing to anyone.
        return to.assistant.library.ingest(file, source=file.name)
