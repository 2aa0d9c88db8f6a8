"""What the tabs of the page share."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from rag.web import html
from rag.web.examples import examples

if TYPE_CHECKING:
    import gradio as gr

    from rag.library import Library
    from rag.web.site import Site

_ENOUGH = 400  # papers that examples are made from


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


def about_site(site: Site) -> html.About:
    """What a person should know before asking the site's first collection."""
    from rag import sample

    assistant = site.assistant()
    library = assistant.library
    remark = sample.remark(library)
    return html.About(
        status=library.status(),
        answered_by=html.answered_by(assistant.writer, library.embedder),
        notice=f"Sample collection: {remark}" if remark else "",
        examples=sample.questions() if remark else _examples(library),
    )


def _examples(library: Library) -> tuple[str, ...]:
    return examples(islice(library.store.all_papers(), _ENOUGH))
