"""The fold that limits papers by year, venue, keyword and topic.

Topics are looked up when the fold is opened, never at start: a large library takes its time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rag.errors import RagError
from rag.web.boxes import topics_of
from rag.web.parts import shown
from rag.web.site import Site
from rag.web.topics_html import MOST, NOTHING, WAITING, topics_html

if TYPE_CHECKING:
    from gradio.components import Component

BOXES = (
    ("Year from", "2018"),
    ("to", "2024"),
    ("Venue", "any part of its name"),
    ("Keyword", "any part of it"),
)
"""What each box is called, and an example."""


class LimitBoxes:
    """Laid out where it is made, closed.

    ``inputs`` are what ``boxes.filter_of`` takes; ``picked``, the last of them, holds the topics
    that are ticked, where ``page.js`` writes them.

    Args:
        site: whose papers are limited.
        name: the element id of the fold.
        label: what opens it.
    """

    def __init__(self, site: Site, name: str, label: str) -> None:
        import gradio as gr

        self.site, self.label = site, label
        with gr.Accordion(label, open=False, elem_id=name, elem_classes="limiting") as self.fold:
            with gr.Row(elem_classes="limit-boxes"):
                self.typed = [
                    gr.Textbox("", label=title, placeholder=example, min_width=0, max_lines=1)
                    for title, example in BOXES
                ]
            self.problem = shown("", f"{name}-problem")
            self.chips = shown(WAITING, f"{name}-topics")
            self.picked = gr.Textbox("", label="Topics", elem_classes="picked", container=False)
        self.inputs: list[Component] = [*self.typed, self.picked]
        self.parts: list[Any] = [self.fold, *self.inputs, self.chips, self.problem]
        """What ``emptied`` updates."""

    def connect(self, chosen: Component) -> None:
        """Fill in the topics whenever the fold is opened."""
        self.fold.expand(
            self.fill, [chosen, self.picked], self.chips, show_progress="hidden",
            api_visibility="private", trigger_mode="always_last",
        )  # fmt: skip

    def fill(self, name: str, picked: str | None) -> str:
        """The chips of the collection ``name``; its library remembers what it has counted."""
        library = self.site.assistant(name).library
        try:
            return topics_html(library.facets(MOST), topics_of(picked or "") or ())
        except RagError:  # nothing is there, or it cannot be read: an answer says so
            return NOTHING

    def emptied(self) -> dict[Any, Any]:
        """The updates for another collection, or other papers: nothing is limited."""
        import gradio as gr

        return {
            **dict.fromkeys(self.inputs, ""),
            self.fold: gr.update(label=self.label, open=False),
            self.chips: WAITING,
            self.problem: "",
        }
