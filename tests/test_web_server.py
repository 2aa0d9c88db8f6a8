from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI

from rag.errors import SettingsError
from rag.web.server import Server
from tests.serving import get


def test_a_page_says_that_it_is_starting_until_it_is_there() -> None:
    told: list[str] = []

    @asynccontextmanager
    async def life(_app: FastAPI) -> AsyncIterator[None]:
        told.append("up")
        yield
        told.append("down")

    app = FastAPI(lifespan=life)
    app.add_api_route("/", lambda: "here")
    server = Server("127.0.0.1", 0)
    try:
        early = get(server.address, headers={"accept": "text/html"})
        assert early.status_code == 503 and 'http-equiv="refresh"' in early.text
        server.stage = "Loading <the sample>"
        early = get(server.address, headers={"accept": "text/html"})
        assert "Loading &lt;the sample&gt;" in early.text
        probe = get(f"{server.address}healthz")
        assert (probe.status_code, probe.json()) == (503, {"status": "starting"})
        assert probe.headers["retry-after"]
        server.open(app)
        assert get(server.address).json() == "here"
        assert told == ["up"]
    finally:
        server.close()
    assert told == ["up", "down"]
    with pytest.raises(httpx.ConnectError):
        get(server.address)


def test_what_goes_wrong_at_the_start_is_raised() -> None:
    @asynccontextmanager
    async def life(_app: FastAPI) -> AsyncIterator[None]:
        raise RuntimeError("no")
        yield

    server = Server("127.0.0.1", 0)
    try:
        with pytest.raises(RuntimeError, match="no"):
            server.open(FastAPI(lifespan=life))
    finally:
        server.close()


def test_an_address_that_is_none_or_taken_is_said() -> None:
    with pytest.raises(SettingsError, match="--host"):
        Server("no address", 0)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match="choose another with --port"):
            Server("127.0.0.1", port)
