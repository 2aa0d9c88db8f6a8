"""The chat page: Gradio components and the wires between them; ``python app.py`` serves it."""

from __future__ import annotations

import argparse
import os
import sys
import threading
import webbrowser
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from rag import resources
from rag.errors import RagError
from rag.settings import Settings, load
from rag.web import feedback, uploads
from rag.web.access import Access
from rag.web.chats import Chats, default_path, open_or_forget
from rag.web.gradio_import import import_gradio
from rag.web.limits import PLACES, PLACES_WITH_MODEL, WAITING, Limits
from rag.web.server import Server

if TYPE_CHECKING:
    import gradio as gr
    from fastapi import FastAPI

    from rag.web.site import Site

PORT = 7860
_LOCAL = Access()
SESSIONS = 500
"""Open pages and calls whose state is kept, the latest used ones: 60 KB and more for each."""
_HOUR, _DAY = 3600, 86_400
_FONTS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "Arial", "sans-serif")


def launch(
    settings: Settings,
    host: str = "127.0.0.1",
    port: int = PORT,
    open_browser: bool = False,
    shelves: Mapping[str, Path] | None = None,
    access: Access = _LOCAL,
    read_only: bool = False,
) -> None:
    """Serve the page until interrupted; over the sample where there is no library.

    Args:
        settings: who answers, and where the library is.
        host: the address to listen on.
        port: a free one.
        open_browser: show the page to the person at this machine.
        shelves: folders of several libraries by the names that readers see; None: the
            settings' one.
        access: who may come in, and how much they may ask for.
        read_only: readers may only ask.

    Raises:
        RagError: a library cannot be opened, or the port cannot be used.
    """
    server = Server(host, port)

    def tell(line: str) -> None:
        _tell(line)
        server.stage = line

    try:
        _tell(f"Footnote is starting at {server.address}")
        if open_browser:
            webbrowser.open(server.address)
        # It takes as long as everything else, which goes on meanwhile.
        importing = threading.Thread(target=_gradio, name="footnote-import", daemon=True)
        importing.start()
        with ExitStack() as libraries:
            site = _open_site(settings, shelves or {}, read_only, libraries, tell)
            importing.join()
            page = build(site, access, open_or_forget(default_path()))
            page.serve(server)
            _tell(f"Footnote is at {server.address}")
            threading.Thread(target=site.warm, name="footnote-warm", daemon=True).start()
            try:
                server.wait()
            finally:
                page.close()
    finally:
        server.close()


def _open_site(
    settings: Settings,
    shelves: Mapping[str, Path],
    read_only: bool,
    libraries: ExitStack,
    tell: Callable[[str], None],
) -> Site:
    from rag.assistant import Assistant
    from rag.library import Library
    from rag.web.site import Collection, Site, own_collections

    if not shelves:
        return Site(own_collections(settings, libraries, tell), read_only)
    collections: list[Collection] = []
    for name, folder in shelves.items():
        # All share one model in memory.
        embedder = collections[0].assistant.library.embedder if collections else None
        library = Library.open(folder, settings=settings, embedder=embedder)
        libraries.enter_context(library)
        library.status()  # a folder that is no library is an error now, not at a question
        collections.append(Collection(name, Assistant(library)))
    return Site(tuple(collections), read_only)


class Page:
    """The whole application: the page, its API, ``/v1`` and MCP behind one door."""

    def __init__(self, blocks: gr.Blocks, site: Site, access: Access, limits: Limits) -> None:
        self.blocks = blocks
        self.app = _mounted(blocks, site, access, limits)
        self._server: Server | None = None

    def serve(self, server: Server) -> None:
        """Serve it at the server's address."""
        self._server = server
        server.open(self.app)

    def close(self) -> None:
        """Stop serving; the port is free again."""
        if self._server is not None:
            self.blocks.close(verbose=False)  # ends the streams of open pages
            self._server.close()


def build(site: Site, access: Access = _LOCAL, chats: Chats | None = None) -> Page:
    """The page over the site's collections, not yet served; pass it to ``serve``.

    ``chats`` keeps past chats; None: they end with the process.
    """
    _gradio()
    import gradio as gr

    from rag.web.chat_tab import ChatTab
    from rag.web.check_tab import CheckTab
    from rag.web.endpoints import endpoints, hold
    from rag.web.evaluation_tab import EvaluationTab
    from rag.web.front import Front
    from rag.web.library_tab import LibraryTab
    from rag.web.parts import chooser
    from rag.web.past_chats import PastChats

    # Every hour, uploads of the day before are deleted.
    with gr.Blocks(title="Footnote", analytics_enabled=False, delete_cache=(_HOUR, _DAY)) as blocks:
        # First: Gradio would name the page's own events "ask", too.
        endpoints(site)
        front = Front(site)
        chosen = chooser(site)
        with gr.Tabs(elem_id="tabs"):
            with gr.Tab("Ask", elem_id="ask"):
                past = PastChats(chats or Chats())
                chat = ChatTab(site, chosen, feedback.keep, front.welcome(front.about("")))
                chat.connect()
                past.connect(chat)
            changed = LibraryTab(site, chosen).connect()
            CheckTab(site, chosen).connect()
            EvaluationTab(site, chosen).connect()
        front.connect(chat.welcome, chosen, [blocks.load, chosen.change, *changed])
    asks_model = any(each.assistant.writer.endpoint for each in site.collections)
    places = PLACES_WITH_MODEL if asks_model else PLACES
    limits = Limits(access.rate, places)
    hold(blocks, limits)
    blocks.state_session_capacity = SESSIONS
    blocks.queue(default_concurrency_limit=places, max_size=WAITING, api_open=False)
    return Page(blocks, site, access, limits)


def serve(page: Page, host: str, port: int) -> str:
    """Start serving ``page`` in the background; returns its address.

    Raises:
        SettingsError: the port cannot be used.
    """
    server = Server(host, port)
    try:
        page.serve(server)
    except BaseException:
        server.close()
        raise
    return server.address


def _mounted(blocks: gr.Blocks, site: Site, access: Access, limits: Limits) -> FastAPI:
    """The application that serves the Blocks at its root, with what stands beside them."""
    import gradio as gr

    from rag.web.application import application

    app = application(site, access, limits)
    gr.mount_gradio_app(
        app,
        blocks,
        path="/",
        show_error=False,
        max_file_size=f"{access.upload_mb}mb",
        ssr_mode=False,
        run_history=False,
        footer_links=[],
        theme=_theme(),
        css_paths=[resources.path("web/page.css"), resources.path("web/tabs.css")],
        js=resources.path("web/page.js").read_text(encoding="utf-8"),
    )
    mounted = app.routes[-1].app  # type: ignore[attr-defined]
    # As ``Blocks.launch`` does. Gradio's queue asks for the app; without ``is_running`` its streams
    # send no sign of life, without ``has_launched`` it lets a request name any file.
    blocks.app = blocks.server_app = mounted
    blocks.is_running = blocks.has_launched = True
    return app


def _theme() -> gr.themes.Base:
    import gradio as gr

    theme = gr.themes.Base(
        font=[gr.themes.Font(name) for name in _FONTS], font_mono=["ui-monospace", "monospace"]
    )
    # The page's ground before its style sheet is there: no white flash in the dark.
    return theme.set(body_background_fill="#fbfaf8", body_background_fill_dark="#16181b")


def _gradio() -> None:
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["GRADIO_TEMP_DIR"] = str(uploads.folder())
    import_gradio()


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
