from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from rag.errors import InputError
from rag.loaders import jsondoc
from rag.loaders.formats import find_format
from rag.loaders.keys import read_names
from rag.loaders.textfile import TextFile
from rag.types import Failure, Paper


def load(
    content: object, names: Mapping[str, str] | None = None
) -> tuple[list[Paper], list[Failure], list[str]]:
    """The papers of a file, what failed, and the places of the papers."""
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    file = TextFile.of("x", text, names)
    failures: list[Failure] = []
    records = list(find_format(file).load(file, failures.append))
    return [paper for _, paper in records], failures, [where for where, _ in records]


OPENALEX = {
    "meta": {"count": 1},
    "results": [
        {
            "id": "https://openalex.org/W1",
            "doi": "https://doi.org/10.1/Wind",
            "title": "Wind and Tides",
            "display_name": "Wind and Tides",
            "publication_year": 2021,
            "publication_date": "2021-05-01",
            "primary_location": {"source": {"display_name": "Harbour Letters"}},
            "authorships": [{"author": {"display_name": "A. One"}, "institutions": []}],
            "keywords": [{"display_name": "Tide"}, {"display_name": "Wind"}],
            "abstract_inverted_index": {"Tides": [0, 3], "follow": [1], "other": [2]},
        }
    ],
}
CROSSREF = {
    "status": "ok",
    "message": {
        "items": [
            {
                "DOI": "10.1/wind",
                "URL": "https://doi.org/10.1/wind",
                "title": ["Wind and Tides"],
                "container-title": ["Harbour Letters"],
                "author": [{"given": "Ada", "family": "One", "sequence": "first"}],
                "issued": {"date-parts": [[2021, 5]]},
                "subject": ["Oceanography"],
                "abstract": "<jats:title>Abstract</jats:title><jats:sec><jats:title>Aim"
                "</jats:title>\n<jats:p>CO<jats:sub>2</jats:sub>, p &lt; 0.05.</jats:p></jats:sec>",
            }
        ]
    },
}
SEMANTIC_SCHOLAR = {
    "total": 1,
    "data": [
        {
            "paperId": "abc",
            "externalIds": {"DOI": "10.1/wind", "ArXiv": "2001.00001", "PubMed": "123"},
            "title": "Wind and Tides",
            "abstract": "Tides follow.",
            "venue": "Harbour Letters",
            "year": 2021,
            "authors": [{"authorId": "1", "name": "A. One"}],
        }
    ],
}
EUROPE_PMC = {
    "resultList": {
        "result": [
            {
                "id": "123",
                "pmid": "123",
                "title": "Wind and Tides",
                "authorList": {"author": [{"fullName": "One A", "lastName": "One"}]},
                "journalInfo": {"journal": {"title": "Harbour Letters"}},
                "pubYear": "2021",
                "abstractText": "<h4>Aim</h4>Tides follow <i>wind</i>.",
            }
        ]
    }
}
ZOTERO = {
    "items": [
        {
            "itemType": "journalArticle",
            "title": "Wind and Tides",
            "creators": [{"firstName": "Ada", "lastName": "One", "creatorType": "author"}],
            "abstractNote": "Tides follow.",
            "publicationTitle": "Harbour Letters",
            "date": "2021-05",
            "DOI": "10.1/wind",
            "tags": [{"tag": "tide"}],
        }
    ]
}
SERVICES = {
    "OpenAlex": (OPENALEX, "Tides follow other Tides", ("A. One",), "10.1/Wind"),
    "Crossref": (CROSSREF, "Aim: CO2, p < 0.05.", ("Ada One",), "10.1/wind"),
    "Semantic Scholar": (SEMANTIC_SCHOLAR, "Tides follow.", ("A. One",), "10.1/wind"),
    "Europe PMC": (EUROPE_PMC, "Aim: Tides follow wind.", ("One A",), ""),
    "Zotero": (ZOTERO, "Tides follow.", ("Ada One",), "10.1/wind"),
}


@pytest.mark.parametrize("service", SERVICES)
def test_what_services_send_is_understood(service):
    content, abstract, authors, doi = SERVICES[service]
    [paper], failures, _ = load(content)
    assert failures == []
    assert (paper.title, paper.abstract) == ("Wind and Tides", abstract)
    assert (paper.authors, paper.year, paper.doi) == (authors, 2021, doi)
    assert paper.venue == "Harbour Letters"


def test_other_fields_of_services_are_kept():
    [paper], _, _ = load(OPENALEX)
    assert paper.id == "https://openalex.org/W1"
    assert paper.keywords == ("Tide", "Wind")
    [paper], _, _ = load(SEMANTIC_SCHOLAR)
    assert (paper.id, paper.arxiv_id) == ("abc", "2001.00001")


def test_a_corpus_of_beir():
    lines = [
        {"_id": "4983", "title": "Tides", "text": "They come.", "metadata": {"url": "https://a.b"}},
        {"_id": "5836", "title": "", "text": "No title.", "metadata": {}},
    ]
    [paper], [failure], [where] = load("\n".join(map(json.dumps, lines)))
    assert paper == Paper("4983", "Tides", "They come.", url="https://a.b")
    assert where == "x:1"
    assert failure == Failure("x:2", "title: expected text, found an empty text")


def test_text_is_the_abstract_only_where_there_is_no_other():
    papers, failures, _ = load(
        [
            {"title": "T", "abstract": "Short.", "text": "The whole paper."},
            {"title": "U", "abstract": None, "text": "The whole paper."},
        ]
    )
    assert [paper.abstract for paper in papers] == ["Short."]
    assert [failure.where for failure in failures] == ["x, record 2"]


@pytest.mark.parametrize(
    "layout",
    [
        lambda a, b: json.dumps([a, b]),
        lambda a, b: json.dumps([a, b], indent=1),
        lambda a, b: json.dumps(a, indent=1) + "\n" + json.dumps(b, indent=1),
        lambda a, b: json.dumps({"x": 1, "papers": [a, b]}),
        lambda a, b: json.dumps({"key one": a, "10.1/two": b}),
        lambda a, b: "\n" + json.dumps(a) + "\n\n" + json.dumps(b),
    ],
)
def test_records_are_found_in_any_layout(layout):
    one = {"title": "T", "abstract": "A.", "authors": [{"name": "X", "title": "Dr"}]}
    papers, failures, _ = load(layout(one, {**one, "title": "U"}))
    assert [(paper.title, paper.authors) for paper in papers] == [("T", ("X",)), ("U", ("X",))]
    assert failures == []


def test_what_follows_a_fault_in_an_array_is_reported_as_not_read():
    papers, [failure], _ = load('[{"title": "T", "abstract": "A."}, {"title": oops}, {}]')
    assert len(papers) == 1
    assert failure.where == "x, record 2"
    assert "nothing was read from there on" in failure.reason
    papers, [failure], _ = load('[{"title": "T", "abstract": "A."}')
    assert len(papers) == 1
    assert "expected ]" in failure.reason


def test_elements_that_are_no_records_are_reported_in_their_place():
    papers, failures, _ = load([["x"], {"title": "T", "abstract": "A."}, 7, {"title": "U"}])
    assert len(papers) == 1
    assert [f.where for f in failures] == ["x, record 1", "x, record 3", "x, record 4"]
    assert failures[2].reason == "abstract: expected text, found nothing"


def test_an_array_is_read_piece_by_piece():
    records = [{"title": f"T{n}", "abstract": "Über. " * 300} for n in range(500)]
    papers, _, places = load(records)
    assert [paper.title for paper in papers] == [record["title"] for record in records]
    assert places[-1] == "x, record 500"


def test_a_syntax_error_is_found_without_reading_on(monkeypatch):
    content = '[{"title": "T", "abstract": "A."}, {"title": oops' + " " * 10**6
    file = TextFile.of("x", content)
    read, old = [], jsondoc.Stream.read
    monkeypatch.setattr(jsondoc.Stream, "read", lambda self: read.append(1) or old(self))
    list(jsondoc.FORMAT.load(file, lambda failure: None))
    assert len(read) == 1


@pytest.mark.parametrize("content", ["[" * 10**5, '{"a":' * 10**5, '[{"a":' + "9" * 5000 + "}]"])
def test_hostile_documents_are_refused(content):
    with pytest.raises(InputError, match=r"a value too large|Expecting"):
        load(content)


def test_an_index_with_absurd_places_costs_nothing():
    index = {"far": [10**15], "near": [0], "odd": [True]}
    [paper], _, _ = load({"title": "T", "abstract_inverted_index": index})
    assert paper.abstract == "near odd far"


def test_keys_are_named_by_the_user():
    names = read_names("abstract=body, title=head")
    papers, [failure], _ = load(
        [{"head": "T", "body": "A.", "abstract": "no"}, {"head": "U", "abstract": "no"}], names
    )
    assert [(paper.title, paper.abstract) for paper in papers] == [("T", "A.")]
    assert failure.reason == "abstract: expected text, found nothing"


@pytest.mark.parametrize("text", ["abstract", "abstract=", "abstrct=AB", "=x", "a=b=c"])
def test_names_written_otherwise_are_refused(text):
    with pytest.raises(InputError, match="expected FIELD=NAME, found"):
        read_names(text)
