from __future__ import annotations

import json
import signal

import pytest

from rag.errors import InputError, StoreBusyError, StoreError
from rag.types import IngestReport
from tests import stress_ingest
from tests.conftest import RECORDS
from tests.fakes import HashEmbedder
from tests.stress_ingest import child_ingest, many, open_library, write
from tests.test_store import assert_in_step


def counts(report: IngestReport) -> tuple[int, int, int]:
    return report.added, report.updated, report.unchanged


def test_ingest_search_and_status(library):
    hits = library.search("urchins on reefs", k=3)
    assert hits[0].paper.id == "kelp"
    assert len(hits) == 3
    assert hits[0].passage.text == hits[0].paper.abstract
    assert len(library.search("urchins", k=100)) == len(RECORDS)
    assert library.papers(["kelp"])["kelp"].authors == ("A. Brine", "C. Holdfast")
    status = library.status()
    assert (status.papers, status.passages, status.embedding) == (6, 6, "hash")
    assert status.store == str(library.path)


def test_ingesting_again_changes_nothing(library, tmp_path):
    generation = library.store.generation
    embedded: list[str] = []
    library.embedder.encode = lambda texts: embedded.extend(texts)
    assert counts(library.ingest(tmp_path / "records.jsonl")) == (0, 0, 6)
    assert embedded == []
    assert library.store.generation == generation


def test_a_changed_abstract_updates_and_the_rest_is_left(library, tmp_path):
    changed = [{**RECORDS[0], "abstract": "Lobsters moved in."}, *RECORDS[1:]]
    new = {"title": "A New One", "abstract": "Eels."}
    bad = {"title": "No abstract"}
    report = library.ingest(write(tmp_path / "again.jsonl", [bad, *changed, new]))
    assert counts(report) == (1, 1, 5)
    assert [failure.where for failure in report.failed] == [f"{tmp_path / 'again.jsonl'}:1"]
    assert library.search("lobsters", 1)[0].paper.id == "kelp"
    assert library.store.lexical("urchins reefs cleared", 5) != []  # the title still has urchins
    assert library.store.document_frequency("cleared") == 0
    assert_in_step(library.path)


def test_papers_without_ids_are_known_again(tmp_path):
    source = write(tmp_path / "a.jsonl", [{"title": "T", "abstract": a} for a in ("One.", "Two.")])
    with open_library(tmp_path / "library") as library:
        assert counts(library.ingest(source)) == (2, 0, 0)
        assert counts(library.ingest(str(source))) == (0, 0, 2)
        write(source, [{"title": "T", "abstract": a} for a in ("One.", "Three.")])
        assert counts(library.ingest([source])) == (0, 1, 1)


def test_progress_counts_papers(tmp_path):
    source = write(tmp_path / "a.jsonl", many(130))
    seen: list[tuple[int, int | None]] = []
    with open_library(tmp_path / "library") as library:
        library.ingest(source, on_progress=lambda done, total: seen.append((done, total)))
    assert seen == [(64, 130), (128, 130), (130, 130)]


def test_opening_creates_nothing_and_says_what_to_do(tmp_path):
    with open_library(tmp_path / "library") as library:
        with pytest.raises(StoreError, match=r"no library at .*rag ingest"):
            library.search("anything")
        with pytest.raises(StoreError, match="no library at"):
            library.status()
        with pytest.raises(InputError, match="does not exist"):
            library.ingest(tmp_path / "missing.jsonl")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("question", ["", " \n", "\u200f\x00", "?!"])
def test_an_empty_question_is_an_error(library, question):
    with pytest.raises(InputError, match="question is empty"):
        library.search(question)
    with pytest.raises(InputError, match="cannot find 0 papers"):
        library.search("kelp", k=0)


# --- other processes ----------------------------------------------------------------------


def test_a_reader_sees_the_papers_of_another_process(library, tmp_path):
    assert library.search("topic3", 1)[0].paper.id != "p3"
    with child_ingest(library.path, write(tmp_path / "more.jsonl", many(8)), 0) as child:
        assert child.wait(60) == 0
    assert library.search("topic3", 1)[0].paper.id == "p3"
    assert any(key.startswith("p3#") for key, _ in library.store.dense(_vector("topic3"), 20))


def test_a_second_writer_waits_and_a_reader_does_not(library, tmp_path):
    source = write(tmp_path / "more.jsonl", many(40))
    with child_ingest(library.path, source, 0.5) as child:
        assert child.stdout and child.stdout.readline() == "4\n"
        with pytest.raises(StoreBusyError, match=f"process {child.pid} is writing"):
            library.ingest(source)
        assert library.search("urchins on reefs", 1)[0].paper.id == "kelp"
        assert library.search("topic3", 1)[0].paper.id == "p3"
        assert child.poll() is None  # it was at work all the while


def test_an_interrupted_ingest_goes_on_from_there(tmp_path):
    source = write(tmp_path / "a.jsonl", many(40))
    store = tmp_path / "library"
    with child_ingest(store, source, 0.2) as child:
        assert child.stdout and child.stdout.readline() == "4\n"
        child.send_signal(signal.SIGINT)
        assert child.wait(60) != 0
    assert_in_step(store)
    with open_library(store) as library:
        added, updated, unchanged = counts(library.ingest(source))
    assert (added + unchanged, updated) == (40, 0)
    assert unchanged >= 4


@pytest.mark.parametrize("seed", range(5))
def test_a_kill_at_any_moment_loses_doubles_and_halves_nothing(tmp_path, seed):
    stress_ingest.kill_once(tmp_path, seed, span=0.4)


def _vector(text: str) -> object:
    return HashEmbedder().encode([text])[0]


def test_records_of_one_paper_in_several_formats_become_one(tmp_path):
    title, short, long = "Tides and Wind", "Tides come late.", "Tides come late. Wind pushes them."
    (tmp_path / "a.bib").write_text(
        f"@misc{{k1, title={{{title}}}, abstract={{{short}}}, doi={{10.48550/arXiv.2001.00001}}}}"
    )
    (tmp_path / "b.nbib").write_text(
        f"PMID- 77\nTI  - {title}\nAB  - {long}\nLID - 10.1/X [doi]\nDP  - 2021\n"
    )
    (tmp_path / "c.ris").write_text(
        f"TY  - JOUR\nTI  - {title}\nAB  - {short}\nDO  - 10.1/x\nER  - "
    )
    tie = {"title": title, "abstract": short, "arxiv_id": "2001.00001v2", "doi": "10.1/x"}
    (tmp_path / "d.jsonl").write_text(json.dumps(tie))
    with open_library(tmp_path / "library") as library:
        library.ingest([tmp_path / "a.bib", tmp_path / "b.nbib", tmp_path / "c.ris"])
        library.ingest(tmp_path / "d.jsonl")
        [paper] = library.store.all_papers()
        assert (paper.abstract, paper.year, paper.pmid) == (long, 2021, "77")
        assert sorted(paper.sources) == ["a.bib", "b.nbib", "c.ris", "d.jsonl"]
        assert_in_step(library.path)


@pytest.mark.parametrize(("form", "name"), [("bibtex", "all.bib"), ("ris", "all.ris")])
def test_an_export_in_another_format_changes_nothing(library, tmp_path, form, name):
    before = {paper.id: paper.content_hash for paper in library.store.all_papers()}
    (tmp_path / name).write_text("".join(library.export(form)), encoding="utf-8")
    assert counts(library.ingest(tmp_path / name)) == (0, 0, 6)
    assert {paper.id: paper.content_hash for paper in library.store.all_papers()} == before
    assert library.prune(tmp_path / name).removed == ()
