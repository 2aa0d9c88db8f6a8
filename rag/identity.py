"""When are two records one paper? By DOI, arXiv id or PMID, by a supplied id, or word for word.

Never by the title alone: "Summary" and "Corresponding author" are titles of many papers.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import PurePath
from urllib.parse import unquote

from rag.types import Paper

ID_FIELD = "footnote-id"
"""The BibTeX field in which exports keep a paper's id: a key cannot hold every character."""
ID_PREFIX = "footnote:"
"""What marks a paper's id in the ``ID`` of RIS, where other programs put numbers of their own."""

_DOI = re.compile(r"\b10\.\d+(?:\.\d+)*/\S+")
_ARXIV = re.compile(
    r"(?:^|[/:.\s])(\d{4}\.\d{4,5}|[a-z-]+(?:\.[a-z]{2})?/\d{7})(?:v\d+)?(?:\.pdf)?/?"
    r"(?:\s*\[[\w.-]+\])?$"
)
_ARXIV_DOI = "10.48550/arxiv."
_PMID = re.compile(r"^(?:pmid:?\s*|https?://(?:www\.)?(?:pubmed\.ncbi|ncbi)\.nlm\.nih\.gov/"
                   r"(?:pubmed/)?)?0*([1-9]\d{0,8})/?$")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Record:
    """A paper as one file holds it: ``paper.id`` is empty where the file gives none."""

    source: str
    """The file, by its absolute path; ``-`` for standard input, which is never the same twice."""
    where: str
    """The file and line, for people."""
    paper: Paper


def normal_doi(text: str) -> str:
    """The DOI in ``text``, lower case, without prefix or URL; empty if there is none."""
    found = _DOI.search(unquote(text.strip()).casefold())
    return found[0].rstrip(".,;") if found else ""


def normal_arxiv(text: str) -> str:
    """The arXiv id in ``text`` without version, subject class or URL; empty if there is none."""
    lowered = text.strip().casefold().partition("?")[0]
    found = _ARXIV.search(lowered)
    return re.sub(r"\.[a-z]{2}/", "/", found[1]) if found else ""


def normal_pmid(text: str) -> str:
    """The PubMed id in ``text``; empty if there is none."""
    found = _PMID.match(text.strip().casefold())
    return found[1] if found else ""


@dataclass(frozen=True, slots=True)
class Keys:
    """What a record may be known by. Strings are empty where there is none."""

    given: str = ""
    """The id that its file supplies, unless that is one of the identifiers below."""
    doi: str = ""
    arxiv: str = ""
    pmid: str = ""
    title: int = 0
    """64 bits of the title's digest; case and white space do not count."""
    text: int = 0
    """64 bits of the digest of title and abstract together."""

    @classmethod
    def of(cls, paper: Paper) -> Keys:
        """The keys of a paper as its file holds it."""
        url, named = paper.url.strip(), paper.id.casefold()
        doi = normal_doi(paper.doi) or (normal_doi(url) if "doi.org/" in url.casefold() else "")
        if not doi and normal_doi(named) == named:
            doi = named
        arxiv = normal_arxiv(paper.arxiv_id)
        if not arxiv and "arxiv.org/" in url.casefold():
            arxiv = normal_arxiv(url)
        if doi.startswith(_ARXIV_DOI):  # arXiv's own name for it, with or without a version
            arxiv = arxiv or normal_arxiv(doi.removeprefix(_ARXIV_DOI))
            doi = ""
        pmid = normal_pmid(paper.pmid) or (normal_pmid(url) if "nih.gov/" in url.casefold() else "")
        title, abstract = _plain(paper.title), _plain(paper.abstract)
        given = "" if {named, normal_arxiv(named)} & ({doi, arxiv, pmid} - {""}) else paper.id
        return cls(given, doi, arxiv, pmid, _bits(title), _bits(f"{title}\n{abstract}"))

    def strong(self) -> Iterator[tuple[str, str]]:
        """The public identifiers that it has, each with its kind."""
        for kind in ("doi", "arxiv", "pmid"):
            if value := getattr(self, kind):
                yield kind, value


def made_ids(paper: Paper) -> Iterator[str]:
    """Ids for a paper that has none, best first: of its title, with its text, numbered."""
    words = _plain(paper.title)
    slug = re.sub(r"[\W_]+", "-", words)[:48].strip("-")
    base = f"{slug}-{_digest(words)[:8]}".lstrip("-")
    yield base
    yield f"{base}-{_digest(_plain(paper.abstract))[:8]}"
    for number in count(2):
        yield f"{base}-{number}"


def is_made(paper: Paper) -> bool:
    """Whether the paper's id is one that versions 1 and 2 of the ledger make of its title."""
    base = next(made_ids(paper))
    return re.fullmatch(rf"{re.escape(base)}(?:-\d+|-[0-9a-f]{{8}})?", paper.id) is not None


def merged(paper_id: str, papers: Sequence[Paper], sources: Sequence[str]) -> Paper:
    """One paper of several records of it, oldest first.

    The record with the longest abstract gives the title and all that it has; the others fill
    its gaps. Keywords and remarks are collected.
    """
    first = max(papers, key=lambda paper: len(" ".join(paper.abstract.split())))
    gaps = {
        name: value
        for name in ("authors", "year", "venue", "url", "doi", "arxiv_id", "pmid")
        if not getattr(first, name)
        and (value := next((v for p in papers if (v := getattr(p, name))), None))
    }
    order = [first, *(paper for paper in papers if paper is not first)]
    keywords = {word.casefold(): word for paper in reversed(order) for word in paper.keywords}
    mine = {word.casefold() for word in first.keywords}
    return replace(
        first,
        id=paper_id,
        keywords=first.keywords + tuple(w for key, w in keywords.items() if key not in mine),
        note=" ".join(dict.fromkeys(paper.note for paper in order if paper.note)),
        sources=tuple(dict.fromkeys(PurePath(source).name for source in sources if source)),
        **gaps,
    )


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _digest(text: str) -> str:
    # Halves of surrogate pairs are gone since the loaders; whoever makes a Paper may have some.
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _bits(text: str) -> int:
    return int.from_bytes(bytes.fromhex(_digest(text)[:16]), signed=True)
