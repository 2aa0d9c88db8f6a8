"""A chat model on the loopback that says what a test scripted, faults included.

It speaks ``/v1/chat/completions``, streaming or not. Import the fixture into a test module
(``from tests.model_server import model_server``), queue replies, then look at ``requests``.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


@dataclass(frozen=True)
class Reply:
    """One scripted reply; the default is a whole text, word by word, with its usage."""

    text: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    """The connection is dropped after the text."""
    pause: float = 0.0
    """Seconds before each word."""
    silent: bool = False
    """Nothing is ever sent after the text."""
    finish: str | None = "stop"
    done: bool = True
    """Whether the last event of the protocol is sent."""
    usage: bool = True

    @property
    def pieces(self) -> list[str]:
        words = self.text.split(" ")
        return [word + " " for word in words[:-1]] + words[-1:]


class ModelServer:
    """The queue of replies, and what was asked; an empty queue answers ``default``."""

    def __init__(self) -> None:
        self.replies: deque[Reply] = deque()
        self.default = Reply("NO_ANSWER")
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.disconnected = threading.Event()
        self.stopping = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True

    @property
    def url(self) -> str:
        """The address to put into OPENAI_BASE_URL."""
        return f"http://127.0.0.1:{self._http.server_port}/v1"

    def say(self, *texts: str) -> None:
        """Queue whole replies."""
        self.replies.extend(Reply(text) for text in texts)

    def fail(self, status: int, message: str = "scripted", **headers: str) -> None:
        """Queue an error status; header names are given with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.replies.append(Reply(message, status=status, headers=named))

    def add(self, text: str, **changes: Any) -> None:
        """Queue a reply with the fields of ``Reply`` changed."""
        self.replies.append(Reply(text, **changes))

    def prompt(self, index: int = -1) -> str:
        """The text of one request's messages, joined."""
        return "\n".join(m["content"] for m in self.requests[index]["messages"])

    def start(self) -> None:
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        self.stopping.set()
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def model_server() -> Iterator[ModelServer]:
    """A running model server with an empty script."""
    server = ModelServer()
    server.start()
    yield server
    server.stop()


def _handler(server: ModelServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path != "/v1/chat/completions":
                return self._send_json(404, {"error": {"message": f"no {self.path} here"}})
            server.requests.append(body)
            server.headers.append(dict(self.headers.items()))
            reply = server.replies.popleft() if server.replies else server.default
            try:
                self._send(reply, body)
            except OSError:
                server.disconnected.set()
            return None

        def _send(self, reply: Reply, body: dict[str, Any]) -> None:
            if reply.status != 200:
                error = {"error": {"message": reply.text}}
                self._send_json(reply.status, error, reply.headers)
            elif body.get("stream"):
                self._send_stream(reply, body)
            else:
                choice = {"index": 0, "finish_reason": reply.finish}
                choice["message"] = {"role": "assistant", "content": reply.text}
                self._send_json(200, _envelope(body, choices=[choice], usage=_usage(reply)))

        def _send_stream(self, reply: Reply, body: dict[str, Any]) -> None:
            if reply.silent and not reply.text:
                server.stopping.wait()
                return
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            for piece in reply.pieces:
                server.stopping.wait(reply.pause)
                self._send_chunk(body, {"content": piece}, None)
            if reply.silent:
                server.stopping.wait()
            if reply.cut:
                return
            self._send_chunk(body, {}, reply.finish)
            if reply.usage and body.get("stream_options", {}).get("include_usage"):
                self._send_event(_envelope(body, choices=[], usage=_usage(reply)))
            if reply.done:
                self.wfile.write(b"data: [DONE]\n\n")

        def _send_chunk(self, body: dict[str, Any], delta: Any, finish: str | None) -> None:
            choice = {"index": 0, "delta": delta, "finish_reason": finish}
            self._send_event(_envelope(body, choices=[choice]))

        def _send_event(self, event: dict[str, Any]) -> None:
            self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())
            self.wfile.flush()

        def _send_json(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
            data = json.dumps(body).encode()
            fixed = {"Content-Type": "application/json", "Content-Length": str(len(data))}
            self.send_response(status)
            for name, value in {**fixed, **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: object) -> None:
            pass

    return Handler


def _envelope(body: dict[str, Any], **fields: Any) -> dict[str, Any]:
    kind = "chat.completion.chunk" if body.get("stream") else "chat.completion"
    return {"id": "c1", "object": kind, "created": 0, "model": body["model"], **fields}


def _usage(reply: Reply) -> dict[str, int]:
    count = len(reply.pieces)
    return {"prompt_tokens": 100, "completion_tokens": count, "total_tokens": 100 + count}
