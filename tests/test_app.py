"""What the page offers to programs, asked through Gradio's own client."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

import app
from rag.assistant import Assistant
from rag.documents import search_rows
from rag.errors import InputError
from rag.library import Library
from rag.render import to_dict
from rag.web import uploads
from rag.web.access import Access
from rag.web.programs import READ_ONLY, Programs
from rag.web.site import Collection, Site
from rag.web.uploads import NOT_UPLOADED
from tests.serving import client as connected
from tests.serving import served, small_library

QUESTION = "How much did kelp cover rise on cleared reefs?"
OTHER = [{"id": "moon", "title": "Moon Dust", "abstract": "Lunar dust scratched 7 of 9 visors."}]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    with small_library(tmp_path_factory.mktemp("tides")) as opened:
        yield opened


@pytest.fixture(scope="module")
def moons(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    with small_library(tmp_path_factory.mktemp("moons"), OTHER) as opened:
        yield opened


@pytest.fixture(scope="module")
def address(library: Library, moons: Library) -> Iterator[str]:
    shelves = (Collection("Tides", Assistant(library)), Collection("Moons", Assistant(moons)))
    page = app.build(Site(shelves), Access(upload_mb=1))
    yield app.serve(page, "127.0.0.1", 0)
    page.close()


@pytest.fixture(scope="module")
def client(address: str) -> Client:
    return connected(address)


def same(given: Any, expected: Any) -> bool:
    return {**given, "timings": {}} == {**to_dict(expected), "timings": {}}


def test_a_program_gets_the_document_of_rag_ask(client: Client, library: Library) -> None:
    assert same(client.predict(QUESTION, api_name="/ask"), Assistant(library).ask(QUESTION))


def test_a_program_gets_the_rows_of_rag_search(client: Client, library: Library) -> None:
    expected = to_dict(search_rows(library.search(QUESTION, 2)))
    assert client.predict(QUESTION, 2, api_name="/search") == expected


def test_a_program_gets_the_document_of_rag_check(client: Client, library: Library) -> None:
    text = "Divers removed sea urchins from 14 reefs. Kelp cover fell to 3%."
    checked = client.predict(text, api_name="/check")
    assert checked == to_dict(Assistant(library).check(text))
    assert [sentence["kept"] for sentence in checked["sentences"]] == [True, False]


def test_each_collection_answers_for_itself(client: Client) -> None:
    question = "How many visors did lunar dust scratch?"
    there = client.predict(question, collection="Moons", api_name="/ask")
    assert [row["paper_id"] for row in there["retrieved"]] == ["moon"]
    here = client.predict(question, api_name="/ask")
    assert "moon" not in [row["paper_id"] for row in here["retrieved"]]


def test_a_program_adds_papers_from_a_file_of_its_own(
    client: Client, moons: Library, tmp_path: Path
) -> None:
    file = tmp_path / "more.jsonl"
    file.write_text(json.dumps({"id": "mars", "title": "Mars", "abstract": "Mars is cold."}))
    report = client.predict(handle_file(file), collection="Moons", api_name="/ingest")
    assert (report["added"], report["failed"]) == (1, [])
    assert moons.papers(["mars"])["mars"].sources == ("more.jsonl",)


def test_papers_for_the_sample_go_into_an_own_library(
    library: Library, moons: Library, tmp_path: Path
) -> None:
    sample = Collection("Sample", Assistant(library), fixed=True)
    programs = Programs(Site((sample, Collection("Mine", Assistant(moons)))))
    file = tmp_path / "own.jsonl"
    file.write_text(json.dumps({"id": "own", "title": "Own", "abstract": "Mine is 7 m long."}))
    assert programs.ingest(file).added == 1
    assert "own" in moons.papers(["own"]) and "own" not in library.papers(["own"])
    with pytest.raises(InputError, match="read-only"):
        Programs(Site((sample,))).ingest(file)


@pytest.mark.parametrize(
    ("arguments", "name", "says"),
    [
        ([" "], "/ask", "the question is empty"),
        ([QUESTION, "Suns"], "/ask", "there are: 'Tides', 'Moons'"),
        ([QUESTION, 0], "/search", "ask for 1 to 100"),
        ([" "], "/check", "there is no text"),
        (["x" * 50_001], "/check", "50,001 characters are too many"),
    ],
)
def test_a_program_gets_the_line_that_says_what_to_do(
    client: Client, arguments: list[Any], name: str, says: str
) -> None:
    with pytest.raises(AppError, match=re.escape(says)):
        client.predict(*arguments, api_name=name)


def test_nothing_else_is_open_to_programs(client: Client) -> None:
    named = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert set(named) == {"/ask", "/search", "/check", "/ingest"}


def test_one_question_too_many_is_told_in_words(library: Library) -> None:
    with served(library, Access(rate=1)) as limited:
        client = connected(limited)
        assert client.predict(QUESTION, api_name="/ask")
        with pytest.raises(AppError, match="more than 1 question in a minute"):
            client.predict(QUESTION, api_name="/ask")


# --- files -------------------------------------------------------------------------------


def joined(address: str, file: dict[str, Any]) -> str:
    """What comes of sending ``file`` to /ingest by hand."""
    with httpx.Client(base_url=address, timeout=60) as web:
        sent = web.post("/gradio_api/call/ingest", json={"data": [file, "Moons"]})
        if sent.status_code != 200:
            return sent.text
        return web.get(f"/gradio_api/call/ingest/{sent.json()['event_id']}").text


@pytest.mark.parametrize(
    "how",
    ["path", "parent", "address", "scheme", "store", "nothing", "folder", "out of it", "null"],
)
def test_nobody_names_a_file_of_the_server(address: str, moons: Library, how: str) -> None:
    ledger = next(file for file in moons.path.rglob("*") if file.is_file())
    path = {
        "path": "/etc/passwd",
        "parent": "../../../../../etc/passwd",
        "address": "http://127.0.0.1:1/papers.ris",
        "scheme": "file:///etc/passwd",
        "store": str(ledger),
        "nothing": "",
        "folder": str(uploads.folder()),
        "out of it": f"{uploads.folder()}/../../etc/passwd",
        "null": "/etc/passwd\0",
    }[how]
    for shape in ({}, {"meta": {"_type": "gradio.FileData"}}, {"url": path}):
        assert joined(address, {"path": path, **shape}) == f'{{"detail":"{NOT_UPLOADED}"}}'


def test_gradios_own_check_of_paths_is_on(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.web.uploads._paths", lambda _value: ())
    said = joined(address, {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}})
    assert "event: error" in said and "passwd" not in said
    assert NOT_UPLOADED in joined(address, {"path": "/etc/passwd"})


@pytest.mark.parametrize(
    "path",
    [
        "file=/etc/passwd",
        "file=../../../../../../etc/passwd",
        "file=%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "file=file:///etc/passwd",
        "file=STORE",
        "file=pyproject.toml",
        "file=http://127.0.0.1:1/x",
        "file/etc/passwd",
        "proxy=http://127.0.0.1:1/x",
        "run/ask",
        "api/ask",
        "deep_link",
        "runs",
        "openapi.json",
        "component_server",
        "dev/reload",
        "vibe-code/",
    ],
)
def test_nothing_of_the_server_can_be_read(address: str, moons: Library, path: str) -> None:
    path = path.replace("STORE", str(next(p for p in moons.path.rglob("*") if p.is_file())))
    with httpx.Client(base_url=address, timeout=60) as web:
        got = web.get(f"/gradio_api/{path}")
        assert got.status_code in (403, 404, 405), got.text[:100]
        assert "root:" not in got.text
        for elsewhere in ("/docs", "/openapi.json", "/monitoring", "/static/../../../etc/passwd"):
            assert web.get(elsewhere).status_code == 404


def test_an_upload_has_a_largest_size(address: str, tmp_path: Path) -> None:
    for size in (1_500_000, 3_000_000):  # within and beyond what the door lets through
        sent = httpx.post(f"{address}gradio_api/upload", files={"files": b"x" * size}, timeout=60)
        assert sent.status_code == 413


def test_a_read_only_page_takes_nothing(library: Library, tmp_path: Path) -> None:
    file = tmp_path / "more.jsonl"
    file.write_text("{}")
    with served(library, read_only=True) as address:
        client = connected(address)
        assert client.predict(QUESTION, api_name="/ask")
        with pytest.raises(AppError, match=READ_ONLY):
            client.predict(handle_file(file), api_name="/ingest")


def test_what_went_wrong_inside_stays_inside(library: Library) -> None:
    class Broken(Assistant):
        def stream(self, *_rest: Any, **_named: Any) -> Any:
            raise RuntimeError("secret detail")

    page = app.build(Site((Collection("Tides", Broken(library)),)))
    try:
        address = app.serve(page, "127.0.0.1", 0)
        with pytest.raises(AppError) as failed:
            connected(address).predict(QUESTION, api_name="/ask")
        asked = {"model": "footnote-tides", "messages": [{"role": "user", "content": QUESTION}]}
        sent = httpx.post(f"{address}v1/chat/completions", json=asked, timeout=60)
    finally:
        page.close()
    assert sent.status_code == 500
    assert "secret" not in str(failed.value) and "secret" not in sent.text


def test_only_so_many_sessions_are_kept(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "SESSIONS", 2)
    page = app.build(Site((Collection("Tides", Assistant(library)),)))
    try:
        with httpx.Client(base_url=app.serve(page, "127.0.0.1", 0), timeout=60) as web:
            for _ in range(5):
                sent = web.post("/gradio_api/call/search", json={"data": ["kelp", 1, ""]})
                assert "kelp" in web.get(f"/gradio_api/call/search/{sent.json()['event_id']}").text
        assert len(page.blocks.state_holder.session_data) == 2
    finally:
        page.close()


# --- the server --------------------------------------------------------------------------


def test_a_port_that_is_taken_is_said_and_a_closed_one_is_free(library: Library) -> None:
    with served(library) as address:
        port = int(address.rstrip("/").rpartition(":")[2])
        page = app.build(Site((Collection("Tides", Assistant(library)),)))
        with pytest.raises(app.RagError, match=f"port {port} .* choose another with --port"):
            app.serve(page, "127.0.0.1", port)
    again = app.serve(page, "127.0.0.1", port)
    assert httpx.get(f"{again}healthz", timeout=60).json()["status"] == "ok"
    page.close()
    with pytest.raises(httpx.ConnectError):
        httpx.get(again, timeout=60)
