"""Nodes that share a library by way of a real Chroma server."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tantivy

from eval.indexed import open_assistant
from rag import sample
from rag.errors import RagError, StoreBusyError, StoreError
from rag.filters import Filter
from rag.library import Library
from rag.records import taken_in
from rag.remote import Collection, Server
from rag.settings import Settings
from rag.shared import SharedStore
from rag.types import Paper
from tests.chroma_server import ChromaServer, chroma, running
from tests.conftest import RECORDS
from tests.fakes import HashEmbedder
from tests.shared_node import Process, node
from tests.test_store import entry

__all__ = ["chroma", "running"]
LONG = " ".join(f"Sentence {n} on badgers is {'rather ' * 30}long." for n in range(12))


def write(path: Path, records: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def paper(name: str, abstract: str) -> dict[str, Any]:
    return {"id": name, "title": f"On {name}", "abstract": abstract}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write(tmp_path / "records.jsonl", RECORDS)


@pytest.fixture
def nodes(chroma: ChromaServer, tmp_path: Path) -> Iterator[Callable[..., Library]]:
    """Makes nodes, each with a folder of its name."""
    made: list[Library] = []

    def make(name: str, **changes: Any) -> Library:
        made.append(node(chroma.url, tmp_path / name, **changes))
        return made[-1]

    yield make
    for library in made:
        library.close()


def look(library: Library) -> SharedStore:
    """The node's store, after it has looked at the server now."""
    store = library._open_store(create=False)
    assert isinstance(store, SharedStore)
    store._look_again = 0.0
    store.refresh()
    return store


def assert_in_step(library: Library) -> None:
    """Server, copy and lexical index hold the same, and nothing is left to do."""
    store = look(library)
    shelf = store._shelf
    rows: dict[str, Any] = {}
    for page in shelf.server.all_metadatas(shelf._passages):
        rows |= page
    mine = {p.id: p for entries in store._ledger.all_entries() for p, _, _ in entries}
    assert {name: row["text"] for name, row in rows.items()} == {n: p.text for n, p in mine.items()}
    on_server = {k.paper.id: k.paper for page in shelf.all_papers() for k, _ in page}
    assert on_server == {p.id: p for p in store.all_papers()}
    assert not any(store._ledger.unfinished(1))
    store.lexical("any", 1)
    searcher = tantivy.Index.open(str(store.path / "lexical")).searcher()
    found = searcher.search(tantivy.Query.all_query(), 100_000).hits
    assert sorted(searcher.doc(a)["passage_id"][0] for _, a in found) == sorted(mine)
    head = shelf.head()
    assert (head.papers, head.passages) == store.counts()
    assert shelf.changes(head.generation + 1, head.generation + 1) == []
    assert shelf.server.count(shelf._passages) == head.passages


def papers_of(library: Library) -> list[Paper]:
    return list(look(library).all_papers())


# --- what works alone works shared --------------------------------------------------------


def test_what_one_node_takes_in_all_nodes_have(nodes, source):
    first, second = nodes("first"), nodes("second")
    assert first.ingest(source).added == len(RECORDS)
    assert second.search("kelp on reefs", 1)[0].paper.id == "kelp"
    assert first.ingest(source).unchanged == second.ingest(source).unchanged == len(RECORDS)
    assert papers_of(first) == papers_of(second)
    assert first.status().server and first.status().last_ingest == second.status().last_ingest
    ranked = [[(hit.paper.id, hit.score) for hit in n.search("dust and glaciers", 6)]
              for n in (first, second)]  # fmt: skip
    assert ranked[0] == ranked[1]
    assert_in_step(first)
    assert_in_step(second)


def test_a_shared_library_searches_like_one_alone(nodes, source, tmp_path):
    shared = nodes("node")
    shared.ingest(source)
    alone = Library(Settings(store=tmp_path / "alone", _env_file=None), HashEmbedder())
    alone.ingest(source)
    for question in ("kelp on reefs", "false alarms of microphones", "bread"):
        expected = {hit.paper.id: hit.score for hit in alone.search(question, 6)}
        found = {hit.paper.id: hit.score for hit in shared.search(question, 6)}
        assert found == pytest.approx(expected, abs=1e-5)
    assert list(shared.export()) == list(alone.export())
    alone.close()


@pytest.mark.parametrize("most", [0, 1000])
def test_filters_leave_the_same_papers_as_alone(nodes, source, tmp_path, monkeypatch, most):
    monkeypatch.setattr("rag.follower._MANY", most)
    shared = nodes("node")
    shared.ingest(source)
    alone = Library(Settings(store=tmp_path / "alone", _env_file=None), HashEmbedder())
    alone.ingest(source)
    for where in (Filter(ids=("kelp", "bees")), Filter(keywords=("melt",)), Filter(ids=("none",))):
        expected = {h.paper.id: h.score for h in alone.search("false alarms at night", 6, where)}
        found = {h.paper.id: h.score for h in shared.search("false alarms at night", 6, where)}
        assert found == pytest.approx(expected, abs=1e-5)
    alone.close()


def test_every_node_knows_the_topics(nodes, source, tmp_path):
    first, second = nodes("first"), nodes("second")
    first.ingest(source)
    scan = {"id": "us", "title": "Kidney ultrasound", "abstract": "It shows stones."}
    first.ingest(write(tmp_path / "scan.jsonl", [scan]))
    assert look(second).matching(Filter(topics=("sonography", "renal"))) == {"us"}
    assert second.facets() == first.facets()


def test_changes_and_removals_reach_a_node_that_was_off(nodes, source, tmp_path):
    first, second = nodes("first"), nodes("second")
    first.ingest(source)
    first.ingest(write(tmp_path / "long.jsonl", [paper("badgers", LONG)]))
    assert len(papers_of(second)) == len(RECORDS) + 1
    second.close()
    changed = [{**RECORDS[0], "abstract": "Kelp is gone."}, *RECORDS[2:]]
    first.ingest(write(source, changed))
    first.ingest(write(tmp_path / "long.jsonl", [paper("badgers", "Setts are warm.")]))
    first.remove(["chess"])
    assert first.prune(source).removed == ("badgers", "bees")
    assert_in_step(first)
    assert_in_step(second)
    assert second.papers(["kelp"])["kelp"].abstract == "Kelp is gone."
    assert {hit.paper.id for hit in second.search("badgers rather long chess", 9)} == {
        "kelp", "glacier", "bread", "bridge"
    }  # fmt: skip


def test_records_of_several_files_and_nodes_stay_one_paper(nodes, tmp_path):
    """Identity rests on the records, which travel with the papers."""
    first, second = nodes("first"), nodes("second")
    one = {"title": "Tides", "abstract": "Tides rise and fall.", "doi": "10.1/x"}
    first.ingest(write(tmp_path / "a.jsonl", [one]))
    vectors = first.store.vectors([papers_of(first)[0].id])
    second.ingest(write(tmp_path / "b.jsonl", [{**one, "abstract": "Brief.", "year": 1999}]))
    [merged] = papers_of(first)
    assert (merged.abstract, merged.year) == ("Tides rise and fall.", 1999)
    assert merged.sources == ("a.jsonl", "b.jsonl")
    assert (first.store.vectors([merged.id])[merged.id] == vectors[merged.id]).all()
    first.ingest(write(tmp_path / "a.jsonl", [{**one, "abstract": "Tides rise, and fall again."}]))
    assert [p.abstract for p in papers_of(second)] == ["Tides rise, and fall again."]
    assert_in_step(second)


def test_a_rebuild_reads_everything_from_the_server(nodes, source):
    library = nodes("node")
    library.ingest(source)
    store = look(library)
    store._ledger.remove(["kelp"])
    shutil.rmtree(store.path / "lexical")
    assert library.rebuild().papers == len(RECORDS)
    assert_in_step(library)


def test_a_damaged_lexical_index_is_made_anew(nodes, source):
    library = nodes("node")
    library.ingest(source)
    library.close()
    for file in (library.path / "lexical").iterdir():
        file.write_bytes(b"damaged")
    assert library.search("kelp reefs", 1)[0].paper.id == "kelp"
    assert_in_step(library)


# --- processes ----------------------------------------------------------------------------


def test_two_answering_processes_see_what_a_third_takes_in(chroma, tmp_path, source):
    readers = [Process(chroma.url, tmp_path / name) for name in ("one", "two", "two")]
    writer = Process(chroma.url, tmp_path / "three")
    try:
        assert "no library on" in readers[0].ask("search", "kelp")
        writer.send("ingest", source)
        assert [writer.read(), writer.read()] == [len(RECORDS), len(RECORDS)]
        for reader in readers:  # the last two share a folder
            assert reader.ask("search", "kelp on reefs")[0] == "kelp"
        assert writer.ask("remove", "kelp") == ["kelp"]
        for reader in readers:
            until(lambda r=reader: "kelp" not in r.ask("search", "kelp on reefs"))
    finally:
        for process in (*readers, writer):
            process.kill()


def until(condition: Callable[[], bool]) -> None:
    for _ in range(400):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError("not within 40 seconds")


def test_a_killed_process_leaves_whole_papers(chroma, nodes, tmp_path):
    records = [paper(f"p{n}", f"{LONG} Topic{n}.") for n in range(200)]
    source = write(tmp_path / "many.jsonl", records)
    process = Process(chroma.url, tmp_path / "killed")
    process.send("ingest", source)
    assert process.read() == 64  # papers: the next ones are being written
    process.kill()
    again = nodes("killed")  # the same folder, at once
    assert again.ingest(source).added < 200
    assert again.store.counts()[0] == 200
    assert_in_step(again)
    assert_in_step(nodes("other"))


# --- cut off at every request -------------------------------------------------------------


class Cut:
    """Lets a node's server go silent for it after its n-th writing request."""

    def __init__(self, library: Library, at: int) -> None:
        server = look(library)._shelf.server
        self._sent, self._left = server._sent, at
        server._sent = self  # type: ignore[method-assign]

    def __call__(self, method: str, path: str, body: object) -> Any:
        writes = method != "GET" and not path.endswith(("/get", "/query"))
        if writes and self._left == 0:
            raise StoreError("cut off")
        self._left -= writes
        return self._sent(method, path, body)


SAME = Paper("stays", "", "The same.")
BEFORE = [Paper("grows", "", "Short."), Paper("shrinks", "", LONG), Paper("goes", "", LONG), SAME]
AFTER = [
    Paper("grows", "", LONG + " New."),
    Paper("new", "", "Fresh."),
    Paper("shrinks", "", "Now short."),
    replace(SAME, year=2000),
]


def put(library: Library, papers: list[Paper], gone: str) -> None:
    """One change that adds, grows, shrinks and removes, and touches no passage of another."""
    *batch, stays = papers
    library.store.write([entry(p) for p in batch], {stays.id: taken_in(stays)}, [gone])


def test_cut_off_at_any_request_nothing_is_lost_doubled_or_half_there(nodes, chroma):
    first, second = nodes("first"), nodes("second")
    first._open_store(create=True).write([entry(BEFORE[-1])])
    for at in range(20):
        put(first, BEFORE, "new")
        look(second)
        Cut(first, at)
        try:
            put(first, AFTER, "goes")
            break
        except StoreError as error:
            assert "cut off" in str(error)
        first.close()
        heir = (first, second)[at % 2]  # the node itself, or another once the lease has ended
        if heir is second:
            end_lease(chroma)
        assert free(heir)
        assert_in_step(heir)
        found = {p.id: p for p in papers_of(heir)}
        assert set(found.values()) <= {*BEFORE, *AFTER}
        assert {"grows", "shrinks", "stays"} <= set(found)
        put(heir, AFTER, "goes")
        for library in (first, second):
            assert_in_step(library)
            assert papers_of(library) == AFTER
    first.close()
    assert at > 5
    assert papers_of(second) == AFTER


def lease(chroma: ChromaServer) -> Collection | None:
    return Server(Settings(chroma_url=chroma.url, _env_file=None)).collection("footnote-writer")


def end_lease(chroma: ChromaServer) -> None:
    """As if its holder, if there is one, had not renewed it for long."""
    if found := lease(chroma):
        server = Server(Settings(chroma_url=chroma.url, _env_file=None))
        server.describe(found.id, {**found.metadata, "until": 0.0})


def ends(chroma: ChromaServer) -> float:
    found = lease(chroma)
    return float(found.metadata["until"]) if found else 0.0


def free(library: Library) -> bool:
    """Finish what was begun, as soon as the right to write can be had."""
    try:
        with library.store.writing():
            return True
    except StoreBusyError:
        return False


# --- writers ------------------------------------------------------------------------------


def test_a_second_writer_is_told_whom_to_wait_for(nodes, source):
    first, second = nodes("first"), nodes("second")
    first.ingest(source)
    with first.store.writing():
        with pytest.raises(StoreBusyError, match=r"process \d+ on .* is writing .*wait until"):
            second.remove(["kelp"])
        assert second.search("kelp reefs", 1)  # reading goes on
    second.remove(["kelp"])
    assert "kelp" not in {p.id for p in papers_of(first)}


def test_one_who_slept_through_the_lease_writes_nothing_more(nodes, source, chroma):
    first, second = nodes("first"), nodes("second")
    first.ingest(source)
    with first.store.writing():
        assert not free(second)
        end_lease(chroma)
        first._store._lease._renewed -= 60  # seconds that it slept
        second.remove(["kelp"])
        with pytest.raises(StoreError, match="lost its turn to write"):
            first.remove(["bees"])
        with second.store.writing():
            mine = lease(chroma)
            first._store._lease.release()
            assert mine and lease(chroma) == mine
    assert {p.id for p in papers_of(first)} == {r["id"] for r in RECORDS} - {"kelp"}
    assert_in_step(second)


def test_a_writer_keeps_its_lease_while_it_thinks(nodes, source, chroma, monkeypatch):
    monkeypatch.setattr("rag.lease._RENEW", 0.05)
    library = nodes("node")
    library.ingest(source)
    with library.store.writing():
        first = ends(chroma)
        until(lambda: ends(chroma) > first)


def test_threads_of_one_node_write_one_at_a_time(nodes, source, monkeypatch):
    monkeypatch.setattr("rag.shared._MOMENT", 0.0)
    library = nodes("node")
    library.ingest(source)
    told: list[RagError] = []

    def remove() -> None:
        try:
            library.remove(["kelp"])
        except StoreBusyError as error:
            told.append(error)

    with library.store.writing():
        thread = threading.Thread(target=remove)
        thread.start()
        thread.join()
    assert len(told) == 1


# --- the journal --------------------------------------------------------------------------


def test_a_node_that_missed_more_than_the_journal_keeps_reads_everything(
    nodes, source, monkeypatch
):
    first, second = nodes("first"), nodes("second")
    first.ingest(source)
    behind = look(second)._synced
    monkeypatch.setattr("rag.shelf._KEPT", 2)
    for name in ("kelp", "bees", "bread", "chess"):
        first.remove([name])
    head = look(first)._shelf.head()
    assert behind < head.oldest - 1
    assert len(look(first)._shelf.changes(1, head.generation)) == head.generation - head.oldest + 1
    assert {p.id for p in papers_of(second)} == {"glacier", "bridge"}
    assert_in_step(second)


def test_a_copy_that_lacks_papers_is_read_again(nodes, source):
    first, second = nodes("first"), nodes("second")
    first.ingest(source)
    look(second)._ledger.remove(["kelp"])
    first.remove(["bees"])
    assert_in_step(second)


def test_another_library_on_the_server_replaces_the_copy(nodes, source, chroma, tmp_path):
    first, second = nodes("first"), nodes("second")
    first.ingest(source)
    assert len(papers_of(second)) == len(RECORDS)
    chroma.empty()
    with pytest.raises(StoreError, match="answers 404"):
        look(second)
    nodes("third").ingest(write(tmp_path / "b.jsonl", [paper("newts", "Newts swim.")]))
    assert [p.id for p in papers_of(second)] == ["newts"]
    assert_in_step(second)


# --- faults of servers, folders and models ------------------------------------------------


def test_a_server_that_is_killed_and_comes_back_goes_on(nodes, source, chroma, tmp_path):
    library, reader = nodes("node", retries=0), nodes("reader", retries=0)
    library.ingest(source)
    assert reader.search("kelp reefs", 1)
    many = write(tmp_path / "many.jsonl", [paper(f"p{n}", LONG) for n in range(60)])
    killer = threading.Timer(0.3, chroma.kill)
    killer.start()
    with pytest.raises(StoreError, match=r"cannot be reached .*start it \(chroma run\)"):
        while True:
            library.ingest(many)
            library.remove([f"p{n}" for n in range(60)])
    killer.join()
    with pytest.raises(StoreError, match="cannot be reached"):
        look(reader)
    chroma.start()
    until(lambda: free(library))
    assert_in_step(library)
    library.ingest(many)
    assert look(reader).counts()[0] == 60 + len(RECORDS)
    assert_in_step(reader)


def test_a_server_without_a_library_is_told_of(nodes):
    with pytest.raises(StoreError, match=r"no library on http://127.*rag ingest"):
        nodes("node").search("kelp")


class OtherEmbedder(HashEmbedder):
    fingerprint = "other"


class WiderEmbedder(HashEmbedder):
    dimension = 65


def test_another_model_is_refused(nodes, source):
    nodes("node").ingest(source)
    other, wider = nodes("other"), nodes("wider")
    other.embedder, wider.embedder = OtherEmbedder(), WiderEmbedder()
    for action in (lambda: other.search("kelp"), lambda: other.ingest(source)):
        with pytest.raises(StoreError, match=r"was embedded with hash-64, not with other.*RAG_E"):
            action()
    with pytest.raises(StoreError, match="64 dimensions, hash-64 now makes 65"):
        wider.search("kelp")


def test_folders_of_either_kind_are_not_mixed_up(nodes, source, chroma, tmp_path):
    nodes("shared").ingest(source)
    alone = Library(Settings(store=tmp_path / "shared", _env_file=None), HashEmbedder())
    with pytest.raises(StoreError, match=r"is a copy of the library at http.*set RAG_CHROMA_URL"):
        alone.search("kelp")
    mine = Library(Settings(store=tmp_path / "mine", _env_file=None), HashEmbedder())
    mine.ingest(source)
    mine.close()
    with pytest.raises(StoreError, match=r"library of its own.*unset RAG_CHROMA_URL"):
        nodes("mine").search("kelp")


def test_a_copied_folder_is_another_node(nodes, source, tmp_path):
    first = nodes("first")
    first.ingest(source)
    first.close()
    shutil.copytree(tmp_path / "first", tmp_path / "copied")
    copied = nodes("copied")
    with first.store.writing(), pytest.raises(StoreBusyError):
        copied.remove(["kelp"])


def test_the_sample_never_stands_in_for_a_shared_library(chroma, tmp_path, monkeypatch):
    monkeypatch.setenv("RAG_CHROMA_URL", chroma.url)
    assert not sample.stands_in(Settings(_env_file=None))


def test_an_evaluation_never_touches_a_shared_library(tmp_path, monkeypatch):
    monkeypatch.setattr("eval.indexed.cache_path", lambda: tmp_path / "cache")
    monkeypatch.setattr("eval.indexed.load_embedder", lambda _: HashEmbedder())
    monkeypatch.setattr("rag.embedding.load_embedder", lambda _: HashEmbedder())
    nowhere = Settings(chroma_url="http://127.0.0.1:1", retries=0, _env_file=None)
    with open_assistant([Paper("newts", "Newts", "Newts swim in ponds.")], nowhere) as assistant:
        assert assistant.library.search("newts", 1)[0].paper.id == "newts"
