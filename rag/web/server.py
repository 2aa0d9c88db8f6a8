"""The server under the page: its port, its thread, and what it says until the page is there."""

from __future__ import annotations

import asyncio
import socket
import threading
from concurrent.futures import Future
from html import escape
from typing import TYPE_CHECKING

from rag.errors import SettingsError
from rag.web.login import STYLE

if TYPE_CHECKING:
    import uvicorn
    from fastapi import FastAPI
    from starlette.types import Receive, Scope, Send

_STOP = 3
"""Seconds for what is being sent when the server stops."""
_STARTING = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Footnote is starting</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="1"><style>{STYLE}</style></head>
<body><main role="status"><h1>Footnote<sup aria-hidden="true">1</sup></h1>
<p>Starting: this takes a few seconds. The page opens by itself.</p>
"""


class Server:
    """Holds a port from the first moment, and serves an application once it is opened.

    Importing Gradio takes seconds; meanwhile a browser sees a page that looks again every
    second, and a program is told to come back (503).
    """

    def __init__(self, host: str, port: int) -> None:
        """Take the port; 0 takes a free one.

        Raises:
            SettingsError: the port cannot be used.
        """
        self._app: FastAPI | None = None
        self.stage = ""
        """What is being done until then, a line for people."""
        self._socket = _bound(host, port)
        self.port: int = self._socket.getsockname()[1]
        shown = "localhost" if host in ("0.0.0.0", "::", "") else host
        self.address = f"http://{f'[{shown}]' if ':' in shown else shown}:{self.port}/"
        self._uvicorn = _uvicorn(self)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()
        self._serving: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run, name="footnote-server", daemon=True)
        self._thread.start()

    def open(self, app: FastAPI) -> None:
        """Serve ``app`` from now on; returns when its start-up is done, and raises its errors."""
        opened: Future[None] = Future()
        while self._loop is None and self._thread.is_alive():
            threading.Event().wait(0.01)
        if self._loop is None:
            raise SettingsError("the server did not start; its log says why")

        def begin() -> None:
            self._serving = asyncio.ensure_future(self._live(app, opened))

        self._loop.call_soon_threadsafe(begin)
        opened.result()

    def wait(self) -> None:
        """Until the server is closed, or the person at the terminal interrupts."""
        while self._thread.is_alive():
            self._thread.join(0.5)  # a join without end would not see Ctrl+C on Windows

    def close(self) -> None:
        """Stop serving and give the port back."""
        self._uvicorn.should_exit = True
        self._thread.join(_STOP + 5)
        self._socket.close()

    def _run(self) -> None:
        self._uvicorn.run(sockets=[self._socket])

    async def _live(self, app: FastAPI, opened: Future[None]) -> None:
        """The application's life, start to end, in one task as its context managers ask for."""
        try:
            async with app.router.lifespan_context(app):
                self._app = app
                opened.set_result(None)
                await self._stopping.wait()
        except BaseException as error:
            if opened.done():
                raise
            opened.set_exception(error)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request: as an ASGI application."""
        if scope["type"] == "lifespan":
            return await self._lifespan(receive, send)
        if self._app is not None:
            return await self._app(scope, receive, send)
        return await _starting(self.stage, scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        self._loop = asyncio.get_running_loop()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self._stopping.set()
        if self._serving is not None:
            await self._serving
        await send({"type": "lifespan.shutdown.complete"})


async def _starting(stage: str, scope: Scope, receive: Receive, send: Send) -> None:
    from starlette.datastructures import Headers
    from starlette.responses import HTMLResponse, JSONResponse, Response

    if scope["type"] != "http":
        return
    headers = {"Retry-After": "2", "Cache-Control": "no-store"}
    reply: Response = JSONResponse({"status": "starting"}, 503, headers)
    if "text/html" in Headers(scope=scope).get("accept", ""):
        doing = f"<p>{escape(stage)}</p>" if stage else ""
        reply = HTMLResponse(f"{_STARTING}{doing}</main></body></html>", 503, headers)
    await reply(scope, receive, send)


def _bound(host: str, port: int) -> socket.socket:
    try:
        kind, _, _, _, address = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(kind, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(256)
    except socket.gaierror as error:
        raise SettingsError(f"{host!r} is no address of this machine; see --host") from error
    except OSError as error:
        raise SettingsError(
            f"port {port} of {host} cannot be used ({error.strerror}); choose another with --port"
        ) from error
    return listening


def _uvicorn(app: Server) -> uvicorn.Server:
    import uvicorn

    return uvicorn.Server(
        uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            lifespan="on",
            ws="none",
            # The guard decides which proxies are believed.
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=_STOP,
        )
    )
