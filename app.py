"""The chat page: Gradio components and the wires between them; ``python app.py`` serves it."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag import resources
from rag.errors import RagError, SettingsError
from rag.render import to_dict
from rag.settings import Settings, load
from rag.web.headers import LocalOnly

if TYPE_CHECKING:
    import gradio as gr

    from rag.web.site import Site

PORT = 7860
_FONTS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "Arial", "sans-serif")


def launch(
    settings: Settings, host: str = "127.0.0.1", port: int = PORT, open_browser: bool = False
) -> None:
    """Serve the page until interrupted; over the sample where there is no library.

    Raises:
        RagError: the library cannot be opened, or the port cannot be used.
    """
    from rag.web.site import Site, own_collections

    with ExitStack() as libraries:
        page = build(Site(own_collections(settings, libraries, _tell)))
        _tell(f"Footnote is at {serve(page, host, port, open_browser=open_browser)}")
        try:
            page.block_thread()
        finally:
            page.close()


def build(site: Site) -> gr.Blocks:
    """The page over the site's collections, not yet served; pass it to ``serve``."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    import gradio as gr

    from rag.web import html
    from rag.web.chat_tab import ChatTab
    from rag.web.check_tab import CheckTab
    from rag.web.evaluation_tab import EvaluationTab
    from rag.web.library_tab import LibraryTab
    from rag.web.parts import about_site, chooser, shown

    with gr.Blocks(title="Footnote", analytics_enabled=False) as page:
        # First: Gradio would name the page's own events "ask", too.
        gr.api(_for_programs(site), api_name="ask", concurrency_id="ask")
        shown(html.masthead_html(about_site(site)), "masthead")
        chosen = chooser(site)
        with gr.Tabs(elem_id="tabs"):
            with gr.Tab("Ask", elem_id="ask"):
                ChatTab(site).connect()
            LibraryTab(site, chosen).connect()
            CheckTab(site, chosen).connect()
            EvaluationTab(site, chosen).connect()
    page.queue(default_concurrency_limit=4, max_size=32)
    return page


def _for_programs(site: Site) -> Callable[[str], dict[str, Any]]:
    """The page's API: ``/ask`` answers a question with the JSON document of ``rag ask``."""
    import gradio as gr

    def ask(question: str) -> dict[str, Any]:
        try:
            document: dict[str, Any] = to_dict(site.assistant().ask(question))
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
            css_paths=[resources.path("web/page.css"), resources.path("web/tabs.css")],
            js=resources.path("web/page.js").read_text(encoding="utf-8"),
            app_kwargs={"middleware": [Middleware(LocalOnly)]},
        )
    except OSError as error:
        raise SettingsError(f"port {port} is in use; choose another with --port") from error
    return str(address)


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
