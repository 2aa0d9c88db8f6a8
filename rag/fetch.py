"""Papers from the public APIs of arXiv and PubMed, as pages that are kept until they are taken in.

Asked over httpx, which the openai client brings: the ``arxiv`` package would bring lxml and
requests, Biopython 3 MB of compiled code, and neither honours Retry-After or can go on where it
was stopped. The pages are files in formats that ``rag ingest`` reads.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from xml.etree.ElementTree import Element

from filelock import FileLock, Timeout

from rag.errors import FetchError, InputError, StoreBusyError, StoreError
from rag.loaders.atom import error_of
from rag.loaders.pubmed_xml import RECORDS
from rag.loaders.xmltree import local, text_of
from rag.polite import Answer, Polite
from rag.settings import Settings

Service = Literal["arxiv", "pubmed"]
OnProgress = Callable[[int, int | None], None]
Tell = Callable[[str], None]
Check = Callable[[Answer], Element]
PAGE = 100
"""Papers asked for at a time."""
_TOOL = "footnote-rag"
_OPERATORS = {"AND", "OR", "ANDNOT"}
_FIELDED = re.compile(r"\b(?:ti|au|abs|co|jr|cat|rn|id|all|submittedDate|lastUpdatedDate):")


@dataclass(frozen=True, slots=True)
class _Api:
    name: str
    pause: float
    """Seconds from one request to the next that its terms of use ask for."""
    most: int
    """Papers that it gives of one search."""


APIS: dict[Service, _Api] = {
    "arxiv": _Api("arXiv", 3.0, 30_000),
    "pubmed": _Api("PubMed", 0.34, 9_999),
}


@dataclass(frozen=True, slots=True)
class Request:
    """A search of one of the services, and the folder in which its pages are kept."""

    service: Service
    query: str
    limit: int
    url: str
    folder: Path

    @classmethod
    def of(cls, service: Service, query: str, limit: int, settings: Settings) -> Request:
        """The request for the ``limit`` papers that fit ``query`` best.

        Raises:
            InputError: the query is empty, or the service gives fewer papers of one search.
        """
        api, query = APIS[service], " ".join(query.split())
        if not query:
            raise InputError("the query is empty; write what the papers are to be about")
        if limit > api.most:
            raise InputError(
                f"--max {limit}: {api.name} gives at most {api.most:,} papers of one search; "
                "narrow the query, by year for instance, and fetch in parts"
            )
        url = (settings.arxiv_url if service == "arxiv" else settings.pubmed_url).rstrip("/")
        digest = hashlib.sha256(f"{url} {query}".encode()).hexdigest()[:12]
        return cls(service, query, limit, url, settings.store / "fetch" / f"{service}-{digest}")

    @property
    def name(self) -> str:
        """The service's own name."""
        return APIS[self.service].name

    def pages(self, settings: Settings, on_progress: OnProgress, tell: Tell) -> list[Path]:
        """Fetch what is not there yet; the files of all pages, in their order.

        Args:
            settings: how long to wait for an answer, and how often to try again.
            on_progress: called with the papers fetched and how many there will be.
            tell: called with lines for people: where the query goes, and what is waited for.

        Raises:
            InputError: nothing was found, or the service does not understand the query.
            FetchError: it could not be reached or used; what came before is kept.
            StoreError: the pages cannot be kept.
        """
        pages: list[Path] = []
        try:
            self._begin()
            with Polite(self.name, APIS[self.service].pause, settings, tell) as polite:
                found = self._arxiv(polite) if self.service == "arxiv" else self._pubmed(polite)
                for path, done, total in found:
                    pages.append(path)
                    on_progress(done, total)
        except FetchError as error:
            kept = f"; what was fetched is kept ({len(pages)} pages): the same command goes on"
            raise FetchError(f"{error}{kept if pages else ''}") from error
        except OSError as error:
            raise self._unkept(error) from error
        if not pages:
            self.forget()
            raise InputError(f"{self.name} found nothing for {self.query!r}; use other words")
        return pages

    @property
    def source(self) -> str:
        """What its papers are said to come from; their pages' names say nothing."""
        return f"{self.service}:{self.query.replace('/', ' ')}"  # no part of a path

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other fetches for the same library out, which would break the pace and the pages.

        Raises:
            StoreBusyError: another one is at work.
            StoreError: the pages cannot be kept.
        """
        lock = FileLock(self.folder.parent / "lock")
        try:
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=0)
        except Timeout as error:
            raise StoreBusyError(
                f"another rag fetch is at work on the library at {self.folder.parent.parent}; "
                "wait until it is done and run the command again"
            ) from error
        except OSError as error:
            raise self._unkept(error) from error
        try:
            yield
        finally:
            with suppress(OSError):
                Path(lock.lock_file).unlink()
            lock.release()
            self._tidy()

    def forget(self) -> None:
        """Remove the pages, and the folders above them that hold nothing else."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self._tidy()

    def _unkept(self, error: OSError) -> StoreError:
        reason = error.strerror or type(error).__name__
        return StoreError(f"cannot keep pages in {self.folder}: {reason}; free it")

    def _tidy(self) -> None:
        for folder in (self.folder.parent, self.folder.parent.parent):
            if not folder.is_dir() or any(folder.iterdir()):
                break
            folder.rmdir()

    def _begin(self) -> None:
        """Make the folder; pages of the same query up to another limit are of no use."""
        told = json.dumps({"query": self.query, "url": self.url, "max": self.limit})
        note = self.folder / "request.json"
        if self.folder.is_dir() and (not note.exists() or note.read_text("utf-8") != told):
            shutil.rmtree(self.folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        note.write_text(told, encoding="utf-8")

    def _arxiv(self, polite: Polite) -> Iterator[tuple[Path, int, int]]:
        query, start, total = _arxiv_query(self.query), 0, self.limit
        while start < total:
            size = min(PAGE, total - start)
            params = {"search_query": query, "start": start, "max_results": size}
            path = self.folder / f"{start:06}.xml"
            page = self._page(polite, path, self.url, params, _arxiv_page(start))
            total = min(self.limit, _number(page, "totalResults"))
            if total:
                start += size
                yield path, min(start, total), total

    def _pubmed(self, polite: Polite) -> Iterator[tuple[Path, int, int]]:
        term = {"term": self.query, "retmax": self.limit, "sort": "relevance"}
        search = self._page(
            polite, self.folder / "ids", f"{self.url}/esearch.fcgi", _ncbi(term), _pubmed_search
        )
        ids = [text_of(found) for found in search.iterfind("IdList/Id")][: self.limit]
        for start in range(0, len(ids), PAGE):
            part = ids[start : start + PAGE]
            params = _ncbi({"id": ",".join(part), "retmode": "xml"})
            path = self.folder / f"{start:06}.xml"
            self._page(polite, path, f"{self.url}/efetch.fcgi", params, _pubmed_page)
            yield path, start + len(part), len(ids)

    def _page(
        self, polite: Polite, path: Path, url: str, params: dict[str, object], check: Check
    ) -> Element:
        """The XML of one page, from its file or from the service; then its file is made."""
        with suppress(FetchError):  # what a pulled plug left of a page is fetched again
            if path.exists():
                return check(Answer(path.read_bytes()))
        root, data = polite.get(url, params, check)
        scratch = path.with_suffix(".part")
        scratch.write_bytes(data)
        scratch.replace(path)
        return root


def _arxiv_query(query: str) -> str:
    """Plain words are all to be found; a query in arXiv's own language goes as it is."""
    if _FIELDED.search(query) or "(" in query:
        return query
    parts: list[str] = []
    for word in re.findall(r'"[^"]+"|[^\s"]+', query):
        if parts and word not in _OPERATORS and parts[-1] not in _OPERATORS:
            parts.append("AND")
        parts.append(word if word in _OPERATORS else f"all:{word}")
    return " ".join(parts)


def _arxiv_page(start: int) -> Check:
    def check(answer: Answer) -> Element:
        feed = answer.xml("feed")
        entries = [element for element in feed if local(element) == "entry"]
        if fault := next(filter(None, map(error_of, entries)), ""):
            raise InputError(f"arXiv does not understand the query: {fault}; correct it")
        if not entries and start < _number(feed, "totalResults"):
            raise FetchError("an empty page of papers")
        return feed

    return check


def _pubmed_search(answer: Answer) -> Element:
    result = answer.xml("eSearchResult")
    if fault := text_of(result.find("ERROR")):
        raise InputError(f"PubMed does not understand the query: {fault}; correct it")
    return result


def _pubmed_page(answer: Answer) -> Element:
    articles = answer.xml("PubmedArticleSet")
    if not any(local(element) in RECORDS for element in articles):
        raise FetchError("an empty page of papers")
    return articles


def _ncbi(params: dict[str, object]) -> dict[str, object]:
    return {"db": "pubmed", "tool": _TOOL, **params}


def _number(feed: Element, name: str) -> int:
    text = text_of(next((element for element in feed if local(element) == name), None))
    if not text.isdecimal():
        raise FetchError(f"no number of papers ({name})")
    return int(text)
