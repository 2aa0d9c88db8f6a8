"""What the tabs of the page share."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import gradio as gr

    from rag.web.site import Site


def shown(value: str, name: str) -> gr.HTML:
    """A place for HTML that ``rag.web`` made and escaped, under the element id ``name``."""
    import gradio as gr

    # No script of its own and no template: the value is shown as it was escaped.
    return gr.HTML(value, elem_id=name, apply_default_css=False, js_on_load=None)


def chooser(site: Site) -> gr.Dropdown:
    """Its value is the name of the collection to show; seen where there are several."""
    import gradio as gr

    names = [collection.name for collection in site.collections]
    return gr.Dropdown(
        names, value=names[0], label="Collection", visible=len(names) > 1, interactive=True,
        filterable=False, elem_id="collection",
    )  # fmt: skip
