"""Files reach the server by uploading them, and in no other way.

A page's event names an uploaded file by its path on the server. Gradio checks that path only in
an app that was started by ``launch``, and fetches it itself if it is an address; so it is checked
here, before Gradio sees the request, whatever component it is for.
"""

from __future__ import annotations

import atexit
import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.errors import InputError
from rag.web.refusals import refusal

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_EVENTS = re.compile(r"/gradio_api/(?:queue/join|call/.+)")
NOT_UPLOADED = "a file has to be uploaded before it is named; no other can be read"


@cache
def folder() -> Path:
    """Where this process keeps uploads: a folder that no one else on the machine can read."""
    made = Path(tempfile.mkdtemp(prefix="footnote-")).resolve()
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


def uploaded(path: str) -> Path:
    """The uploaded file at ``path``.

    Raises:
        InputError: it is none.
    """
    file = Path(path).resolve() if "\0" not in path else folder()
    if folder() not in file.parents or not file.is_file():
        raise InputError(NOT_UPLOADED)
    return file


class UploadsOnly:
    """ASGI middleware: refuses an event that names a file that was not uploaded."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Look at the files that the request names, then pass it on as it came."""
        if scope["type"] != "http" or scope["method"] != "POST":
            return await self.app(scope, receive, send)
        if not _EVENTS.fullmatch(scope["path"]):
            return await self.app(scope, receive, send)
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return None  # the client left
            body += message.get("body", b"")
            more = message.get("more_body", False)
        try:
            for path in _paths(json.loads(body)):
                uploaded(path)
        except InputError as error:
            return await refusal(scope["path"], 403, str(error))(scope, receive, send)
        except (ValueError, RecursionError):
            return await refusal(scope["path"], 400, "that is not JSON")(scope, receive, send)
        return await self.app(scope, _again(body, receive), send)


def _paths(value: Any) -> Iterator[str]:
    """Every path that a JSON value holds, however deep."""
    if isinstance(value, dict):
        if isinstance(value.get("path"), str):
            yield value["path"]
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _paths(item)


def _again(body: bytes, receive: Receive) -> Receive:
    given = False

    async def once_more() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return once_more
