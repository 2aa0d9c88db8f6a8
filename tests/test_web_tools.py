"""The MCP server, spoken to by the official client: over HTTP, and over standard input."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from rag.assistant import Assistant
from rag.library import Library
from rag.render import to_dict
from rag.web import accounts
from rag.web.access import Access
from tests.serving import post, served, small_library

QUESTION = "How much did kelp cover rise on cleared reefs?"


def talk(server: Any, said: Callable[[Client], Awaitable[Any]]) -> Any:
    async def conversation() -> Any:
        async with Client(server) as client:
            return await said(client)

    return asyncio.run(asyncio.wait_for(conversation(), 90))


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    with small_library(tmp_path_factory.mktemp("tools")) as opened:
        yield opened


@pytest.fixture(scope="module")
def address(library: Library) -> Iterator[str]:
    with served(library) as served_at:
        yield f"{served_at}mcp"


def test_the_tools_say_what_they_do_and_give_back(address: str) -> None:
    tools = {tool.name: tool for tool in talk(address, lambda c: c.list_tools()).tools}
    assert set(tools) == {"search", "ask", "check"}
    for tool in tools.values():
        assert tool.output_schema and tool.output_schema["type"] == "object"
        assert tool.annotations.read_only_hint and len(tool.description) > 100
        assert "ctx" not in tool.input_schema["properties"]
    assert tools["search"].input_schema["required"] == ["question"]


def test_an_answer_is_the_document_of_rag_ask_and_text_to_read(
    address: str, library: Library
) -> None:
    told: list[str] = []

    async def ask(client: Client) -> Any:
        async def heard(_done: float, _all: float | None, message: str | None) -> None:
            told.append(message or "")

        return await client.call_tool("ask", {"question": QUESTION}, progress_callback=heard)

    result = talk(address, ask)
    expected = to_dict(Assistant(library).ask(QUESTION))
    assert not result.is_error
    assert {**result.structured_content, "timings": {}} == {**expected, "timings": {}}
    assert "61%" in result.content[0].text and "[1]" in result.content[0].text
    assert "searching" in told


def test_search_and_check_give_their_documents(address: str) -> None:
    async def both(client: Client) -> Any:
        found = await client.call_tool("search", {"question": "sea urchins", "k": 2})
        checked = await client.call_tool(
            "check", {"text": "Divers removed sea urchins from 14 reefs over three years."}
        )
        return found, checked

    found, checked = talk(address, both)
    papers = found.structured_content["papers"]
    assert [row["rank"] for row in papers] == [1, 2] and papers[0]["paper"]["id"] == "kelp"
    assert checked.structured_content["sentences"][0]["kept"]


@pytest.mark.parametrize(
    ("tool", "given", "says"),
    [
        ("ask", {"question": " "}, "the question is empty"),
        ("ask", {"question": QUESTION, "collection": "Moons"}, "there are: 'Tides'"),
        ("search", {"question": "tides", "k": 0}, "greater than or equal to 1"),
        ("check", {"text": "x" * 60_000}, "50,000"),
    ],
)
def test_a_mistake_comes_back_as_a_line(
    address: str, tool: str, given: dict[str, Any], says: str
) -> None:
    result = talk(address, lambda client: client.call_tool(tool, given))
    assert result.is_error and says in result.content[0].text


def test_the_door_is_the_pages(library: Library, tmp_path: Path) -> None:
    users = tmp_path / "users.json"
    accounts.set_password(users, "ada", "correct horse")
    token = accounts.new_token(users, "ada")

    async def twice(client: Client) -> Any:
        return [await client.call_tool("search", {"question": "tides"}) for _ in range(2)]

    async def with_token(url: str) -> Any:
        headers = {"authorization": f"Bearer {token}"}
        async with (
            httpx2.AsyncClient(headers=headers) as web,
            Client(streamable_http_client(url, http_client=web)) as client,
        ):
            return await twice(client)

    with served(library, Access(users, rate=1)) as served_at:
        assert post(f"{served_at}mcp", json={}).status_code == 401
        with pytest.raises(ExceptionGroup, match="TaskGroup"):
            talk(f"{served_at}mcp", twice)
        first, second = asyncio.run(asyncio.wait_for(with_token(f"{served_at}mcp"), 90))
    assert not first.is_error
    assert second.is_error and "more than 1 question in a minute" in second.content[0].text


def test_rag_mcp_speaks_on_standard_input(tmp_path: Path) -> None:
    source = tmp_path / "papers.jsonl"
    source.write_text('{"id": "kelp", "title": "Kelp", "abstract": "Kelp cover rose by 53%."}\n')
    command = [sys.executable, "-m", "rag"]
    store = ["--store", str(tmp_path / "library")]
    subprocess.run([*command, "ingest", str(source), *store], check=True, capture_output=True)
    server = StdioServerParameters(command=command[0], args=[*command[1:], "mcp", *store])
    found = talk(server, lambda c: c.call_tool("search", {"question": "kelp cover"}))
    assert found.structured_content["papers"][0]["paper"]["id"] == "kelp"
