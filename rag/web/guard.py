"""The door of the server: every request passes it, whatever it is for.

It asks, in this order: is this server meant (DNS rebinding)? Did another web page send the
request (CSRF)? Who is asking? Is the path one of those that the page needs? Only then does
anything else of the server see it.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote

from rag.web import login
from rag.web.access import Access, host_of
from rag.web.accounts import Accounts
from rag.web.caller import Caller, caller_of, from_own_page
from rag.web.limits import BusyError
from rag.web.refusals import refusal
from rag.web.visitors import Visitor, is_id, new_id, note

if TYPE_CHECKING:
    from starlette.datastructures import Headers
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

VISITOR_COOKIE = "footnote_visitor"
LARGEST_BODY = 2_000_000
"""Bytes of any request but an upload."""
_MB = 1_000_000
_YEAR = 365 * 86_400
_OURS = re.compile(r"/(?:healthz|login|logout|mcp|v1(?:/.*)?)?")
# What the front end and gradio_client ask for. The rest of Gradio's routes (its proxy, calls
# that pass by the queue, deep links, the editor, profiles, monitoring) is not there.
_GRADIO = re.compile(
    r"/(?:config|theme\.css|favicon\.ico|robots\.txt|manifest\.json"
    r"|(?:assets|static|svelte)/.+"
    r"|gradio_api/(?:queue/(?:join|data|status)|call/.+|cancel|reset/?|heartbeat/\w[\w-]*"
    r"|info/?|startup-events|theme\.css|upload|upload_progress|file=.+))"
)
_UPLOAD = "/gradio_api/upload"


class TooLargeError(Exception):
    """The body goes on beyond what was allowed."""


class Guard:
    """ASGI middleware; see the module."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self.app, self.access = app, access
        self.door = login.Door(Accounts(access.auth)) if access.auth else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request pass, or answer it here."""
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        if scope["type"] != "http":  # nothing of ours speaks by web sockets
            return await send({"type": "websocket.close", "code": 1008})
        reply = await self._stopped(scope, receive)
        if reply is not None:
            return await reply(scope, receive, send)
        return await self._pass(scope, receive, send)

    async def _stopped(self, scope: Scope, receive: Receive) -> Response | None:
        """The reply that ends the request here; None: it may pass, and has its visitor."""
        from starlette.datastructures import Headers

        path, headers = scope["path"], Headers(scope=scope)
        caller = caller_of(scope, headers, self.access)
        if path == "/healthz":
            note(scope, Visitor("", caller.address))
            return None
        if not self.access.answers_to(host_of(caller.host)):
            return refusal(
                path, 421, f"this server does not answer to the name {host_of(caller.host)!r}; "
                "who runs it can start it with --allow-host NAME",
            )  # fmt: skip
        if not from_own_page(scope["method"], headers, caller.host):
            return refusal(path, 403, "another web page sent this request; it is refused")
        if path in ("/login", "/logout"):
            return await self._login(scope, receive, caller)
        try:
            who = await self._visitor(scope, headers, caller)
        except BusyError as error:
            return refusal(path, 429, str(error), seconds=error.seconds)
        if who is None:
            return _unknown(scope, headers, form=self.door is not None)
        note(scope, who)
        if not (_OURS.fullmatch(path) or _GRADIO.fullmatch(path)):
            return refusal(path, 404, "there is nothing here")
        return None

    async def _visitor(self, scope: Scope, headers: Headers, caller: Caller) -> Visitor | None:
        from starlette.requests import cookie_parser

        cookies = cookie_parser(headers.get("cookie", ""))
        name, by_form = None, False
        if caller.claimed:
            name = caller.claimed
        elif self.door and (given := headers.get("authorization")):
            name = await asyncio.to_thread(self.door.show, given, caller.address)
        elif self.door and (given := cookies.get(login.COOKIE)):
            name, by_form = self.door.of_cookie(given), True
        if self.access.closed:
            return Visitor(name, caller.address, user=True, may_leave=by_form) if name else None
        known = cookies.get(VISITOR_COOKIE, "")
        if is_id(known):
            return Visitor(known, caller.address)
        who = Visitor(new_id(), caller.address)
        if scope["path"] == "/":  # the page; a program would not keep it
            scope["footnote.cookie"] = _cookie(VISITOR_COOKIE, who.name, _YEAR, caller)
        return who

    async def _login(self, scope: Scope, receive: Receive, caller: Caller) -> Response:
        from starlette.requests import Request
        from starlette.responses import HTMLResponse, RedirectResponse

        if self.door is None or scope["method"] not in ("GET", "HEAD", "POST"):
            return refusal(scope["path"], 404, "there is nothing here")
        if scope["path"] == "/logout":
            gone = RedirectResponse("/login", 303)
            gone.headers["set-cookie"] = _cookie(login.COOKIE, "", 0, caller)
            return gone
        request = Request(scope, _limited(receive, 10_000))
        if scope["method"] != "POST":
            target = parse_qs(scope["query_string"].decode("latin-1")).get("next", ["/"])[0]
            return HTMLResponse(login.page(next_path=target), headers=_FORM_POLICY)
        try:
            fields = parse_qs((await request.body()).decode("utf-8", "replace"))
        except TooLargeError:
            return refusal(scope["path"], 413, "that is no login")
        given = {key: values[0] for key, values in fields.items()}
        html = "text/html" in request.headers.get("accept", "")
        return await self._logged_in(given, caller, html)

    async def _logged_in(self, given: dict[str, str], caller: Caller, html: bool) -> Response:
        """The reply to name and password: a page for people, JSON for gradio_client."""
        from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse

        assert self.door is not None
        name, target = given.get("username", "").strip(), given.get("next", "/")
        problem, status, seconds = "Name or password is wrong.", 401, 0
        try:
            right = await asyncio.to_thread(
                self.door.log_in, name, given.get("password", ""), caller.address
            )
        except BusyError as error:
            right, problem, status, seconds = False, str(error), 429, error.seconds
        if right:
            reply: Response = (
                RedirectResponse(_local(target), 303) if html else JSONResponse({"success": True})
            )
            cookie = self.door.cookie(name)
            reply.headers["set-cookie"] = _cookie(login.COOKIE, cookie, login.DAYS * 86_400, caller)
            return reply
        if not html:
            return refusal("/login", status, problem, seconds=seconds)
        headers = _FORM_POLICY | ({"Retry-After": str(seconds)} if seconds else {})
        problem = problem[:1].upper() + problem[1:]
        return HTMLResponse(login.page(problem, target, name), status, headers)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        most = LARGEST_BODY
        if scope["path"] == _UPLOAD:
            most = (self.access.upload_mb + 1) * _MB
        cookie, begun = scope.pop("footnote.cookie", ""), False

        async def stamped(message: Message) -> None:
            nonlocal begun
            begun = True
            if cookie and message["type"] == "http.response.start":
                message["headers"] = [
                    *message.get("headers", ()), (b"set-cookie", cookie.encode("latin-1"))
                ]  # fmt: skip
            await send(message)

        try:
            if _announced(scope) > most:
                raise TooLargeError
            await self.app(scope, _limited(receive, most), stamped)
        except TooLargeError:
            if begun:
                raise
            reply = refusal(scope["path"], 413, f"that is too large; send {most:,} bytes at most")
            await reply(scope, receive, send)


def _unknown(scope: Scope, headers: Headers, form: bool) -> Response:
    """The reply to somebody who is not known: the form for people, 401 for programs."""
    from starlette.responses import RedirectResponse

    if form and scope["method"] == "GET" and "text/html" in headers.get("accept", ""):
        return RedirectResponse(f"/login?next={quote(scope['path'])}", 303)
    if form:
        how = "log in, or send a token: Authorization: Bearer TOKEN"
    else:
        how = "come by way of the proxy that logs people in"
    return refusal(scope["path"], 401, f"the server does not know you; {how}")


def _local(target: str) -> str:
    """``target`` if it is a path of ours, else the page."""
    plain = target.startswith("/") and not re.match(r"/[/\\]", target) and target.isprintable()
    return target if plain and target != "/login" else "/"


def _cookie(name: str, value: str, seconds: int, caller: Caller) -> str:
    secure = "; Secure" if caller.secure else ""
    return f"{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"


def _announced(scope: Scope) -> int:
    length = dict(scope["headers"]).get(b"content-length", b"0")
    return int(length) if length.isdigit() else 0


def _limited(receive: Receive, most: int) -> Receive:
    read = 0

    async def limited() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > most:
            raise TooLargeError
        return message

    return limited


_FORM_POLICY = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "Cache-Control": "no-store",
}
