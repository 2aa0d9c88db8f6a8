"""The options of ``rag search`` and ``rag ask`` that limit them to some papers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rag.filters import Filter
from rag.session import read_text, tell

if TYPE_CHECKING:
    from rag.library import Library

Since = Annotated[int | None, typer.Option("--since", metavar="YEAR", help="First year.")]
Until = Annotated[int | None, typer.Option("--until", metavar="YEAR", help="Last year.")]
Venue = Annotated[
    list[str] | None,
    typer.Option("--venue", metavar="NAME", help="The whole name; * is anything. May be repeated."),
]
Keyword = Annotated[
    list[str] | None,
    typer.Option("--keyword", metavar="WORD", help="Likewise; of several, any will do."),
]
PaperId = Annotated[
    list[str] | None, typer.Option("--id", metavar="ID", help="A paper's id. May be repeated.")
]
Ids = Annotated[
    Path | None,
    typer.Option(
        "--ids", metavar="FILE", readable=False, help="Ids, one a line; - is standard input."
    ),
]
Topic = Annotated[
    list[str] | None,
    typer.Option(
        "--topic", metavar="TOPIC", help="Such as CT or organ:liver; rag facets lists them."
    ),
]


def filter_of(
    since: int | None,
    until: int | None,
    venues: Sequence[str] | None,
    keywords: Sequence[str] | None,
    ids: Sequence[str] | None,
    file: Path | None,
    topics: Sequence[str] | None = None,
) -> Filter | None:
    """The filter that the options ask for; None: no option was given.

    Raises:
        InputError: the years are reversed, a value is blank, or the file cannot be read.
    """
    listed = read_text(file).splitlines() if file else []
    named = [*(ids or ()), *(line.strip() for line in listed if line.strip())]
    values = [tuple(given) if given else None for given in (venues, keywords, named, topics)]
    return Filter(since, until, *values) or None


def tell_of(library: Library, where: Filter, *, found: bool) -> None:
    """Say what of a filter no paper has, or that none passes all of it."""
    slips = library.unmatched(where)
    if not found and not slips:
        slips = ["each part of it fits some paper, but no paper passes all"]
    for slip in slips:
        tell("notice", f"filter ({where}): {slip}")
