"""PubMed XML: what efetch returns, "Save as XML", and the files of the yearly baseline."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from rag.errors import InputError
from rag.loaders.references import paper_of
from rag.loaders.textfile import Format, OnFailure, Record, TextFile
from rag.loaders.xmltree import records, root_is, text_of
from rag.types import Failure

RECORDS = ("PubmedArticle", "PubmedBookArticle")
"""The elements that hold a paper each."""
_UNTOLD = {"", "UNLABELLED", "UNASSIGNED"}


def load(file: TextFile, on_failure: OnFailure) -> Iterator[Record]:
    """The papers of a PubMed XML file: articles, books and their chapters.

    Raises:
        InputError: the XML is broken from the start, holds no record or is dangerous.
    """
    for number, element in enumerate(records(file, RECORDS, on_failure), 1):
        where = file.record(number)
        if pmid := text_of(element.find("*/PMID")):
            where += f" (PMID {pmid})"
        try:
            yield where, paper_of(_record(element, pmid))
        except InputError as error:
            on_failure(Failure(where, str(error)))


def _record(element: Element, pmid: str) -> dict[str, object]:
    book = element.find("BookDocument")
    citation = element.find("MedlineCitation")
    paper = book if book is not None else element.find("MedlineCitation/Article")
    if paper is None:
        raise InputError("expected an <Article> or <BookDocument>, found neither")
    outer = citation if citation is not None else paper
    terms = [
        *outer.iterfind("KeywordList/Keyword"),
        *outer.iterfind("MeshHeadingList/*/DescriptorName"),
    ]
    return {
        "id": pmid,
        "title": _first(paper, "ArticleTitle", "VernacularTitle", "Book/BookTitle"),
        "abstract": _abstract(paper, outer),
        "authors": _authors(paper),
        "year": _year(paper),
        "venue": _first(paper, "Journal/Title", "Journal/ISOAbbreviation", "Book/BookTitle"),
        "url": f"https://pubmed.ncbi.nlm.nih.gov/{pmid}/" if pmid else "",
        "doi": _doi(element, paper),
        "pmid": pmid,
        "keywords": list(dict.fromkeys(map(text_of, terms))),
    }


def _abstract(paper: Element, outer: Element) -> str | None:
    """The abstract, its parts under their labels; else one in another language or by others."""
    for abstract in [*paper.iterfind("Abstract"), *outer.iterfind("OtherAbstract")]:
        parts = []
        for part in abstract.iterfind("AbstractText"):
            label = " ".join(part.get("Label", "").split()).rstrip(":")
            text = text_of(part)
            parts.append(text if label in _UNTOLD or not text else f"{label}: {text}")
        if whole := " ".join(part for part in parts if part):
            return whole
    return None


def _authors(paper: Element) -> list[str]:
    """The authors; where a book's chapter has its own, not the editors of the book."""
    lists = [*paper.iterfind("AuthorList"), *paper.iterfind("Book/AuthorList")]
    wanted = [people for people in lists if people.get("Type", "authors") == "authors"] or lists
    return [_name(author) for author in wanted[0].iterfind("Author")] if wanted else []


def _name(author: Element) -> str:
    first = _first(author, "ForeName", "Initials") or ""
    parts = [first, text_of(author.find("LastName")), text_of(author.find("Suffix"))]
    return " ".join(filter(None, parts)) or text_of(author.find("CollectiveName"))


def _year(paper: Element) -> str | None:
    issue = "Journal/JournalIssue/PubDate"
    return _first(
        paper, f"{issue}/Year", f"{issue}/MedlineDate", "ArticleDate/Year",
        "ContributionDate/Year", "Book/PubDate/Year", "Book/PubDate/MedlineDate",
    )  # fmt: skip


def _doi(element: Element, paper: Element) -> str:
    """Not any ``ArticleId``: the papers that this one cites have theirs as well."""
    return _first(
        element, "MedlineCitation/Article/ELocationID[@EIdType='doi']",
        "PubmedData/ArticleIdList/ArticleId[@IdType='doi']",
        "BookDocument/ArticleIdList/ArticleId[@IdType='doi']",
        "PubmedBookData/ArticleIdList/ArticleId[@IdType='doi']",
    ) or _first(paper, "ELocationID[@EIdType='doi']") or ""  # fmt: skip


def _first(element: Element, *paths: str) -> str | None:
    return next((text for path in paths if (text := text_of(element.find(path)))), None)


def _matches(head: str) -> bool:
    return root_is(head, "PubmedArticleSet", "PubmedBookArticleSet", *RECORDS)


FORMAT = Format("PubMed XML", _matches, load)
