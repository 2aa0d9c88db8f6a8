"""The head of the page and its first view: what the chosen collection is, as it is now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from rag.errors import RagError
from rag.types import StoreStatus
from rag.web import html
from rag.web.examples import examples
from rag.web.parts import shown
from rag.web.site import Collection, Site
from rag.web.visitors import visitor_of

if TYPE_CHECKING:
    from gradio.components import Component

_ENOUGH = 400  # papers that examples are made from


class Front:
    """Lays the head out where it is made; ``show`` says what it and the first view are to say.

    Args:
        site: whose collections it tells of; the first one until a page asks for another.
    """

    def __init__(self, site: Site) -> None:
        self.site = site
        self._known: dict[str, tuple[StoreStatus | None, html.About]] = {}
        self.masthead = shown(html.masthead_html(self.about("")), "masthead")

    def show(self, name: str) -> tuple[str, str]:
        """The masthead and the first view for the collection ``name``, for whoever asks."""
        from gradio.context import LocalContext

        who = visitor_of(LocalContext.request.get(None))
        about = self.about(name)
        return html.masthead_html(about, who), self.welcome(about)

    def welcome(self, about: html.About) -> str:
        """The first view."""
        return html.welcome_html(about, may_add=not self.site.read_only)

    def about(self, name: str) -> html.About:
        """What a person should know before asking; made anew only when papers have changed."""
        chosen = self.site.collection(name)
        now = status(chosen)
        known = self._known.get(chosen.name)
        if known is None or known[0] != now:
            known = self._known[chosen.name] = (now, about(chosen, now))
        return known[1]

    def connect(
        self, welcome: Component, chosen: Component, triggers: Sequence[Callable[..., Any]]
    ) -> None:
        """Show both anew after each of ``triggers``, such as ``blocks.load`` or ``event.then``."""
        for trigger in triggers:
            trigger(
                self.show, chosen, [self.masthead, welcome], show_progress="hidden",
                api_visibility="private", trigger_mode="always_last",
            )  # fmt: skip


def status(collection: Collection) -> StoreStatus | None:
    """What the collection holds; None where nothing was ever put into it, or it cannot be read."""
    try:
        return collection.assistant.library.status()
    except RagError:
        return None


def about(collection: Collection, now: StoreStatus | None) -> html.About:
    """What a person should know before asking ``collection``, which holds ``now``."""
    from rag import sample

    assistant = collection.assistant
    library = assistant.library
    papers = now.papers if now else 0
    remark = sample.remark(library) if papers else ""
    if remark or not papers:
        offered = sample.questions() if remark else ()
    else:
        offered = examples(islice(library.store.all_papers(), _ENOUGH))
    return html.About(
        papers=papers,
        answered_by=html.answered_by(assistant.writer, library.embedder),
        notice=f"Sample collection: {remark}" if remark else "",
        examples=offered,
    )
