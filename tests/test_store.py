from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from rag.chunking import split_paper
from rag.errors import ModelError, StoreBusyError, StoreError
from rag.store import Store
from rag.types import Paper
from tests.fakes import HashEmbedder

EMBEDDER = HashEmbedder()


def vector(text: str) -> np.ndarray:
    return EMBEDDER.encode([text])[0]


def entry(paper: Paper) -> tuple:
    passages = split_paper(paper)
    return paper, passages, EMBEDDER.encode([passage.text for passage in passages])


def paper(name: str, abstract: str) -> Paper:
    return Paper(name, f"On {name}", abstract)


LONG = " ".join(f"Sentence {n} on badgers is {'rather ' * 30}long." for n in range(12))
PAPERS = [
    paper("foxes", "Foxes cross roads at night. Most crossings happen near bridges."),
    paper("badgers", LONG),
    paper("networks", "A network of hedges guides bats. Hedge networks matter."),
]


def open_store(path: Path, **kwargs: object) -> Store:
    return Store.open(path, EMBEDDER, **kwargs)


@pytest.fixture(autouse=True)
def by_chroma(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small as these stores are, Chroma answers."""
    monkeypatch.setattr("rag.store.EXACT", 0)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(tmp_path / "library", create=True)
    store.write([entry(p) for p in PAPERS])
    yield store
    store.close()


def indexed(path: Path) -> tuple[dict[str, str], set[str]]:
    """Read Chroma (id to text) and tantivy (ids) as strangers would."""
    import chromadb
    import tantivy

    client = chromadb.PersistentClient(
        f"{path}/../{path.name}/chroma", settings=chromadb.Settings(anonymized_telemetry=False)
    )
    rows = client.get_collection("passages", embedding_function=None).get(include=["metadatas"])
    client.close()
    searcher = tantivy.Index.open(str(path / "lexical")).searcher()
    hits = searcher.search(tantivy.Query.all_query(), 100_000).hits
    texts = [str(metadata["text"]) for metadata in rows["metadatas"]]
    return (
        dict(zip(rows["ids"], texts, strict=True)),
        {searcher.doc(address)["passage_id"][0] for _, address in hits},
    )


def assert_in_step(path: Path) -> None:
    """Ledger, Chroma and tantivy hold the same passages and nothing is left to do."""
    with sqlite3.connect(path / "ledger.sqlite3") as db:
        ledger = dict(
            db.execute(
                "SELECT p.id, substr(abstract, start + 1, end - start) FROM passages p "
                "JOIN papers ON papers.id = paper_id"
            )
        )
        [(pending,)] = db.execute("SELECT count(*) FROM papers WHERE state = 'pending'")
        [(stale,)] = db.execute("SELECT count(*) FROM stale")
    chroma, tantivy_ids = indexed(path)
    assert (pending, stale) == (0, 0)
    assert chroma == ledger
    assert tantivy_ids == set(ledger)


# --- reading and writing ------------------------------------------------------------------


def test_what_is_written_is_read_again(store):
    full = Paper("x", "T", "A.", ("B",), 2020, "V", "https://e.org", "d", "a", ("k",), "n")
    store.write([entry(full)])
    assert store.papers(["x", "nobody"]) == {"x": full}
    assert store.hashes(["x"]) == {"x": full.content_hash}
    passages = split_paper(PAPERS[1])
    assert store.passages([p.id for p in passages]) == {p.id: p for p in passages}
    assert store.counts() == (4, sum(len(split_paper(p)) for p in [*PAPERS, full]))
    assert_in_step(store.path)


def test_dense_gives_cosines_best_first(store):
    text = split_paper(PAPERS[0])[0].text
    [(best, score), *rest] = store.dense(vector(text), 50)
    assert best == "foxes#0"
    assert score == pytest.approx(1, abs=1e-5)
    assert [s for _, s in rest] == sorted((s for _, s in rest), reverse=True)
    assert len(rest) == store.counts()[1] - 1
    exact = vector(text) @ vector(split_paper(PAPERS[2])[0].text)
    assert dict(rest)["networks#0"] == pytest.approx(exact, abs=1e-5)


def test_lexical_matches_stems_in_titles_and_texts(store):
    assert [key for key, _ in store.lexical("crossing foxes", 5)] == ["foxes#0"]
    assert {key.split("#")[0] for key, _ in store.lexical("badger", 50)} == {"badgers"}
    assert store.lexical("zebra", 5) == []
    assert store.document_frequency("networks") == store.document_frequency("network") == 1
    assert store.document_frequency("on") == store.counts()[1]  # every title has it
    assert store.document_frequency("hedge bridges") == 0
    assert store.document_frequency("?!") == 0


@pytest.mark.parametrize(
    "question",
    ["", " ", '"', "AND", "a AND (b OR", "foxes:~2^", "*", "\x00", "title:foxes -roads", "𝛼" * 9],
)
def test_any_question_is_plain_words(store, question):
    found = [key for key, _ in store.lexical(question, 5)]
    assert ("foxes#0" in found) == ("foxes" in question)


def test_a_very_long_question_is_searched(store):
    assert store.lexical("foxes " + " ".join(f"w{n}" for n in range(20_000)), 5)[0][0] == "foxes#0"


def test_a_changed_abstract_replaces_the_old_one_everywhere(store):
    assert len(split_paper(PAPERS[1])) > 1
    store.write([entry(paper("badgers", "Setts are warm in winter."))])
    assert store.passages(["badgers#0", "badgers#1"]).keys() == {"badgers#0"}
    assert store.lexical("rather long", 5) == []
    assert store.lexical("warm setts", 5)[0][0] == "badgers#0"
    assert store.dense(vector("Setts are warm in winter."), 1)[0][0] == "badgers#0"
    assert_in_step(store.path)


def test_removed_papers_are_gone_everywhere(store):
    store.remove(["badgers", "nobody"])
    assert store.counts() == (2, 2)
    assert store.lexical("badgers", 5) == []
    assert {key for key, _ in store.dense(vector("badgers"), 50)} == {"foxes#0", "networks#0"}
    assert_in_step(store.path)


def test_an_empty_store_finds_nothing(tmp_path):
    store = open_store(tmp_path / "library", create=True)
    assert store.dense(vector("foxes"), 5) == []
    assert store.lexical("foxes", 5) == []
    assert store.counts() == (0, 0)


# --- several readers and writers ----------------------------------------------------------


def test_an_open_reader_sees_what_another_store_writes(store):
    reader = open_store(store.path)
    assert reader.dense(vector("otters"), 1)[0][0] != "otters#0"
    store.write([entry(paper("otters", "Otters otters otters."))])
    store.remove(["foxes"])
    assert reader.dense(vector("Otters otters otters."), 1)[0][0] == "otters#0"
    assert reader.lexical("otters", 5)[0][0] == "otters#0"
    assert reader.lexical("foxes", 5) == []
    reader.close()


def test_threads_read_while_one_writes(store):
    errors: list[BaseException] = []
    done = threading.Event()

    def read() -> None:
        try:
            while not done.is_set():
                assert store.dense(vector("foxes at night"), 5)
                assert store.lexical("foxes", 5)[0][0] == "foxes#0"
                assert "foxes" in store.papers(["foxes"])
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(10):
        store.write([entry(paper(f"n{number}", f"Newts number {number}."))])
    done.set()
    for thread in threads:
        thread.join()
    assert errors == []
    assert_in_step(store.path)


def test_a_second_writer_is_told_whom_to_wait_for(store):
    second = open_store(store.path)
    with store.writing():
        with pytest.raises(StoreBusyError, match=f"process {os.getpid()} is writing"):
            second.remove(["foxes"])
        assert second.lexical("foxes", 5)  # reading goes on
    second.remove(["foxes"])
    assert store.lexical("foxes", 5) == []
    second.close()


def test_threads_of_one_store_write_one_at_a_time(store):
    outcome: list[BaseException] = []

    def write() -> None:
        try:
            store.remove(["foxes"])
        except StoreBusyError as error:
            outcome.append(error)

    with store.writing():
        thread = threading.Thread(target=write)
        thread.start()
        thread.join()
    assert len(outcome) == 1
    assert store.counts()[0] == 3


# --- recovery -----------------------------------------------------------------------------


def test_what_a_killed_writer_left_pending_is_finished_on_opening(store):
    changed = paper("badgers", "Setts are warm in winter.")
    store._ledger.put_pending([entry(changed), entry(paper("otters", "Otters swim."))])
    store._ledger.remove(["foxes"])
    path = store.path
    store.close()
    reopened = open_store(path)
    assert reopened.counts() == (3, 3)
    assert_in_step(path)
    reopened.close()


def test_while_another_writes_pending_work_is_read_as_it_is(store):
    store._ledger.put_pending([entry(paper("otters", "Otters swim."))])
    with store.writing():
        reader = open_store(store.path)
        assert reader.lexical("foxes", 5)
        assert reader.lexical("otters", 5) == []
        assert "otters" in reader.papers(["otters"])
        reader.close()


def damage(folder: Path) -> None:
    for file in folder.rglob("*"):
        if file.is_file():
            file.write_bytes(b"damaged" * 100)


def cut(folder: Path) -> None:
    for file in folder.rglob("*"):
        if file.is_file():
            file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


@pytest.mark.parametrize("harm", [shutil.rmtree, damage, cut])
@pytest.mark.parametrize("index", ["chroma", "lexical"])
def test_a_missing_or_damaged_index_is_rebuilt(store, index, harm):
    path = store.path
    store.close()
    harm(path / index)
    reopened = open_store(path)
    assert reopened.dense(vector("Foxes cross roads at night."), 1)[0][0] == "foxes#0"
    assert reopened.lexical("foxes", 1)[0][0] == "foxes#0"
    reopened.close()
    assert_in_step(path)


def test_an_index_that_lacks_passages_is_rebuilt(store):
    path = store.path
    store._dense_index.change((), ["foxes#0"], ())
    store._lexical_index.change(["networks"], (), ())
    store.close()
    reopened = open_store(path)
    assert reopened.dense(vector("Foxes cross roads at night."), 1)[0][0] == "foxes#0"
    assert reopened.lexical("hedges", 1)[0][0] == "networks#0"
    reopened.close()
    assert_in_step(path)


def test_a_small_store_compares_all_passages_whatever_chroma_reaches(store, monkeypatch):
    text = "Foxes cross roads at night."
    expected = dict(store.dense(vector(text), 50))
    monkeypatch.setattr("rag.store.EXACT", len(expected))
    store._dense_index.change((), ["foxes#0"], ())
    (best, score), *rest = store.dense(vector(text), 50)
    assert best == "foxes#0"
    assert dict([(best, score), *rest]) == pytest.approx(expected, abs=1e-5)


def test_without_chroma_the_ledger_answers_while_another_writes(store):
    path = store.path
    expected = store.dense(vector("hedges for bats"), 5)
    store.close()
    shutil.rmtree(path / "chroma")
    writer, reader = open_store(path), open_store(path)
    with writer.writing():
        found = reader.dense(vector("hedges for bats"), 5)
    assert [key for key, _ in found] == [key for key, _ in expected]
    assert [s for _, s in found] == pytest.approx([s for _, s in expected], abs=1e-5)
    writer.close()
    reader.close()


# --- a folder that cannot be written to ---------------------------------------------------


def files(folder: Path) -> dict[str, int]:
    return {str(f.relative_to(folder)): f.stat().st_mtime_ns for f in folder.rglob("*")}


def test_a_store_that_cannot_be_written_to_can_be_read(store, protect):
    text = "Foxes cross roads at night."
    expected = store.dense(vector(text), 5), store.lexical("badgers", 5)
    store.close()
    before = files(store.path)
    protect(store.path)
    reader = open_store(store.path)
    found = reader.dense(vector(text), 5), reader.lexical("badgers", 5)
    assert [dict(ranking) for ranking in found] == [pytest.approx(dict(r)) for r in expected]
    assert found[0][0][0] == "foxes#0"
    assert reader.document_frequency("hedges") == 1
    assert reader.papers(["foxes"]) == {"foxes": PAPERS[0]}
    with pytest.raises(StoreError, match=r"cannot write to .*copy the folder .*make it writable"):
        reader.remove(["foxes"])
    reader.close()
    assert files(store.path) == before


def test_a_store_that_its_owner_has_open_can_be_read_without_permission(store, protect):
    store.write([entry(paper("otters", "Otters swim."))])
    assert (store.path / "ledger.sqlite3-wal").stat().st_size
    protect(store.path)
    reader = open_store(store.path)
    assert reader.lexical("otters", 5)[0][0] == "otters#0"
    assert reader.dense(vector("Otters swim."), 1)[0][0] == "otters#0"
    reader.close()


# --- folders that are no store of ours ----------------------------------------------------


def test_reading_creates_nothing(tmp_path):
    with pytest.raises(StoreError, match=r"no library at .*rag ingest"):
        open_store(tmp_path / "library")
    assert list(tmp_path.iterdir()) == []


def test_other_folders_and_files_are_left_alone(tmp_path):
    (tmp_path / "thesis.docx").write_text("precious")
    for create in (False, True):
        with pytest.raises(StoreError, match=r"holds other files.*name an empty folder"):
            open_store(tmp_path, create=create)
    with pytest.raises(StoreError, match="is a file"):
        open_store(tmp_path / "thesis.docx", create=True)
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.docx"]


class UnreachableEmbedder(HashEmbedder):
    """Its dimension is not known before it is asked, and it cannot be asked."""

    @property
    def dimension(self) -> int:  # type: ignore[override]
        raise ModelError("no endpoint")


def test_another_model_is_refused_before_it_is_asked_anything(store):
    other = UnreachableEmbedder()
    other.fingerprint = "other"
    for create in (False, True):
        with pytest.raises(StoreError, match=r"embedded with hash-64, not with other.*RAG_EMB"):
            Store.open(store.path, other, create=create)


def test_only_a_new_store_asks_the_model_for_its_dimension(store, tmp_path):
    same = Store.open(store.path, UnreachableEmbedder())
    assert same.lexical("foxes", 1)[0][0] == "foxes#0"
    same.close()
    with pytest.raises(ModelError):
        Store.open(tmp_path / "new", UnreachableEmbedder(), create=True)
    assert not (tmp_path / "new").exists()


def test_a_model_that_makes_other_vectors_now_is_refused(store):
    with pytest.raises(StoreError, match="64 dimensions, hash-64 now makes 9"):
        store.dense(np.ones(9, np.float32), 1)
    with pytest.raises(StoreError, match="64 dimensions, hash-64 now makes 9"):
        store.write([(PAPERS[0], split_paper(PAPERS[0]), np.ones((1, 9), np.float32))])
    assert_in_step(store.path)


def test_another_schema_is_refused(store):
    with sqlite3.connect(store.path / "ledger.sqlite3") as db:
        db.execute("UPDATE meta SET value = 99 WHERE key = 'schema'")
    with pytest.raises(StoreError, match="schema 99"):
        open_store(store.path)


@pytest.mark.parametrize("content", [b"", b"not a database" * 100])
def test_a_damaged_ledger_is_an_error_that_names_it(tmp_path, content):
    (tmp_path / "ledger.sqlite3").write_bytes(content)
    with pytest.raises(StoreError, match=r"ledger\.sqlite3 .*restore a copy.*ingest .*again"):
        open_store(tmp_path, create=True)


# --- full disks and damaged files ---------------------------------------------------------


def test_a_full_disk_is_told_and_nothing_is_lost(store):
    [(pages,)] = store._ledger._all("PRAGMA page_count")
    store._ledger._all(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError, match=r"disk is full: make room and run the command again"):
        store.write([entry(paper(f"n{n}", LONG)) for n in range(30)])
    assert store.counts()[0] == 3
    store._ledger._all("PRAGMA max_page_count = 1000000")
    store.write([entry(paper(f"n{n}", LONG)) for n in range(30)])
    assert store.counts()[0] == 33
    assert_in_step(store.path)


FULL = """
import resource, signal, sys
from pathlib import Path
from tests.test_store import LONG, entry, open_store, paper
from rag.errors import StoreError

store = open_store(Path(sys.argv[1]))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
index = {"chroma": store._lexical_index, "lexical": store._dense_index}[sys.argv[2]]
index.change = lambda *_: None  # the other one is to fail
write = store._ledger.put_pending

def put(*args):
    write(*args)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, resource.RLIM_INFINITY))

store._ledger.put_pending = put
try:
    store.write([entry(paper(f"n{n}", LONG)) for n in range(30)])
except StoreError as error:
    print(error)
"""


@pytest.mark.parametrize("index", ["chroma", "lexical"])
def test_an_index_that_cannot_be_written_is_told_and_finished_later(store, index):
    """The limit on a file's size stands in for a full disk: it needs no disk of its own."""
    store.close()
    told = subprocess.run(
        [sys.executable, "-c", FULL, str(store.path), index],
        cwd=Path(__file__).parent.parent, capture_output=True, text=True,
    )  # fmt: skip
    assert "cannot write the search indexes" in told.stdout, told.stderr
    assert "run the command again (nothing is lost" in told.stdout
    reopened = open_store(store.path)
    assert reopened.counts()[0] == 33
    reopened.close()
    assert_in_step(store.path)


@pytest.mark.parametrize("harm", [b"damaged" * 1000, b""])
def test_a_damaged_ledger_is_told(store, harm):
    path = store.path / "ledger.sqlite3"
    store.close()
    path.write_bytes(harm)
    with pytest.raises(StoreError, match="restore a copy of the folder, or move it away"):
        open_store(store.path)


def test_a_rebuild_refuses_a_ledger_with_a_damaged_page(store):
    store.write([entry(paper(f"n{n}", LONG)) for n in range(30)])
    path = store.path / "ledger.sqlite3"
    store.close()
    data = bytearray(path.read_bytes())
    data[len(data) // 2 :] = b"\xff" * (len(data) - len(data) // 2)
    path.write_bytes(data)
    reopened = open_store(store.path)
    with pytest.raises(StoreError, match="restore a copy of the folder"):
        reopened.rebuild(lambda _done, _total: None)
    reopened.close()


def test_a_rebuild_makes_both_indexes_from_the_ledger_alone(store, tmp_path):
    """What docs/library.md says of a backup: the ledger is enough, wherever it is put."""
    store.close()
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    shutil.copy(store.path / "ledger.sqlite3", moved)
    copy = open_store(moved)
    seen: list[tuple[int, int]] = []
    copy.rebuild(lambda done, total: seen.append((done, total)))
    total = copy.counts()[1]
    assert seen == [(total, 2 * total), (2 * total, 2 * total)]
    assert copy.dense(vector("Foxes cross roads at night."), 1)[0][0] == "foxes#0"
    copy.close()
    assert_in_step(moved)


def test_a_folder_can_be_moved(store, tmp_path):
    store.close()
    moved = store.path.rename(tmp_path / "moved")
    copy = open_store(moved)
    assert copy.lexical("foxes", 1)[0][0] == "foxes#0"
    assert copy.dense(vector("Foxes cross roads at night."), 1)[0][0] == "foxes#0"
    copy.close()


def test_a_store_of_the_same_model_in_another_precision_says_what_to_run(tmp_path):
    class Precise(HashEmbedder):
        fingerprint = "hash-64/int8"

    Store.open(tmp_path / "old", HashEmbedder(), create=True).close()
    with pytest.raises(StoreError, match=r"older Footnote.*rag ingest FILES --store NEW_FOLDER"):
        Store.open(tmp_path / "old", Precise())
