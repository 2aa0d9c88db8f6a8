"""What the page offers to programs, asked through Gradio's own client."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

import app
from rag.assistant import Assistant
from rag.library import Library
from rag.render import to_dict
from rag.web.site import Collection, Site


@pytest.fixture
def client(library: Library) -> Iterator[Client]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    page = app.build(Site((Collection("Tides", Assistant(library)),)))
    yield Client(app.serve(page, "127.0.0.1", port), verbose=False)
    page.close(verbose=False)


def test_a_program_gets_the_document_of_rag_ask(client: Client, library: Library) -> None:
    question = "How high was the tide?"
    expected = to_dict(Assistant(library).ask(question))
    given = client.predict(question, api_name="/ask")
    assert {**given, "timings": {}} == {**expected, "timings": {}}


def test_a_program_gets_the_line_that_says_what_to_do(client: Client) -> None:
    with pytest.raises(AppError, match="the question is empty"):
        client.predict(" ", api_name="/ask")


def test_nothing_else_is_open_to_programs(client: Client) -> None:
    named = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert list(named) == ["/ask"]
