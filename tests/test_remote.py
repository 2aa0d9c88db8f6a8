"""Waits, refusals and tokens of a Chroma server: each is one line for people."""

from __future__ import annotations

import socket
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from rag.errors import SettingsError, StoreError
from rag.remote import Server
from rag.settings import Settings, load
from tests.chroma_server import chroma, running
from tests.shared_node import node

__all__ = ["chroma", "running"]


def server(url: str, **changes: object) -> Server:
    return Server(Settings(chroma_url=url, retries=0, _env_file=None, **changes))  # type: ignore[arg-type]


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    http.daemon_threads = True
    thread = threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{http.server_port}"
    http.shutdown()
    http.server_close()


def answering(status: int, text: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            return

    return Handler


def proxy(target: str, token: str) -> type[BaseHTTPRequestHandler]:
    """Passes on what carries the token."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.headers.get("Authorization") != f"Bearer {token}":
                status, data = 401, b"no"
            else:
                asked = urllib.request.Request(
                    target + self.path, body or None,
                    {"Content-Type": "application/json"}, method=self.command,
                )  # fmt: skip
                try:
                    with urllib.request.urlopen(asked) as reply:
                        status, data = reply.status, reply.read()
                except urllib.error.HTTPError as error:
                    status, data = error.code, error.read()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_PUT = do_DELETE = do_POST  # noqa: N815

        def log_message(self, *_: object) -> None:
            return

    return Handler


def test_a_server_that_is_down_is_told_of() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(StoreError, match=rf"at {url} cannot be reached .*chroma run.*RAG_CHROMA_U"):
        server(url).time()


def test_a_server_that_never_answers_is_not_waited_for() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(StoreError, match=r"did not answer within 0.2 s; look whether"):
            server(url, timeout=0.2).collection("x")


def test_no_request_outlasts_what_leases_rely_on() -> None:
    assert server("http://127.0.0.1:1", timeout=600).timeout == 20


@pytest.mark.parametrize(
    ("status", "text", "told"),
    [
        (200, "<html>", r"is no Chroma server: expected JSON, found '<html>'"),
        (401, "{}", r"refuses access \(401\); set RAG_CHROMA_TOKEN"),
        (500, '{"message": "key s3cret is odd"}', r"answers 500: key \*\*\* is odd; check RAG_"),
        (503, "busy", r"answers 503: Service Unavailable"),
    ],
)
def test_what_a_server_refuses_is_one_line_without_the_token(status, text, told) -> None:
    with serving(answering(status, text)) as url, pytest.raises(StoreError, match=told):
        server(url, chroma_token="s3cret").time()


def test_a_token_opens_a_proxy(chroma, tmp_path) -> None:
    with serving(proxy(chroma.url, "s3cret")) as url:
        assert server(url, chroma_token="s3cret").time() > 0
        with pytest.raises(StoreError, match="set RAG_CHROMA_TOKEN"):
            server(url, chroma_token="wrong").time()
        source = tmp_path / "a.txt"
        source.write_text("Title: Newts\nAbstract: Newts swim in ponds.\n")
        with node(url, tmp_path / "node", chroma_token="s3cret") as library:
            assert library.ingest(source).added == 1
    with node(chroma.url, tmp_path / "other") as library:
        assert library.search("newts in ponds", 1)[0].paper.title == "Newts"


def test_a_database_that_is_not_there_is_told_of(chroma, tmp_path) -> None:
    with (
        node(chroma.url, tmp_path / "n", chroma_database="elsewhere") as library,
        pytest.raises(StoreError, match=r"no library on|RAG_CHROMA_DATABASE"),
    ):
        library.search("newts")


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://x", "http://", "8000"])
def test_an_address_that_is_none_is_refused(url, monkeypatch) -> None:
    monkeypatch.setenv("RAG_CHROMA_URL", url)
    with pytest.raises(SettingsError, match=r"RAG_CHROMA_URL=.* expected an address such as http"):
        load()


def test_of_many_who_make_a_collection_one_wins(chroma) -> None:
    servers = [server(chroma.url) for _ in range(4)]
    made: list[object] = []
    threads = [
        threading.Thread(target=lambda s=s: made.append(s.create("footnote-race", {"x": 1})))
        for s in servers
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(found is not None for found in made) == 1
    old = servers[0].collection("footnote-race")
    assert old
    servers[0].drop_id(old.id)
    new = servers[0].create("footnote-race", {"x": 2})
    servers[1].drop_id(old.id)  # too late: the new one of that name stays
    assert servers[0].collection("footnote-race") == new
