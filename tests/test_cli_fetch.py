from __future__ import annotations

import json
from pathlib import Path

import pytest
from filelock import FileLock

from rag import sample
from rag.fetch import PAGE
from rag.library import Library
from rag.settings import Settings
from tests.conftest import Rag
from tests.fakes import HashEmbedder
from tests.paper_server import Fault, PaperServer, paper_server
from tests.test_fetch import Clock, clock

__all__ = ["clock", "paper_server"]


@pytest.fixture
def store(
    tmp_path: Path, paper_server: PaperServer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> Path:
    monkeypatch.setattr("rag.embedding.load_embedder", lambda _: HashEmbedder())
    monkeypatch.setenv("RAG_ARXIV_URL", paper_server.arxiv_url)
    monkeypatch.setenv("RAG_PUBMED_URL", paper_server.pubmed_url)
    monkeypatch.setenv("RAG_STORE", str(tmp_path / "store"))
    return tmp_path / "store"


def held(store: Path) -> list[str]:
    settings = Settings(store=store, _env_file=None)
    with Library(settings, HashEmbedder()) as library:
        return sorted(hit.paper.id for hit in library.search("kelp reef", 500))


@pytest.mark.parametrize(
    ("service", "ids"),
    [("arxiv", ["2101.00000", "2101.00002"]), ("pubmed", ["1", "3"])],
)
def test_what_is_found_is_taken_in_and_reported(service, ids, rag: Rag, store, paper_server):
    paper_server.bare = {1 if service == "arxiv" else 2}
    status, out, err = rag("fetch", service, "kelp", "--json")
    assert status == 0, err
    report = json.loads(out)
    assert (report["added"], report["updated"], report["unchanged"]) == (2, 0, 0)
    [failure] = report["failed"]
    assert failure["reason"] == "abstract: expected text, found nothing"
    assert failure["where"].endswith(
        "record 2 (arXiv 2101.00001)" if service == "arxiv" else "record 2 (PMID 2)"
    )
    assert "your query goes to " in err
    assert held(store) == ids
    assert not (store / "fetch").exists()


@pytest.mark.parametrize("service", ["arxiv", "pubmed"])
def test_papers_name_the_query_that_found_them(service, rag: Rag, store):
    assert rag("fetch", service, "kelp/reef  tides")[0] == 0
    _, out, _ = rag("search", "kelp", "-k", "1", "--json")
    assert json.loads(out)[0]["paper"]["sources"] == [f"{service}:kelp reef tides"]


def test_one_fetch_at_a_time(rag: Rag, store, paper_server):
    (store / "fetch").mkdir(parents=True)
    with FileLock(store / "fetch" / "lock"):
        status, out, err = rag("fetch", "pubmed", "kelp")
    assert (status, out) == (1, "")
    assert "another rag fetch is at work on the library" in err.splitlines()[-1]
    assert paper_server.requests == []
    assert rag("fetch", "pubmed", "kelp")[0] == 0
    assert not (store / "fetch").exists()


def test_pages_outlast_another_writer(rag: Rag, store, paper_server):
    rag("fetch", "arxiv", "kelp", "--max", "1")
    with FileLock(store / "write.lock"):
        status, _, err = rag("fetch", "pubmed", "kelp")
    assert status == 1
    assert "the same command goes on from there" in err
    asked = len(paper_server.requests)
    assert rag("fetch", "pubmed", "kelp")[0] == 0
    assert len(paper_server.requests) == asked


def test_a_second_fetch_finds_them_unchanged(rag: Rag, store):
    rag("fetch", "arxiv", "kelp", "--max", "2")
    status, out, _ = rag("fetch", "arxiv", "kelp", "--max", "3")
    assert status == 0
    assert "1 added" in out
    assert "2 unchanged" in out


def test_an_interrupted_fetch_goes_on(rag: Rag, store, paper_server, clock):
    paper_server.papers = 2 * PAGE
    sleep = clock.sleep

    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    clock.sleep = interrupt
    status, out, err = rag("fetch", "arxiv", "kelp", "--max", 2 * PAGE, "--json")
    assert (status, out) == (130, "")
    assert "the same command goes on from there" in err
    clock.sleep = sleep
    status, out, _ = rag("fetch", "arxiv", "kelp", "--max", 2 * PAGE, "--json")
    assert status == 0
    assert json.loads(out)["added"] == 2 * PAGE
    assert len(paper_server.requests) == 2


def test_what_an_interrupted_fetch_left_is_no_library_yet(tmp_path, monkeypatch):
    monkeypatch.delenv("RAG_STORE", raising=False)
    monkeypatch.setattr("rag.settings.user_data_path", lambda name: tmp_path / name)
    settings = Settings(_env_file=None)
    (settings.store / "fetch" / "arxiv-0").mkdir(parents=True)
    assert sample.stands_in(settings)
    (settings.store / "ledger.sqlite3").touch()
    assert not sample.stands_in(settings)


def test_an_interrupted_ingest_asks_nobody_again(rag: Rag, store, paper_server, monkeypatch):
    paper_server.papers = PAGE

    def fail(self: Library, *_args: object, **_named: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Library, "ingest", fail)
        assert rag("fetch", "pubmed", "kelp")[0] == 130
    asked = len(paper_server.requests)
    assert rag("fetch", "pubmed", "kelp")[0] == 0
    assert len(paper_server.requests) == asked
    assert len(held(store)) == PAGE


def test_faults_are_one_line(rag: Rag, store, paper_server):
    paper_server.faults.extend([Fault(500)] * 3)
    status, out, err = rag("fetch", "pubmed", "kelp")
    assert (status, out) == (1, "")
    last = err.splitlines()[-1]
    assert last.startswith("rag: error: PubMed answered with 500 Internal Server Error, 3 times")


def test_papers_without_an_abstract_alone_are_an_error(rag: Rag, store, paper_server):
    paper_server.bare = {1, 2, 3}
    status, _, err = rag("fetch", "pubmed", "kelp")
    assert status == 1
    assert "nothing was taken in; first:" in err


@pytest.mark.parametrize(
    "args", [[], ["arxiv"], ["scholar", "kelp"], ["arxiv", "kelp", "--max", "0"]]
)
def test_wrong_usage_is_status_2(rag: Rag, args):
    assert rag("fetch", *args)[0] == 2
