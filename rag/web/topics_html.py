"""What papers are about, as chips to tick: pure functions, every value escaped on the way in."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rag.reports import Facet, FacetValue
from rag.topics import KINDS
from rag.web.markup import safe

FEW = 6
"""Values of a kind that are shown at first."""
MOST = 40
"""Values of a kind that can be shown at all: those that most papers have."""
WAITING = '<p class="waiting" role="status">Looking at what the papers are about…</p>'
NOTHING = '<p class="waiting">Nothing is known yet of what these papers are about.</p>'


def topics_html(facets: Sequence[Facet], ticked: Collection[str] = ()) -> str:
    """The topics among ``facets``, a row of chips for each kind; ``ticked`` as ``organ:liver``."""
    rows = "".join(_row(facet, ticked) for facet in facets if facet.kind in KINDS and facet.values)
    return f'<div class="topics">{rows}</div>' if rows else NOTHING


def _row(facet: Facet, ticked: Collection[str]) -> str:
    first, others = facet.values[:FEW], facet.values[FEW:]
    chips = "".join(_chip(facet.kind, value, ticked) for value in first)
    if others:
        opened = any(f"{facet.kind}:{value.value}" in ticked for value in others)
        label = f"{len(others)} more"
        more = "".join(_chip(facet.kind, value, ticked) for value in others)
        chips += (
            f'<span class="others"{"" if opened else " hidden"}>{more}{_rest(facet)}</span>'
            f'<button type="button" class="all" aria-expanded="{str(opened).lower()}" '
            f'data-more="{label}">{"Fewer" if opened else label}</button>'
        )
    name = facet.kind.capitalize()
    return f'<fieldset><legend>{name}</legend><div class="chips">{chips}</div></fieldset>'


def _chip(kind: str, value: FacetValue, ticked: Collection[str]) -> str:
    name = f"{kind}:{value.value}"
    state = " checked" if name in ticked else ""
    return (
        f'<label class="chip"><input type="checkbox" value="{safe(name)}"{state}>'
        f'<span dir="auto">{safe(value.value)}</span> <small>{value.papers:,}</small></label>'
    )


def _rest(facet: Facet) -> str:
    rest = facet.distinct - len(facet.values)
    return f'<span class="rest">and {rest:,} rarer</span>' if rest > 0 else ""
