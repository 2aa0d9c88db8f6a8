"""The tab that answers: the conversation, the box to ask in, and the sources beside them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rag.errors import InputError
from rag.filters import Filter
from rag.web import exports, html
from rag.web.background import in_thread
from rag.web.boxes import filter_of
from rag.web.cards import panel_html
from rag.web.exchange import Exchange, Feedback, end, follow
from rag.web.limit_boxes import LimitBoxes
from rag.web.parts import shown
from rag.web.site import Site
from rag.web.turns import conversation_html, exchange_html
from rag.web.wishes import Wish, read_wish

if TYPE_CHECKING:
    from gradio.components import Component

_LATE = 0.3  # seconds
_Exchanges = tuple[Exchange, ...]
OnFeedback = Callable[[Exchange, Feedback], None]
_EXPORTS = {
    "Markdown": ("md", exports.conversation_markdown),
    "JSON": ("json", exports.conversation_json),
    "BibTeX": ("bib", exports.bibtex),
}


class ChatTab:
    """The components of the page, laid out where it is made, and the wires between them.

    Args:
        site: whose collections answer.
        chosen: the component whose value is the name of the collection to ask; None: the first.
        on_feedback: told of a finished exchange and what its reader thinks of it: "up", "down",
            or "" for one who takes it back.
        welcome: HTML of the first view.

    Once connected, ``outputs`` are what ``show`` gives values for, and after each of the events
    ``done`` an exchange may be finished or changed.
    """

    outputs: list[Component]
    done: list[Any]

    def __init__(
        self,
        site: Site,
        chosen: Component | None = None,
        on_feedback: OnFeedback = lambda _exchange, _given: None,
        welcome: str = "",
    ) -> None:
        import gradio as gr

        self.site, self.on_feedback = site, on_feedback
        self.chosen = chosen or gr.State("")
        self.exchanges, self.stopped_at, self.edited = gr.State(()), gr.State(0), gr.State(0)
        with gr.Row(elem_id="columns"):
            with gr.Column(elem_id="chat", min_width=0):
                self.past, self.now = shown("", "past"), shown("", "now")
                self.welcome = shown(welcome, "welcome")
                with gr.Column(elem_id="dock", min_width=0):
                    self._lay_out_dock()
            with gr.Column(elem_id="sources", min_width=0):
                shown(html.steps_html(), "steps")
                self.panel = shown(panel_html(()), "panel")
        shown(html.help_html(), "help")

    def _lay_out_dock(self) -> None:
        import gradio as gr

        self.above = shown("", "above")
        with gr.Row(elem_id="composer"):
            self.box = gr.Textbox(
                label="Your question",
                show_label=False,
                container=False,
                placeholder=html.PLACEHOLDER,
                max_lines=8,
                autofocus=True,
                elem_id="question",
            )
            self.send = gr.Button("Send", variant="primary", elem_id="send", min_width=0)
            self.stop = gr.Button("Stop", visible=False, elem_id="stop", min_width=0)
        self.limits = LimitBoxes(self.site, "limits", "Limit to…")
        with gr.Row(elem_id="small-print"):
            shown(html.SMALL_PRINT, "caution")
            with gr.Row(visible=False, elem_id="afterwards") as self.afterwards:
                self.fresh = gr.Button("New chat", elem_id="fresh", min_width=0)
                shown("<span>Save as</span>", "save-as")
                self.saves = {
                    gr.Button(name, elem_classes="save", min_width=0): name for name in _EXPORTS
                }
        # What page.js asks for, and where the file to save is handed to it.
        with gr.Row(elem_id="wishes"):
            self.wish = gr.Textbox(elem_id="wish", label="Wish")
            self.again = gr.Button("Again", elem_id="wish-again")
            self.other = gr.Button("Other", elem_id="wish-other")
        self.file = gr.JSON(visible=False)

    # --- wires --------------------------------------------------------------------------

    def connect(self) -> None:
        """Say what each button does. A closed page closes the generators that serve it."""
        import gradio as gr

        told = [self.limits.fold, self.limits.problem]
        outputs = self.outputs = [
            *(self.exchanges, self.past, self.now, self.panel, self.welcome, self.box, self.send),
            *(self.stop, self.afterwards, self.above, self.edited, *told),
        ]
        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        # "multiple": one right after "Stop" must not be dropped; page.js lets one in at a time.
        asking: dict[str, Any] = {"concurrency_id": "ask", "trigger_mode": "multiple", **quiet}
        typed = [self.box, self.exchanges, self.edited, self.chosen, *self.limits.inputs]
        asked = [
            trigger(self.ask, typed, outputs, **asking)
            for trigger in (self.box.submit, self.send.click)
        ]
        wished = [self.wish, self.exchanges]
        again = [*wished, self.chosen]
        asked.append(self.again.click(self.ask_again, again, outputs, **asking))
        others = self.other.click(self.do_other, wished, outputs, **quiet)
        stopped = self.stop.click(
            self.give_up, self.exchanges, [*outputs, self.stopped_at], cancels=asked, **quiet
        )
        waited = stopped.then(_wait, None, None, **quiet)
        settled = waited.then(self.settle, [self.exchanges, self.stopped_at], outputs, **quiet)
        self.done = [*asked, others, settled]
        self.fresh.click(lambda: self.show(()), None, outputs, **quiet)
        # Another collection, another conversation: its numbers would mean other papers.
        self.chosen.change(lambda: self.show(()), None, outputs, cancels=asked, **quiet)
        self.limits.connect(self.chosen)
        self.chosen.change(self.limits.emptied, None, self.limits.parts, **quiet)
        limited = [*(box.blur for box in self.limits.typed), self.limits.picked.change]
        last: dict[str, Any] = quiet | {"trigger_mode": "always_last"}
        gr.on(limited, self.tell_limits, self.limits.inputs, told, **last)
        for button, name in self.saves.items():
            made = button.click(_saving(name), self.exchanges, self.file, **quiet)
            made.then(None, self.file, None, js=_SAVE, **quiet)

    async def ask(
        self, question: str, given: _Exchanges, edited: int, name: str, *limits: str | None
    ) -> AsyncIterator[dict[Any, Any]]:
        """Answer what stands in the box into the page, step by step."""
        import gradio as gr

        if not question.strip():
            yield {self.box: gr.update(placeholder=html.NO_QUESTION)}
            return
        try:
            where = filter_of(*limits)
        except InputError as error:
            yield self._refuse_limits(error)
            return
        earlier = given[: edited - 1] if edited else given
        async for update in self._answer(question, earlier, where, name):
            yield update

    async def ask_again(
        self, wish: str, given: _Exchanges, name: str
    ) -> AsyncIterator[dict[Any, Any]]:
        """Answer an earlier question anew, in its place; what followed it goes."""
        match read_wish(wish, len(given)):
            case Wish("retry", turn):
                old = given[turn - 1]
                earlier = given[: turn - 1]
                async for update in self._answer(old.question, earlier, old.where, name):
                    yield update

    async def _answer(
        self, question: str, earlier: _Exchanges, where: Filter | None, name: str
    ) -> AsyncIterator[dict[Any, Any]]:
        step = Exchange(question, where=where)
        yield {**self.show((*earlier, step), busy=True), self.box: ""}
        steps = follow(self.site.assistant(name), question, earlier, where)
        async with aclosing(in_thread(steps)) as following:
            async for exchange in following:
                so_far = (*earlier, exchange)
                if not exchange.status:
                    yield self.show(so_far)
                    return
                update = {
                    self.exchanges: so_far,
                    self.now: exchange_html(exchange, len(so_far)),
                }
                if (exchange.sources, exchange.sentences) != (step.sources, step.sentences):
                    update[self.panel] = panel_html(so_far)
                step = exchange
                yield update

    def do_other(self, wish: str, given: _Exchanges) -> dict[Any, Any]:
        """What needs no answer: take a question up again, or keep what a reader thinks of one."""
        import gradio as gr

        match read_wish(wish, len(given)):
            case Wish("edit", turn):
                question = given[turn - 1].question
                return {self.box: question, self.edited: turn, self.above: html.editing_html(turn)}
            case Wish("cancel"):
                return {self.box: "", self.edited: 0, self.above: ""}
            case Wish("up" | "down" as thumb, turn) if given[turn - 1].answer:
                feedback: Feedback = "" if given[turn - 1].feedback == thumb else thumb
                rated = replace(given[turn - 1], feedback=feedback)
                self.on_feedback(rated, feedback)
                return self._conversation((*given[: turn - 1], rated, *given[turn:]))
        skipped: dict[Any, Any] = gr.skip()
        return skipped

    def give_up(self, given: _Exchanges) -> dict[Any, Any]:
        """What the stop button leaves: the sentences that were checked before."""
        return {**self._ended(given), self.stopped_at: len(given)}

    def settle(self, given: _Exchanges, stopped_at: int) -> dict[Any, Any]:
        """The same once more: a busy server delivers a stopped question's last step late.

        Not if the reader has asked anew meanwhile.
        """
        import gradio as gr

        if len(given) != stopped_at:
            skipped: dict[Any, Any] = gr.skip()
            return skipped
        return self._ended(given)

    def tell_limits(self, *limits: str | None) -> dict[Any, Any]:
        """The limits in force, in the line that opens them."""
        import gradio as gr

        try:
            where = filter_of(*limits)
        except InputError as error:
            return self._refuse_limits(error)
        label = f"Limited to {where}" if where else self.limits.label
        return {self.limits.fold: gr.update(label=label), self.limits.problem: ""}

    # --- what is shown ------------------------------------------------------------------

    def show(self, given: _Exchanges, *, busy: bool = False) -> dict[Any, Any]:
        """Every component's value for this state of the conversation."""
        import gradio as gr

        return {
            **self._conversation(given),
            self.panel: panel_html(given),
            self.welcome: gr.update(visible=not given),
            self.send: gr.update(visible=not busy),
            self.stop: gr.update(visible=busy),
            self.afterwards: gr.update(visible=bool(given) and not busy),
            self.above: "",
            self.edited: 0,
        }

    def _conversation(self, given: _Exchanges) -> dict[Any, Any]:
        return {
            self.exchanges: given,
            self.past: conversation_html(given[:-1]),
            self.now: exchange_html(given[-1], len(given)) if given else "",
        }

    def _ended(self, given: _Exchanges) -> dict[Any, Any]:
        return self.show((*given[:-1], end(given[-1])) if given else ())

    def _refuse_limits(self, error: InputError) -> dict[Any, Any]:
        import gradio as gr

        return {
            self.limits.fold: gr.update(open=True),
            self.limits.problem: html.problem_html(str(error)),
        }


_SAVE = "file => document.dispatchEvent(new CustomEvent('footnote-save', {detail: file}))"


def _saving(name: str) -> Callable[[_Exchanges], dict[str, str]]:
    ending, write = _EXPORTS[name]
    return lambda given: {"name": f"footnote.{ending}", "text": write(given)}


async def _wait() -> None:
    await asyncio.sleep(_LATE)
