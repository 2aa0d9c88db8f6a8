"""A store of an older schema becomes one of today's, or is refused with what to do."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from filelock import FileLock

from rag.errors import StoreBusyError, StoreError
from rag.filters import Filter
from rag.library import Library
from tests.conftest import RECORDS
from tests.stress_ingest import open_library, write
from tests.test_store import assert_in_step


def make_old(path: Path, version: int = 1) -> None:
    """Take away what an older version of the ledger did not have."""
    with sqlite3.connect(path / "ledger.sqlite3") as db:
        for what in ("TRIGGER papers_unread", "TRIGGER papers_reworded", "TABLE paper_topics",
                     "TABLE topics", "TABLE unread"):  # fmt: skip
            db.execute(f"DROP {what}")
        db.execute("DELETE FROM meta WHERE key = 'topics'")
        db.execute("UPDATE meta SET value = ? WHERE key = 'schema'", (version,))
        if version > 2:
            return
        for what in ("TRIGGER papers_added", "TRIGGER papers_changed", "VIEW told"):
            db.execute(f"DROP {what}")
        db.execute("DROP TABLE paper_terms")
        db.execute("DROP TABLE terms")
        if version > 1:
            return
        for paper_id, rest in db.execute("SELECT id, rest FROM papers").fetchall():
            fields = json.loads(rest)
            del fields["sources"], fields["pmid"]
            db.execute("UPDATE papers SET rest = ? WHERE id = ?", (json.dumps(fields), paper_id))
        db.execute("DROP TABLE records")
        db.execute("DROP TABLE sources")
        db.execute("DELETE FROM meta WHERE key = 'last_ingest'")


@pytest.fixture
def old(library: Library, tmp_path: Path) -> Path:
    """A library of version 1: the six records, and one without an id."""
    library.ingest(write(tmp_path / "idless.jsonl", [{"title": "Summary", "abstract": "One."}]))
    library.close()
    make_old(library.path)
    return library.path


def test_an_old_store_is_migrated_when_it_is_opened(old, tmp_path):
    with open_library(old) as library:
        assert len(list(library.store.all_papers())) == len(RECORDS) + 1
        assert library.search("urchins on reefs", 1)[0].paper.sources == ()
        assert library.status().last_ingest is None
        library.embedder.encode = None  # what is unchanged is not embedded again
        report = library.ingest(tmp_path / "records.jsonl")
        assert (report.added, report.updated, report.unchanged) == (0, 0, len(RECORDS))
        assert library.papers(["kelp"])["kelp"].sources == ("records.jsonl",)
    assert_in_step(old)


def test_the_first_file_after_it_may_bring_a_new_version(old, tmp_path):
    with open_library(old) as library:
        report = library.ingest(
            write(tmp_path / "x.jsonl", [{"title": "Summary", "abstract": "Two."}])
        )
        assert (report.added, report.updated) == (0, 1)
        report = library.ingest(
            write(tmp_path / "y.jsonl", [{"title": "Summary", "abstract": "Six."}])
        )
        assert (report.added, report.updated) == (1, 0)


def test_an_old_store_that_cannot_be_written_to_says_what_to_do(old, protect):
    protect(old)
    with pytest.raises(StoreError, match=r"older Footnote.*copy it .*rag status --store COPY"):
        open_library(old).status()


def test_an_old_store_is_left_alone_while_another_writes(old):
    with FileLock(old / "write.lock"), pytest.raises(StoreBusyError, match="is writing"):
        open_library(old).status()
    with open_library(old) as library:
        assert library.status().papers == len(RECORDS) + 1


def test_a_newer_store_is_refused(old):
    with sqlite3.connect(old / "ledger.sqlite3") as db:
        db.execute("UPDATE meta SET value = 5 WHERE key = 'schema'")
    with pytest.raises(StoreError, match="schema 5, this Footnote reads 4; upgrade"):
        open_library(old).status()


def topics_in(path: Path) -> set[tuple[str, str]]:
    with sqlite3.connect(path / "ledger.sqlite3") as db:
        return set(db.execute(
            "SELECT paper_id, kind || ':' || value FROM paper_topics JOIN topics ON id = topic"
        ))  # fmt: skip


def unread_in(path: Path) -> int:
    with sqlite3.connect(path / "ledger.sqlite3") as db:
        return db.execute("SELECT count(*) FROM unread").fetchone()[0]


SCANS = [
    {"id": "us", "title": "Kidney ultrasound", "abstract": "It shows stones."},
    {"id": "ct", "title": "Segmentation of liver CT", "abstract": "It shows cysts."},
]
TOPICS = {
    ("us", "modality:ultrasound"), ("us", "organ:kidney"), ("us", "organ:abdomen"),
    ("ct", "modality:CT"), ("ct", "organ:liver"), ("ct", "organ:abdomen"),
    ("ct", "task:segmentation"),
}  # fmt: skip
ALL = len(RECORDS) + len(SCANS)


@pytest.fixture
def unread(library: Library, tmp_path: Path) -> Path:
    """A library of version 3, with papers that have topics."""
    library.ingest(write(tmp_path / "scans.jsonl", SCANS))
    assert topics_in(library.path) == TOPICS
    library.close()
    make_old(library.path, 3)
    return library.path


def test_topics_of_a_store_of_version_3_are_read_when_they_are_asked_for(unread: Path):
    with open_library(unread) as opened:
        assert opened.search("urchins on reefs", 1)[0].paper.id == "kelp"
        assert unread_in(unread) == ALL
        seen: list[tuple[int, int]] = []
        opened.facets(on_progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (ALL, ALL)
    assert topics_in(unread) == TOPICS
    assert unread_in(unread) == 0


def test_a_filter_by_topic_reads_them_too(unread: Path):
    with open_library(unread) as opened:
        assert opened.store.matching(Filter(topics=("kidneys",))) == {"us"}


def test_a_question_that_names_a_topic_reads_what_it_finds(unread: Path):
    with open_library(unread) as opened:
        assert opened.search("Which kidney scans use sonography?", 1)[0].paper.id == "us"
    assert unread_in(unread) < ALL


def test_what_a_killed_reader_left_is_read_by_the_next(unread: Path, monkeypatch):
    monkeypatch.setattr("rag.topical._AT_ONCE", 2)

    class Killed(BaseException):
        pass

    def kill(done: int, total: int) -> None:
        if done >= 4:
            raise Killed

    with open_library(unread) as opened, pytest.raises(Killed):
        opened.facets(on_progress=kill)
    assert unread_in(unread) == ALL - 4
    with open_library(unread) as opened:
        opened.facets()
    assert topics_in(unread) == TOPICS


def test_topics_that_other_rules_read_are_read_again(library: Library, monkeypatch):
    library.facets()
    monkeypatch.setattr("rag.topical.VERSION", -1)
    seen: list[int] = []
    library.facets(on_progress=lambda done, _total: seen.append(done))
    assert seen[-1] == len(RECORDS)


def test_no_writer_can_forget_to_have_a_paper_read(library: Library):
    library.facets()
    library.close()
    with sqlite3.connect(library.path / "ledger.sqlite3") as db:
        db.execute("UPDATE papers SET title = 'Kidney ultrasound' WHERE id = 'kelp'")
    with open_library(library.path) as opened:
        assert opened.store.matching(Filter(topics=("renal", "sonography"))) == {"kelp"}
