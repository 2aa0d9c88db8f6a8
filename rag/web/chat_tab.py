"""The tab that answers: the conversation, the box to ask in, and the sources beside them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from rag.web import html
from rag.web.exchange import Exchange, end, follow, in_thread
from rag.web.parts import about_site, shown
from rag.web.site import Site

_LATE = 0.3  # seconds
_Exchanges = tuple[Exchange, ...]


class ChatTab:
    """The components of the page, laid out where it is made, and the wires between them."""

    def __init__(self, site: Site) -> None:
        import gradio as gr

        self.site = site
        about = about_site(site)
        self.exchanges, self.stopped_at = gr.State(()), gr.State(0)
        with gr.Row(elem_id="columns"):
            with gr.Column(elem_id="chat", min_width=0):
                self.past, self.now = shown("", "past"), shown("", "now")
                with gr.Column(elem_id="welcome", min_width=0) as self.welcome:
                    shown(html.welcome_html(about), "invitation")
                    self.examples = [gr.Button(q, elem_classes="example") for q in about.examples]
                with gr.Column(elem_id="dock", min_width=0):
                    self._lay_out_dock()
            with gr.Column(elem_id="sources", min_width=0):
                self.panel = shown(html.panel_html(()), "panel")

    def _lay_out_dock(self) -> None:
        import gradio as gr

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
        with gr.Row(elem_id="small-print"):
            shown(html.SMALL_PRINT, "caution")
            self.fresh = gr.Button("New chat", visible=False, elem_id="fresh", min_width=0)

    def connect(self) -> None:
        """Say what each button does. A closed page closes the generators that serve it."""
        outputs = [
            *(self.exchanges, self.past, self.now, self.panel, self.welcome),
            *(self.box, self.send, self.stop, self.fresh),
        ]
        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        triggers = [(self.box.submit, self.box), (self.send.click, self.box)]
        triggers += [(button.click, button) for button in self.examples]
        asked = [
            trigger(self.ask, [question, self.exchanges], outputs, concurrency_id="ask", **quiet)
            for trigger, question in triggers
        ]
        stopped = self.stop.click(
            self.give_up, self.exchanges, [*outputs, self.stopped_at], cancels=asked, **quiet
        )
        waited = stopped.then(_wait, None, None, **quiet)
        waited.then(self.settle, [self.exchanges, self.stopped_at], outputs, **quiet)
        self.fresh.click(lambda: self.show(()), None, outputs, **quiet)

    async def ask(self, question: str, earlier: _Exchanges) -> AsyncIterator[dict[Any, Any]]:
        """Answer into the page, step by step."""
        import gradio as gr

        if not question.strip():
            yield {self.box: gr.update(placeholder=html.NO_QUESTION)}
            return
        step = Exchange(question)
        yield {**self.show((*earlier, step), busy=True), self.box: ""}
        async with aclosing(in_thread(follow(self.site.assistant(), question, earlier))) as steps:
            async for following in steps:
                so_far = (*earlier, following)
                update = {
                    self.exchanges: so_far,
                    self.now: html.exchange_html(following, len(so_far)),
                }
                if following.sources != step.sources:
                    update[self.panel] = html.panel_html(so_far)
                step = following
                yield update
        yield self.show((*earlier, step))

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

    def _ended(self, given: _Exchanges) -> dict[Any, Any]:
        return self.show((*given[:-1], end(given[-1])) if given else ())

    def show(self, given: _Exchanges, *, busy: bool = False) -> dict[Any, Any]:
        """Every component's value for this state of the conversation."""
        import gradio as gr

        return {
            self.exchanges: given,
            self.past: html.conversation_html(given[:-1]),
            self.now: html.exchange_html(given[-1], len(given)) if given else "",
            self.panel: html.panel_html(given),
            self.welcome: gr.update(visible=not given),
            self.send: gr.update(visible=not busy),
            self.stop: gr.update(visible=busy),
            self.fresh: gr.update(visible=bool(given) and not busy),
        }


async def _wait() -> None:
    await asyncio.sleep(_LATE)
