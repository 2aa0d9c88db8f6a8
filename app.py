"""The chat page: Gradio components and the wires between them; ``python app.py`` serves it."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag import html, resources
from rag.errors import RagError, SettingsError
from rag.exchange import Exchange, end, follow, in_thread
from rag.headers import LocalOnly
from rag.render import to_dict
from rag.settings import Settings, load

if TYPE_CHECKING:
    import gradio as gr

    from rag.assistant import Assistant

PORT = 7860
_LATE = 0.3  # seconds
_FONTS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "Arial", "sans-serif")
_Exchanges = tuple[Exchange, ...]


def launch(
    settings: Settings, host: str = "127.0.0.1", port: int = PORT, open_browser: bool = False
) -> None:
    """Serve the page until interrupted; over the sample where there is no library.

    Raises:
        RagError: the library cannot be opened, or the port cannot be used.
    """
    from rag import sample
    from rag.assistant import Assistant

    with sample.open_library(settings, _tell) as library:
        page = build(Assistant(library))
        _tell(f"Footnote is at {serve(page, host, port, open_browser=open_browser)}")
        try:
            page.block_thread()
        finally:
            page.close()


def build(assistant: Assistant) -> gr.Blocks:
    """The page over ``assistant``, not yet served; pass it to ``serve``."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    import gradio as gr

    with gr.Blocks(title="Footnote", analytics_enabled=False) as page:
        # First: Gradio would name the page's own events "ask", too.
        gr.api(_for_programs(assistant), api_name="ask", concurrency_id="ask")
        _Chat(assistant).connect()
    page.queue(default_concurrency_limit=4, max_size=32)
    return page


def _for_programs(assistant: Assistant) -> Callable[[str], dict[str, Any]]:
    """The page's API: ``/ask`` answers a question with the JSON document of ``rag ask``."""
    import gradio as gr

    def ask(question: str) -> dict[str, Any]:
        try:
            document: dict[str, Any] = to_dict(assistant.ask(question))
        except RagError as error:
            raise gr.Error(str(error), print_exception=False) from error
        return document

    return ask


def serve(page: gr.Blocks, host: str, port: int, *, open_browser: bool = False) -> str:
    """Start serving ``page`` in the background; returns its address.

    Raises:
        SettingsError: the port cannot be used.
    """
    from starlette.middleware import Middleware

    try:
        _, address, _ = page.launch(
            server_name=host,
            server_port=port,
            inbrowser=open_browser,
            prevent_thread_lock=True,
            show_error=False,
            quiet=True,
            ssr_mode=False,
            footer_links=[],
            theme=_theme(),
            css_paths=resources.path("page.css"),
            js=resources.path("page.js").read_text(encoding="utf-8"),
            app_kwargs={"middleware": [Middleware(LocalOnly)]},
        )
    except OSError as error:
        raise SettingsError(f"port {port} is in use; choose another with --port") from error
    return str(address)


class _Chat:
    """The components of the page, laid out where it is made, and the wires between them."""

    def __init__(self, assistant: Assistant) -> None:
        import gradio as gr

        self.assistant = assistant
        about = _about(assistant)
        self.exchanges, self.stopped_at = gr.State(()), gr.State(0)
        _html(html.masthead_html(about), "masthead")
        with gr.Row(elem_id="columns"):
            with gr.Column(elem_id="chat", min_width=0):
                self.past, self.now = _html("", "past"), _html("", "now")
                with gr.Column(elem_id="welcome", min_width=0) as self.welcome:
                    _html(html.welcome_html(about), "invitation")
                    self.examples = [gr.Button(q, elem_classes="example") for q in about.examples]
                with gr.Column(elem_id="dock", min_width=0):
                    self._lay_out_dock()
            with gr.Column(elem_id="sources", min_width=0):
                self.panel = _html(html.panel_html(()), "panel")

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
            _html(html.SMALL_PRINT, "caution")
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
        async with aclosing(in_thread(follow(self.assistant, question, earlier))) as steps:
            async for following in steps:
                shown = (*earlier, following)
                update = {
                    self.exchanges: shown,
                    self.now: html.exchange_html(following, len(shown)),
                }
                if following.sources != step.sources:
                    update[self.panel] = html.panel_html(shown)
                step = following
                yield update
        yield self.show((*earlier, step))

    def give_up(self, shown: _Exchanges) -> dict[Any, Any]:
        """What the stop button leaves: the sentences that were checked before."""
        return {**self._ended(shown), self.stopped_at: len(shown)}

    def settle(self, shown: _Exchanges, stopped_at: int) -> dict[Any, Any]:
        """The same once more: a busy server delivers a stopped question's last step late.

        Not if the reader has asked anew meanwhile.
        """
        import gradio as gr

        if len(shown) != stopped_at:
            skipped: dict[Any, Any] = gr.skip()
            return skipped
        return self._ended(shown)

    def _ended(self, shown: _Exchanges) -> dict[Any, Any]:
        return self.show((*shown[:-1], end(shown[-1])) if shown else ())

    def show(self, shown: _Exchanges, *, busy: bool = False) -> dict[Any, Any]:
        """Every component's value for this state of the conversation."""
        import gradio as gr

        return {
            self.exchanges: shown,
            self.past: html.conversation_html(shown[:-1]),
            self.now: html.exchange_html(shown[-1], len(shown)) if shown else "",
            self.panel: html.panel_html(shown),
            self.welcome: gr.update(visible=not shown),
            self.send: gr.update(visible=not busy),
            self.stop: gr.update(visible=busy),
            self.fresh: gr.update(visible=bool(shown) and not busy),
        }


def _about(assistant: Assistant) -> html.About:
    from rag import sample

    library = assistant.library
    remark = sample.remark(library)
    return html.About(
        status=library.status(),
        answered_by=html.answered_by(assistant.writer, library.embedder),
        notice=f"Sample collection: {remark}" if remark else "",
        examples=sample.questions() if remark else (),
    )


async def _wait() -> None:
    await asyncio.sleep(_LATE)


def _html(value: str, name: str) -> gr.HTML:
    import gradio as gr

    # No script of its own and no template: the value is shown as rag.html escaped it.
    return gr.HTML(value, elem_id=name, apply_default_css=False, js_on_load=None)


def _theme() -> gr.themes.Base:
    import gradio as gr

    theme = gr.themes.Base(
        font=[gr.themes.Font(name) for name in _FONTS], font_mono=["ui-monospace", "monospace"]
    )
    # The page's ground before its style sheet is there: no white flash in the dark.
    return theme.set(body_background_fill="#fbfaf8", body_background_fill_dark="#16181b")


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> int:
    """Run the page from the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description="Serve Footnote's chat page on this machine.")
    parser.add_argument("--port", type=int, default=PORT, help="port to serve on (%(default)s)")
    parser.add_argument("--store", type=Path, help="folder of the collection")
    options = parser.parse_args()
    try:
        launch(load(store=options.store), port=options.port)
    except RagError as error:
        _tell(f"error: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
