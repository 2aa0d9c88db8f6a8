from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from rag import __version__
from rag.errors import FetchError, InputError, StoreError
from rag.fetch import APIS, PAGE, Request, Service
from rag.loaders import load_papers
from rag.settings import Settings
from rag.types import Paper
from tests.paper_server import Fault, PaperServer, paper_server

__all__ = ["paper_server"]
SERVICES: list[Service] = ["arxiv", "pubmed"]


@dataclass
class Clock:
    """A clock that only moves when somebody sleeps, or is told to."""

    now: float = 100.0
    slept: list[float] = field(default_factory=list)

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 2))
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("rag.polite.time", clock)
    return clock


@pytest.fixture
def settings(tmp_path: Path, paper_server: PaperServer) -> Settings:
    return Settings(
        store=tmp_path / "store",
        arxiv_url=paper_server.arxiv_url,
        pubmed_url=paper_server.pubmed_url,
        _env_file=None,
    )


@dataclass
class Fetch:
    """Runs a fetch, and keeps what it told."""

    settings: Settings
    told: list[str] = field(default_factory=list)
    progress: list[tuple[int, int | None]] = field(default_factory=list)

    def __call__(self, service: Service, limit: int = 100, query: str = "kelp") -> list[Paper]:
        request = Request.of(service, query, limit, self.settings)
        pages = request.pages(
            self.settings, lambda done, total: self.progress.append((done, total)), self.told.append
        )
        return list(load_papers(pages, print))


@pytest.fixture
def fetch(settings: Settings, clock: Clock) -> Fetch:
    return Fetch(settings)


def paths(server: PaperServer) -> list[str]:
    return [path for path, _, _ in server.requests]


@pytest.mark.parametrize("service", SERVICES)
def test_pages_hold_every_paper_once_in_order(service, fetch, paper_server, clock):
    paper_server.papers = 2 * PAGE + 30
    papers = fetch(service, limit=2 * PAGE + 7)
    first = 0 if service == "arxiv" else 1
    assert [paper.title for paper in papers] == [
        f"Reef {n}" for n in range(first, first + 2 * PAGE + 7)
    ]
    assert fetch.progress == [(PAGE, 207), (2 * PAGE, 207), (2 * PAGE + 7, 207)]
    assert fetch.told == [f"your query goes to {APIS[service].name} (127.0.0.1)"]
    pauses = len(paper_server.requests) - 1
    assert clock.slept == [APIS[service].pause] * pauses


@pytest.mark.parametrize("service", SERVICES)
def test_fewer_papers_than_asked_for(service, fetch, paper_server):
    paper_server.papers = PAGE
    assert len(fetch(service, limit=1_000)) == PAGE
    assert len(paper_server.requests) == (1 if service == "arxiv" else 2)


def test_requests_say_who_asks(fetch, paper_server):
    fetch("arxiv", limit=2, query="  kelp   forests ")
    fetch("pubmed", limit=2, query="kelp AND reef[ti]")
    _, asked, headers = paper_server.requests[0]
    assert asked == {"search_query": "all:kelp AND all:forests", "start": "0", "max_results": "2"}
    assert headers["User-Agent"] == f"footnote-rag/{__version__}"
    _, asked, _ = paper_server.requests[1]
    assert asked == {"db": "pubmed", "tool": "footnote-rag", "term": "kelp AND reef[ti]",
                     "retmax": "2", "sort": "relevance"}  # fmt: skip
    _, asked, _ = paper_server.requests[2]
    assert asked == {"db": "pubmed", "tool": "footnote-rag", "id": "1,2", "retmode": "xml"}


@pytest.mark.parametrize(
    ("words", "query"),
    [
        ('kelp "sea urchin" reef', 'all:kelp AND all:"sea urchin" AND all:reef'),
        ("kelp OR urchin reef", "all:kelp OR all:urchin AND all:reef"),
        ("ti:kelp AND cat:q-bio.PE", "ti:kelp AND cat:q-bio.PE"),
        ("kelp ANDNOT (urchin OR crab)", "kelp ANDNOT (urchin OR crab)"),
    ],
)
def test_plain_words_for_arxiv_are_all_to_be_found(words, query, fetch, paper_server):
    fetch("arxiv", query=words)
    assert paper_server.requests[0][1]["search_query"] == query


BROKEN = Fault(body=lambda body: body[: len(body) - 20])


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    ("fault", "told", "pause"),
    [
        (Fault(429, headers={"Retry-After": "17"}), "429", 17),
        (Fault(503, headers={"Retry-After": "Fri, 01 Jan 2016 00:00:00 GMT"}), "503", 5),
        (Fault(500, headers={"Retry-After": "soon"}), "500 Internal Server Error", 5),
        (Fault(cut=True), "no whole answer", 5),
        (BROKEN, "broken", 5),
        (Fault(body=lambda _: b"<html><p>Busy</p></html>"), "found <html>", 5),
        (Fault(body=lambda _: b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'), "refused", 5),
    ],
    ids=["429", "503", "500", "cut", "malformed", "html", "entity"],
)
def test_a_fault_is_tried_again(service, fault, told, pause, fetch, paper_server, clock):
    paper_server.faults.append(fault)
    assert len(fetch(service)) == 3
    assert told in fetch.told[1]
    assert clock.slept[0] == pause
    first, second = paper_server.requests[:2]
    assert first[:2] == second[:2]


@pytest.mark.parametrize("service", SERVICES)
def test_silence_is_tried_again(service, fetch, paper_server):
    fetch.settings = fetch.settings.model_copy(update={"timeout": 0.3})
    paper_server.faults.append(Fault(silent=True))
    assert len(fetch(service)) == 3
    assert "nothing within 0.3 s" in fetch.told[1]


def test_an_empty_page_among_others_is_tried_again(fetch, paper_server):
    paper_server.papers = 2 * PAGE
    empty = Fault(body=lambda _: paper_server._feed([]).encode())
    paper_server.faults.extend([None, empty])
    assert len(fetch("arxiv", limit=2 * PAGE)) == 2 * PAGE
    assert "an empty page" in fetch.told[1]


@pytest.mark.parametrize("service", SERVICES)
def test_it_gives_up_in_the_end_and_goes_on_where_it_stopped(service, fetch, paper_server, clock):
    paper_server.papers = 3 * PAGE
    before = 1 if service == "arxiv" else 2
    paper_server.faults.extend([None] * before + [Fault(503)] * 3)
    with pytest.raises(FetchError) as raised:
        fetch(service, limit=3 * PAGE)
    assert "503 Service Unavailable, 3 times" in str(raised.value)
    assert "(1 pages): the same command goes on" in str(raised.value)
    assert [pause for pause in clock.slept if pause >= 5] == [5, 10]
    asked = len(paper_server.requests)
    assert len(fetch(service, limit=3 * PAGE)) == 3 * PAGE
    assert len(paper_server.requests) == asked + 2  # neither the first page nor the search again


@pytest.mark.parametrize("service", SERVICES)
def test_an_interruption_keeps_the_pages(service, fetch, paper_server, monkeypatch):
    paper_server.papers = 2 * PAGE

    def interrupt(done: int, total: int | None) -> None:
        raise KeyboardInterrupt

    request = Request.of(service, "kelp", 2 * PAGE, fetch.settings)
    with pytest.raises(KeyboardInterrupt):
        request.pages(fetch.settings, interrupt, fetch.told.append)
    asked = len(paper_server.requests)
    assert len(fetch(service, limit=2 * PAGE)) == 2 * PAGE
    assert len(paper_server.requests) == asked + 1


def test_a_page_that_a_pulled_plug_left_is_fetched_again(fetch, paper_server):
    fetch("arxiv")
    request = Request.of("arxiv", "kelp", 100, fetch.settings)
    page = request.folder / "000000.xml"
    page.write_bytes(page.read_bytes()[:100])
    assert len(fetch("arxiv")) == 3
    assert len(paper_server.requests) == 2


def test_another_limit_or_query_begins_anew(fetch, paper_server):
    fetch("arxiv", limit=2)
    assert len(fetch("arxiv", limit=3)) == 3
    fetch("arxiv", limit=3, query="urchins")
    assert len(paper_server.requests) == 3


@pytest.mark.parametrize("service", SERVICES)
def test_nothing_found_leaves_nothing_behind(service, fetch, paper_server):
    paper_server.papers = 0
    with pytest.raises(InputError, match=f"{APIS[service].name} found nothing for 'kelp'"):
        fetch(service)
    assert not fetch.settings.store.exists()


def an_error(body: str) -> Callable[[bytes], bytes]:
    return lambda _: body.encode()


@pytest.mark.parametrize(
    ("service", "fault", "told"),
    [
        ("arxiv", Fault(400, body=an_error("<a>bad\nquery</a>")), r"refused .*400: bad query"),
        ("pubmed", Fault(403, body=an_error("")), r"403: nothing more"),
        ("arxiv", Fault(302, headers={"Location": "http://127.0.0.1:9/"}), "302"),
        ("arxiv", Fault(body=an_error(
            '<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>http://arxiv.org/api/errors#x'
            "</id><summary>unbalanced quotes</summary></entry></feed>")), "unbalanced quotes"),
        ("pubmed", Fault(body=an_error(
            "<eSearchResult><ERROR>Empty term</ERROR></eSearchResult>")), "Empty term"),
    ],
)  # fmt: skip
def test_a_refused_query_is_not_tried_again(service, fault, told, fetch, paper_server):
    paper_server.faults.append(fault)
    with pytest.raises(InputError, match=told):
        fetch(service)
    assert len(paper_server.requests) == 1


@pytest.mark.parametrize("when", ["3600", "Fri, 01 Jan 2100 00:00:00 -0000"])
def test_a_service_that_asks_for_a_long_pause_is_left_alone(when, fetch, paper_server, clock):
    paper_server.faults.append(Fault(429, headers={"Retry-After": when}))
    with pytest.raises(FetchError, match=r"asks to be left alone for \d{4,} s"):
        fetch("arxiv")
    assert clock.slept == []


def test_an_answer_without_end_is_given_up(fetch, paper_server, clock, monkeypatch):
    monkeypatch.setattr("rag.polite._LONGEST", 100)
    with pytest.raises(InputError, match="more than 100 bytes"):
        fetch("arxiv")
    monkeypatch.setattr("rag.polite._LONGEST", 10**6)
    monkeypatch.setattr("rag.polite._SLOWEST", -1)
    with pytest.raises(FetchError, match="no end within"):
        fetch("arxiv")


@pytest.mark.parametrize(
    ("service", "query", "limit", "told"),
    [
        ("arxiv", " \n", 1, "the query is empty"),
        ("pubmed", "kelp", 10_000, "at most 9,999 papers"),
        ("arxiv", "kelp", 30_001, "at most 30,000 papers"),
    ],
)
def test_what_cannot_be_asked_is_not(service, query, limit, told, fetch, paper_server):
    with pytest.raises(InputError, match=told):
        fetch(service, limit, query)
    assert paper_server.requests == []


def test_nobody_listens(fetch):
    fetch.settings = fetch.settings.model_copy(
        update={"arxiv_url": "http://127.0.0.1:9/", "retries": 0}
    )
    with pytest.raises(FetchError, match=r"no whole answer .*1 times"):
        fetch("arxiv")


def test_a_folder_that_cannot_be_made(fetch, paper_server):
    fetch.settings.store.write_text("a file")
    with pytest.raises(StoreError, match="cannot keep pages"):
        fetch("arxiv")
    assert paper_server.requests == []
