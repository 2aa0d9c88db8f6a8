"""Response headers that keep a browser from loading or sending anything elsewhere."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from functools import cache
from typing import TYPE_CHECKING

from rag import resources

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Only this server's own parts. 'unsafe-eval': Gradio compiles the templates of gr.HTML and the
# page's own script in the browser. Styles: its components set their sizes in style attributes.
_POLICY = (
    "default-src 'none'; script-src 'self'{hashes} 'unsafe-eval'; connect-src 'self'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "media-src 'self' blob:; manifest-src 'self'; worker-src 'self' blob:; object-src 'none'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'self'"
)
_INLINE = re.compile(rb"<script(?![^>]*\bsrc\s*=)[^>]*>(.*?)</script>", re.DOTALL)


class LocalOnly:
    """ASGI middleware: a second lock behind the escaping of ``rag.web.html``."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; add the headers to its response."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        if scope["path"] == "/":
            # Its scripts are to be read, so it must not come compressed.
            scope["headers"] = [row for row in scope["headers"] if row[0] != b"accept-encoding"]
            return await self.app(scope, receive, _Page(send))

        async def stamped(message: Message) -> None:
            if message["type"] == "http.response.start":
                stamp(message, "")
            await send(message)

        return await self.app(scope, receive, stamped)


class _Page:
    """Sends the page with a policy that names the scripts in it; no other inline script runs."""

    def __init__(self, send: Send) -> None:
        self.send = send
        self.start: Message = {}
        self.body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.start = message
            return
        self.body += message.get("body", b"")
        if not message.get("more_body"):
            stamp(self.start, inline_hashes(self.body) + _report_hash())
            await self.send(self.start)
            await self.send({"type": "http.response.body", "body": self.body})


def inline_hashes(page: bytes) -> str:
    """The sources of a policy that allow the page's inline scripts and no others (CSP 3, 2.3.1)."""
    scripts = dict.fromkeys(_INLINE.findall(page))
    digests = (b64encode(hashlib.sha256(script).digest()).decode() for script in scripts)
    return "".join(f" 'sha256-{digest}'" for digest in digests)


@cache
def _report_hash() -> str:
    """The script of an evaluation report: shown in a frame, it is under the page's policy too."""
    script = resources.path("eval/page/page.js").read_text(encoding="utf-8")
    return inline_hashes(f"<script>{script}</script>".encode())


def stamp(message: Message, hashes: str) -> None:
    """Put the headers on a response that is about to start."""
    from starlette.datastructures import MutableHeaders

    headers = MutableHeaders(scope=message)
    headers.setdefault("Content-Security-Policy", _POLICY.format(hashes=hashes))
    # Nothing to anyone else. With "no-referrer" a form would be sent with "Origin: null".
    headers["Referrer-Policy"] = "same-origin"
    headers["X-Content-Type-Options"] = "nosniff"
