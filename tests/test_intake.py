"""Identity as people meet it: files go in, again and changed, and papers come out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rag.identity import Record
from rag.intake import STDIN, Intake
from rag.library import Library
from rag.settings import Settings
from rag.types import Failure, Paper
from tests.fakes import HashEmbedder
from tests.test_store import assert_in_step

Ingest = Callable[..., tuple[int, int, int]]
SHORT, LONG = "Short.", "A longer abstract of the same paper."


def rec(title: str = "T", abstract: str = SHORT, **fields: object) -> dict[str, object]:
    return {"title": title, "abstract": abstract, **fields}


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    settings = Settings(store=tmp_path / "library", _env_file=None)
    with Library(settings, HashEmbedder()) as opened:
        yield opened
        assert_in_step(opened.path)


@pytest.fixture
def ingest(library: Library, tmp_path: Path) -> Ingest:
    """Write records to a file of a name and take it in: (added, updated, unchanged)."""

    def run(name: str, *records: dict[str, object], fails: int = 0) -> tuple[int, int, int]:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(json.dumps(r) + "\n" for r in records), encoding="utf-8")
        report = library.ingest(path)
        assert len(report.failed) == fails, report.failed
        again = library.ingest(path)
        assert (again.added, again.updated, len(again.failed)) == (0, 0, fails)
        return report.added, report.updated, report.unchanged

    return run


def held(library: Library) -> list[Paper]:
    return list(library.store.all_papers())


# --- public identifiers -------------------------------------------------------------------

TIES = [
    ({"doi": "10.1234/AB"}, {"doi": "https://doi.org/10.1234/ab"}),
    ({"arxiv_id": "2001.00001v1"}, {"url": "https://arxiv.org/abs/2001.00001v3"}),
    ({"arxiv_id": "2001.00001"}, {"doi": "10.48550/arXiv.2001.00001"}),
    ({"pmid": "12345"}, {"pmid": 12345}),
]


@pytest.mark.parametrize(("one", "two"), TIES)
@pytest.mark.parametrize("swap", [False, True])
def test_an_identifier_ties_records_of_two_files(library, ingest, one, two, swap):
    a = ("a.jsonl", rec("One title", LONG, venue="V", **one))
    b = ("b.jsonl", rec("Another title", SHORT, authors=["A"], year=2020, **two))
    for name, record in (b, a) if swap else (a, b):
        ingest(name, record)
    [paper] = held(library)
    assert (paper.title, paper.abstract, paper.venue) == ("One title", LONG, "V")
    assert (paper.authors, paper.year) == (("A",), 2020)
    assert set(paper.sources) == {"a.jsonl", "b.jsonl"}


def test_a_new_version_from_the_same_file_replaces_the_old_one(library, ingest):
    ingest("a.jsonl", rec(abstract=LONG, doi="10.1/x", venue="Old"))
    ingest("b.jsonl", rec(abstract=SHORT, doi="10.1/x"))
    assert ingest("a.jsonl", rec(abstract="New.", doi="10.1/x")) == (0, 1, 0)
    [paper] = held(library)
    assert (paper.abstract, paper.venue) == (SHORT, "")
    assert library.store.document_frequency("longer") == 0


def test_a_record_that_adds_nothing_is_remembered_as_a_source(library, ingest):
    ingest("a.jsonl", rec(abstract=LONG, doi="10.1/x", pmid="7"))
    generation = library.store.generation
    assert ingest("b.jsonl", rec(abstract=SHORT, doi="10.1/X")) == (0, 0, 1)
    assert library.store.generation == generation
    assert held(library)[0].sources == ("a.jsonl", "b.jsonl")
    assert library.status().sources == 2


def test_a_record_that_names_both_joins_two_papers(library, ingest):
    ingest("a.jsonl", rec("Same", SHORT, doi="10.1/x"))
    ingest("b.jsonl", rec("Same", LONG, pmid="7"))
    assert len(held(library)) == 2
    assert ingest("c.jsonl", rec("Same", "Both.", doi="10.1/x", pmid="7")) == (0, 1, 0)
    [paper] = held(library)
    assert (paper.abstract, paper.doi, paper.pmid) == (LONG, "10.1/x", "7")
    assert ingest("a.jsonl", rec("Same", SHORT, doi="10.1/x")) == (0, 0, 1)


def test_one_doi_for_a_volume_keeps_its_papers_apart(library, ingest):
    volume = [rec(f"Talk {n}", f"On {n}.", doi="10.1/vol") for n in range(3)]
    assert ingest("a.jsonl", *volume) == (3, 0, 0)
    assert ingest("b.jsonl", *volume[::-1]) == (0, 0, 3)
    assert len(held(library)) == 3


def test_a_paper_twice_in_one_file_is_one(library, ingest):
    ingest("a.jsonl", rec("Same", SHORT, doi="10.1/x"), rec("same", LONG, doi="10.1/X"))
    [paper] = held(library)
    assert paper.abstract == LONG


def test_supplied_ids_of_one_file_stay_apart_whatever_their_doi(library, ingest):
    two = [rec(id="a", doi="10.1/x"), rec(id="b", doi="10.1/x")]
    assert ingest("a.jsonl", *two) == (2, 0, 0)


# --- supplied ids -------------------------------------------------------------------------


@pytest.mark.parametrize("swap", [False, True])
def test_a_supplied_id_is_kept(library, ingest, swap):
    both = [
        ("a.jsonl", rec(id="mine", doi="10.1/x")),
        ("b.jsonl", rec(abstract=LONG, doi="10.1/x")),
    ]
    for name, record in both[::-1] if swap else both:
        ingest(name, record)
    assert [(p.id, p.abstract) for p in held(library)] == [("mine", LONG)]
    assert library.search("longer abstract", 1)[0].paper.id == "mine"


def test_of_two_supplied_ids_the_first_stays(library, ingest):
    ingest("a.jsonl", rec(id="first", doi="10.1/x"))
    ingest("b.jsonl", rec(id="second", abstract=LONG, doi="10.1/x"))
    assert [(p.id, p.abstract) for p in held(library)] == [("first", LONG)]


def test_the_same_id_from_another_file_is_the_new_version(library, ingest):
    ingest("a.jsonl", rec(id="x", abstract=LONG, venue="V"))
    assert ingest("b.jsonl", rec(id="x", abstract=SHORT)) == (0, 1, 0)
    assert held(library) == [Paper("x", "T", SHORT, sources=("a.jsonl", "b.jsonl"))]
    assert ingest("a.jsonl", rec(id="x", abstract=LONG)) == (0, 1, 0)


def test_an_id_that_another_files_paper_has_is_reported_and_nothing_is_lost(library, ingest):
    ingest("a.jsonl", rec("Tides", "On tides.", id="1"))
    assert ingest("b.jsonl", rec("Owls", "On owls.", id="1"), fails=1) == (0, 0, 0)
    assert [p.title for p in held(library)] == ["Tides"]
    ingest("a.jsonl", rec("Tides, revised", "On high tides.", id="1"))
    assert [p.title for p in held(library)] == ["Tides, revised"]


def test_two_contents_under_one_id_in_one_ingest_are_reported(library, ingest):
    assert ingest("a.jsonl", rec(id="x"), rec(id="x", abstract=LONG), fails=1) == (1, 0, 0)
    assert held(library)[0].abstract == SHORT


# --- records without any id ---------------------------------------------------------------


def test_the_title_alone_never_ties_two_files(library, ingest):
    ingest("one/a.jsonl", rec("Summary", "On tides."))
    assert ingest("two/a.jsonl", rec("Summary", "On owls.")) == (1, 0, 0)
    assert {p.abstract for p in held(library)} == {"On tides.", "On owls."}


def test_title_and_abstract_together_do(library, ingest):
    ingest("a.jsonl", rec("Tides", "On tides."))
    assert ingest("b.jsonl", rec("TIDES", "On  tides.", year=2020)) == (0, 1, 0)
    [paper] = held(library)
    assert (paper.title, paper.year, paper.sources) == ("Tides", 2020, ("a.jsonl", "b.jsonl"))


def test_not_where_their_identifiers_differ(library, ingest):
    ingest("a.jsonl", rec(doi="10.1/preprint"))
    assert ingest("b.jsonl", rec(doi="10.1/journal")) == (1, 0, 0)


def test_a_changed_abstract_in_the_same_file_is_an_update(library, ingest):
    ingest("a.jsonl", rec("Summary", "One."), rec("Summary", "Two."), rec("Other", "Three."))
    ids = {p.abstract: p.id for p in held(library)}
    changed = [rec("Summary", "New."), rec("Summary", "Two."), rec("Other", "Three.")]
    assert ingest("a.jsonl", *changed) == (0, 1, 2)
    assert {p.abstract: p.id for p in held(library)} == {
        "New.": ids["One."], "Two.": ids["Two."], "Three.": ids["Three."]
    }  # fmt: skip


def test_a_record_put_before_others_of_its_title_replaces_none(library, ingest):
    ingest("a.jsonl", rec("Summary", "One."), rec("Summary", "Two."))
    added = [rec("Summary", text) for text in ("New.", "Two.", "One.")]
    assert ingest("a.jsonl", *added) == (1, 0, 2)


def test_standard_input_is_never_the_same_file_twice(library):
    def take(abstract: str) -> dict[str, int]:
        intake = Intake(library.store.related, library.store.hashes, failed.append)
        [plan] = intake.plans([Record(STDIN, "-:1", Paper("", "Summary", abstract))], 9)
        library._write(plan)
        return plan.outcomes

    failed: list[Failure] = []
    library._open_store(create=True)
    assert take("One.") == {"added": 1}
    assert take("Two.") == {"added": 1}
    assert take("One.") == {"unchanged": 1}
    assert failed == []


def test_what_is_embedded_is_not_embedded_again_for_new_metadata(library, ingest):
    ingest("a.jsonl", rec("Tides", "On tides.", doi="10.1/x"))
    library.embedder.encode = None  # type: ignore[assignment, method-assign]
    assert ingest("b.jsonl", rec("Tides", "On tides.", doi="10.1/x", year=2020, id="new")) == (
        0,
        1,
        0,
    )
    assert [(p.id, p.year) for p in held(library)] == [("new", 2020)]
    assert library.store.lexical("tides", 1)[0][0] == "new#0"


def test_many_records_wait_in_bounded_memory(library, ingest, monkeypatch):
    monkeypatch.setattr("rag.intake._MOST", 3)
    monkeypatch.setattr("rag.library._BATCH", 2)
    ingest("a.jsonl", *(rec(f"T{n}", "Old.") for n in range(9)))
    assert ingest("a.jsonl", *(rec(f"T{n}", "New.") for n in range(9))) == (0, 9, 0)
    assert {p.abstract for p in held(library)} == {"New."}
