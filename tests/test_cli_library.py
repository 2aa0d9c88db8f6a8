"""The commands that look after a collection, run as they are, on a real store."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from rag.library import Library
from rag.render import to_json
from tests.conftest import RECORDS, Rag
from tests.fakes import HashEmbedder
from tests.stress_ingest import write
from tests.test_render import ANSWER, REFUSED
from tests.test_store import assert_in_step

IDS = {str(record["id"]) for record in RECORDS}


@pytest.fixture(autouse=True)
def store(library: Library, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The six records, in a store that every command opens with the same embedder."""
    library.close()
    monkeypatch.setenv("RAG_STORE", str(library.path))
    monkeypatch.setattr("rag.embedding.load_embedder", lambda _settings: HashEmbedder())
    return library.path


def held(store: Path) -> set[str]:
    with Library.open(store, embedder=HashEmbedder()) as library:
        return {paper.id for paper in library.store.all_papers()}


def test_remove(rag: Rag, store: Path) -> None:
    status, out, err = rag("remove", "kelp", "nobody", "bees", "--json")
    assert status == 0
    assert json.loads(out) == {"removed": ["kelp", "bees"], "unknown": ["nobody"]}
    assert "'nobody'" in err
    assert held(store) == IDS - {"kelp", "bees"}
    assert_in_step(store)
    status, out, err = rag("remove", "nobody")
    assert (status, out) == (1, "")
    assert "nothing was removed" in err


def test_prune_reads_tables_with_other_column_names(rag: Rag, tmp_path: Path) -> None:
    table = tmp_path / "a.csv"
    table.write_text("key,heading,AB\nkelp,Kelp Forests Recover After Sea Urchin Removal,Text.\n")
    assert rag("prune", "--missing-from", table, "--dry-run")[0] == 1
    names = ("--map", "id=key,title=heading,abstract=AB")
    status, out, err = rag("prune", "--missing-from", table, *names, "--dry-run", "--json")
    assert status == 0, err
    assert json.loads(out)["kept"] == 1
    assert rag("prune", "--missing-from", table, "--map", "nonsense")[0] == 2


def test_prune(rag: Rag, store: Path, tmp_path: Path) -> None:
    one = write(tmp_path / "one.jsonl", RECORDS[:2])
    two = write(tmp_path / "two.jsonl", [{**RECORDS[2], "abstract": "Changed."}])
    status, out, _ = rag("prune", "--missing-from", one, two, "--dry-run", "--json")
    assert status == 0
    report = json.loads(out)
    assert (set(report["removed"]), report["kept"]) == (IDS - {"kelp", "bees", "glacier"}, 3)
    assert held(store) == IDS
    assert rag("prune", "--missing-from", one, "--missing-from", two)[0] == 0
    assert held(store) == {"kelp", "bees", "glacier"}
    assert_in_step(store)


def test_prune_takes_nothing_out_where_a_record_cannot_be_read(
    rag: Rag,
    store: Path,
    tmp_path: Path,
) -> None:
    source = write(tmp_path / "a.jsonl", [*RECORDS[:2], {"title": "Torn"}])
    status, _, err = rag("prune", "--missing-from", source)
    assert status == 1
    assert "1 records cannot be read" in err
    assert f"{source}:3" in err
    assert rag("prune", "--missing-from", tmp_path / "absent.jsonl")[0] == 1
    assert held(store) == IDS
    assert rag("prune", "--missing-from", source, "--skip-failed")[0] == 0
    assert held(store) == {"kelp", "bees"}


def test_an_export_is_taken_in_again_unchanged(rag: Rag, store: Path, tmp_path: Path) -> None:
    out = tmp_path / "all.jsonl"
    status, shown, _ = rag("export", "--out", out, "--json")
    assert (status, json.loads(shown)) == (0, {"papers": 6, "out": str(out)})
    assert rag("export")[1] == out.read_text(encoding="utf-8")
    status, shown, _ = rag("ingest", out, "--json")
    assert json.loads(shown)["unchanged"] == 6
    with Library.open(store, embedder=HashEmbedder()) as library:
        before = {p.id: p.content_hash for p in library.store.all_papers()}
    with Library.open(tmp_path / "fresh", embedder=HashEmbedder()) as library:
        library.ingest(out)
        assert {p.id: p.content_hash for p in library.store.all_papers()} == before
        assert "".join(library.export()) == out.read_text(encoding="utf-8")


@pytest.mark.parametrize(("form", "start"), [("bibtex", "@misc{bread,"), ("ris", "TY  - GEN\n")])
def test_export_in_other_formats(rag: Rag, form: str, start: str) -> None:
    status, out, _ = rag("export", "--format", form)
    assert status == 0
    assert start in out
    assert all(str(record["title"]) in out for record in RECORDS)


def test_an_export_that_cannot_be_written_leaves_nothing(rag: Rag, tmp_path: Path) -> None:
    status, _, err = rag("export", "--out", tmp_path / "no" / "all.jsonl")
    assert status == 1
    assert "cannot be written" in err
    assert rag("export", "--json")[0] == 2


def test_rebuild(rag: Rag, store: Path) -> None:
    for name in ("chroma", "lexical"):
        shutil.rmtree(store / name)
    status, out, _ = rag("rebuild", "--json")
    assert status == 0
    assert (json.loads(out)["papers"], json.loads(out)["passages"]) == (6, 6)
    assert_in_step(store)


def test_status_tells_sizes_and_the_last_ingest(rag: Rag) -> None:
    status, out, _ = rag("status", "--json")
    report = json.loads(out)
    assert (status, report["papers"], report["sources"]) == (0, 6, 1)
    assert all(size > 0 for size in report["sizes"].values())
    assert report["last_ingest"].startswith("20")
    assert "MB" in rag("status")[1]


# --- citing -------------------------------------------------------------------------------


@pytest.fixture
def answer(tmp_path: Path) -> Path:
    path = tmp_path / "answer.json"
    path.write_text(to_json(ANSWER), encoding="utf-8")
    return path


def test_cite_writes_what_the_answer_cites(rag: Rag, answer: Path) -> None:
    cited = {n for sentence in ANSWER.sentences for n in sentence.citations}
    titles = {s.n: s.title for s in ANSWER.sources}
    for form in ("plain", "bibtex", "ris"):
        status, out, _ = rag("cite", answer, "--format", form)
        assert status == 0
        assert all((titles[n] in out) == (n in cited) for n in titles)
    status, out, _ = rag("cite", answer, "--json")
    assert json.loads(out)["format"] == "plain"


def test_cite_completes_from_the_collection(rag: Rag, answer: Path) -> None:
    document = json.loads(answer.read_text(encoding="utf-8"))
    for source in document["sources"]:
        source.update(paper_id="kelp", title=RECORDS[0]["title"])
    answer.write_text(json.dumps(document), encoding="utf-8")
    assert "A. Brine, C. Holdfast (2021)" in rag("cite", answer)[1]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (to_json(REFUSED), "cites no source"),
        ("[1]", "no answer with sources"),
        ("{", "no JSON"),
        ('{"sources": []}', "found one without 'sentences'"),
    ],
)
def test_what_is_no_answer_is_told(rag: Rag, answer: Path, text: str, told: str) -> None:
    answer.write_text(text, encoding="utf-8")
    status, out, err = rag("cite", answer)
    assert (status, out) == (1, "")
    assert told in err
