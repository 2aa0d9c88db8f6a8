"""arXiv's and PubMed's APIs on the loopback, with as many papers as a test wants, and faults.

Import the fixture into a test module (``from tests.paper_server import paper_server``), set
``papers``, queue faults, then look at ``requests``.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

import pytest

Query = dict[str, str]


@dataclass(frozen=True)
class Fault:
    """What is sent instead of an answer; ``None`` leaves that part of the answer as it is."""

    status: int = 200
    body: Callable[[bytes], bytes] = lambda body: body
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    """Half of the announced bytes are sent."""
    silent: bool = False
    """Nothing is ever sent."""


class PaperServer:
    """The papers, the queue of faults, and what was asked: (path, query, headers)."""

    def __init__(self) -> None:
        self.papers = 3
        self.bare: set[int] = set()
        """Papers without an abstract."""
        self.faults: deque[Fault | None] = deque()
        """For one request each; ``None`` is a plain answer."""
        self.requests: list[tuple[str, Query, dict[str, str]]] = []
        self.on_request: Callable[[], None] = lambda: None
        self.stopping = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True

    @property
    def arxiv_url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}/api/query"

    @property
    def pubmed_url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}/eutils"

    def start(self) -> None:
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        self.stopping.set()
        self._http.shutdown()
        self._http.server_close()

    def answer(self, path: str, query: Query) -> str:
        """The document that the services would send."""
        if path == "/api/query":
            start = int(query["start"])
            end = min(self.papers, start + int(query["max_results"]))
            return self._feed([self._entry(n) for n in range(start, end)])
        if path == "/eutils/esearch.fcgi":
            ids = range(1, min(self.papers, int(query["retmax"])) + 1)
            listed = "".join(f"<Id>{n}</Id>" for n in ids)
            return f"<eSearchResult><Count>{self.papers}</Count><IdList>{listed}</IdList>" + (
                "</eSearchResult>"
            )
        assert path == "/eutils/efetch.fcgi"
        articles = "".join(self._article(int(n)) for n in query["id"].split(","))
        return (
            '<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle//EN" '
            f'"https://example.org/pubmed.dtd"><PubmedArticleSet>{articles}</PubmedArticleSet>'
        )

    def _feed(self, entries: list[str]) -> str:
        return (
            '<?xml version="1.0" encoding="UTF-8"?><feed xmlns="http://www.w3.org/2005/Atom" '
            'xmlns:o="http://a9.com/-/spec/opensearch/1.1/">'
            f"<o:totalResults>{self.papers}</o:totalResults>{''.join(entries)}</feed>"
        )

    def _entry(self, n: int) -> str:
        return (
            f"<entry><id>http://arxiv.org/abs/2101.{n:05}v1</id><title>Reef {n}</title>"
            f"<published>2021-01-01</published><summary>{self._abstract(n)}</summary></entry>"
        )

    def _article(self, n: int) -> str:
        return (
            f"<PubmedArticle><MedlineCitation><PMID>{n}</PMID><Article><ArticleTitle>Reef {n}"
            f"</ArticleTitle><Abstract><AbstractText>{self._abstract(n)}</AbstractText></Abstract>"
            "</Article></MedlineCitation></PubmedArticle>"
        )

    def _abstract(self, n: int) -> str:
        return "" if n in self.bare else escape(f"Kelp covered {n} % of the reef (p < 0.05).")


@pytest.fixture
def paper_server() -> Iterator[PaperServer]:
    """A running server of three papers and no faults."""
    server = PaperServer()
    server.start()
    yield server
    server.stop()


def _handler(server: PaperServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(url.query).items()}
            server.requests.append((url.path, query, dict(self.headers.items())))
            server.on_request()
            fault = (server.faults.popleft() if server.faults else None) or Fault()
            if fault.silent:
                server.stopping.wait(30)
                return
            body = fault.body(server.answer(url.path, query).encode())
            self.send_response(fault.status)
            for name, value in fault.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if fault.cut else body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler
