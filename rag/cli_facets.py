"""The command that lists what the papers are about, and when and where they appeared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from rag.render import one_line
from rag.reports import Facet
from rag.session import AGAIN, Debug, Json, Store, session, tell


def facets(
    most: Annotated[int, typer.Option("-n", min=1, metavar="N", help="Values at most.")] = 10,
    store: Store = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """List what papers are about, with numbers of papers: what filters take.

    Topics (modality, organ, disease, treatment, task, dataset, method) are read from titles and
    abstracts; years, venues and keywords are those of the files.
    """
    with session(as_json, debug, AGAIN, store=store) as run:
        from rag.sample import open_library

        opened = open_library(run.settings, lambda line: tell("notice", line))
        with opened as library, run.progress("papers read") as count:
            found = library.facets(most, count)
        run.show(found, _to_terminal(found))


def _to_terminal(found: Sequence[Facet]) -> RenderableType:
    """A paragraph for each kind that has values."""
    parts: list[RenderableType] = []
    for facet in found:
        if facet.values:
            shown = [f"{one_line(value.value)} ({value.papers})" for value in facet.values]
            if more := facet.distinct - len(shown):
                shown.append(f"and {more} more")
            parts += [Text(facet.kind, style="bold"), Padding(Text(", ".join(shown)), (0, 0, 0, 2))]
    return Group(*parts) if parts else Text("Nothing found: the collection is empty.")
