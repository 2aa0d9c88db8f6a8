"""The fold with a reader's past chats: what it lists, and what its buttons do."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, get_args

from rag.errors import RagError, StoreError
from rag.types import Paper
from rag.web.chat_tab import ChatTab
from rag.web.chats import Chats
from rag.web.exchange import Exchange, Holding
from rag.web.jobs_html import problem_html
from rag.web.parts import shown
from rag.web.past_html import past_html
from rag.web.visitors import is_id, new_id, visitor

Act = Literal["open", "rename", "delete", "delete_all"]
Update = dict[Any, Any]
_Exchanges = tuple[Exchange, ...]
_QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
_GONE = "This chat is not there any more."
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a button in the list asks for."""

    act: Act
    chat: str = ""
    name: str = ""


class PastChats:
    """The components, laid out where it is made, and the wires between them and the chat.

    Args:
        chats: where they are kept.
    """

    tab: ChatTab

    def __init__(self, chats: Chats) -> None:
        import gradio as gr

        self.chats = chats
        self.current = gr.State("")  # the id under which the open chat is kept; "" before that
        with gr.Accordion(
            "Past chats", open=False, elem_id="past-chats", elem_classes="limiting"
        ) as self.fold:
            self.told = shown("", "past-told")
            self.list = shown("", "past-list")
        with gr.Row(elem_id="past-wishes"):
            self.wish = gr.Textbox(elem_id="past-wish", label="Past chat")
            self.button = gr.Button("Past chat", elem_id="past-go")

    def connect(self, tab: ChatTab) -> None:
        """Keep every finished answer and thumb of ``tab``, and open past chats in it."""
        self.tab, chosen = tab, tab.chosen
        shown = [self.list, self.told, self.current]
        kept = [tab.exchanges, self.current, chosen]
        for done in tab.done:
            done.then(self.keep, kept, shown, **_QUIET)
        self.fold.expand(self.tell, [self.current, chosen], shown, **_QUIET)
        tab.fresh.click(lambda: "", None, self.current, **_QUIET)
        chosen.change(self.leave, chosen, shown, **_QUIET)  # type: ignore[attr-defined]
        given = [self.wish, self.current, chosen]
        every = list(dict.fromkeys([*shown, *tab.outputs]))
        self.button.click(self.act, given, every, **_QUIET)

    # --- what happens -------------------------------------------------------------------

    def keep(self, exchanges: _Exchanges, current: str, name: str) -> Update:
        """Save the chat as it is now; the first time under a new id."""
        if not any(exchange.answer for exchange in exchanges):
            return {self.told: ""}
        current = current or new_id()
        try:
            self.chats.save(_visitor(), self._collection(name), current, exchanges)
        except StoreError as error:
            return {self.told: self._problem(error), self.current: ""}
        return self.tell(current, name)

    def tell(self, current: str, name: str) -> Update:
        """The list as it is now."""
        try:
            chats = self.chats.list(_visitor(), self._collection(name))
        except StoreError as error:
            return {self.told: self._problem(error)}
        listed = past_html(chats, current, datetime.now().astimezone())
        return {self.list: listed, self.told: "", self.current: current}

    def leave(self, name: str) -> Update:
        """The chats of another collection."""
        return self.tell("", name)

    def act(self, wish: str, current: str, name: str) -> Update:
        """What a button of the list asked for."""
        asked = read_asked(wish)
        if asked is None:
            return {self.told: ""}
        try:
            return self._act(asked, current, name)
        except StoreError as error:
            return {self.told: self._problem(error)}

    def _act(self, asked: Asked, current: str, name: str) -> Update:
        who, collection = _visitor(), self._collection(name)
        if asked.act == "open":
            return self._opened(asked.chat, name)
        if asked.act == "rename":
            self.chats.rename(who, collection, asked.chat, asked.name)
            return self.tell(current, name)
        every = asked.act == "delete_all"
        self.chats.delete(who, collection, None if every else asked.chat)
        if every or asked.chat == current:
            return {**self.tab.show(()), **self.tell("", name)}
        return self.tell(current, name)

    def _opened(self, chat: str, name: str) -> Update:
        exchanges = self.chats.load(_visitor(), self._collection(name), chat)
        if not exchanges:
            return {**self.tell("", name), self.told: problem_html(_GONE)}
        library = self.tab.site.assistant(name).library
        exchanges = tuple(with_papers(exchange, library) for exchange in exchanges)
        return {**self.tab.show(exchanges), **self.tell(chat, name)}

    def _collection(self, name: str) -> str:
        return self.tab.site.collection(name).name

    def _problem(self, error: RagError) -> str:
        _log.warning("past chats: %s", error)
        return problem_html("Past chats cannot be kept or read now; the log says why.")


def read_asked(text: str) -> Asked | None:
    """What a browser's JSON asks for; None: nothing that can be done."""
    try:
        given = json.loads(text)
        act, chat, name = given["act"], given.get("chat", ""), given.get("name", "")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    if act not in get_args(Act) or not isinstance(chat, str) or not isinstance(name, str):
        return None
    return Asked(act, chat, name) if act == "delete_all" or is_id(chat) else None


def with_papers(exchange: Exchange, library: Holding) -> Exchange:
    """The exchange with what the library knows now of its papers."""
    answer = exchange.answer
    ids: Collection[str] = {row.paper_id for row in answer.retrieved} if answer else set()
    try:
        papers: Mapping[str, Paper] = library.papers(ids)
    except RagError:  # what the answer itself holds is shown
        papers = {}
    return replace(exchange, papers=papers)


def _visitor() -> str:
    from gradio.context import LocalContext

    return visitor(LocalContext.request.get(None))
