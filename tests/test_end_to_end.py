"""The commands as people and programs run them: real store, real model, published shapes."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from rag import resources
from rag.cli import app
from tests.test_schemas import validate

KRYLOV = "How much faster is the Krylov-subspace diffusion sampler than the previous best method?"
WATCH = "What was the sensitivity of the smartwatch for atrial fibrillation?"
PAPER = "decomposed-diffusion-sampler-accelerating-large"


def rag(*args: object, stdin: str = "", **variables: object) -> tuple[int, str, str]:
    """Run a command with these variables set: exit status, standard output and error."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        for name in [name for name in os.environ if name.startswith(("RAG_", "OPENAI_"))]:
            patch.delenv(name)
        for name, value in variables.items():
            patch.setenv(name, str(value))
        patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        with pytest.raises(SystemExit) as leaving:
            app([str(arg) for arg in args], prog_name="rag")
    return int(leaving.value.code or 0), out.getvalue(), err.getvalue()


def document(name: str, *args: object, store: Path, stdin: str = "") -> Any:
    """The command's JSON document, valid under the published schema ``name``."""
    status, out, err = rag(*args, "--json", RAG_STORE=store, stdin=stdin)
    assert status == 0, err
    value = json.loads(out)
    validate(name, value)
    return value


def lines(name: str, path: Path) -> list[Any]:
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    for row in rows:
        validate(name, row)
    return rows


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve records of the sample collection, and a line that is no record."""
    sample = resources.path("sample/medical_imaging.jsonl").read_text("utf-8").splitlines()
    path = tmp_path_factory.mktemp("papers") / "papers.jsonl"
    path.write_text("\n".join([*sample[:12], '{"title": "no abs']), "utf-8")
    return path


@pytest.fixture(scope="module")
def store(papers: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("library") / "store"
    command = [sys.executable, "-m", "rag", "ingest", papers, "--store", folder, "--json"]
    done = subprocess.run(list(map(str, command)), capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    validate("ingest", report)
    assert (report["added"], report["updated"], report["unchanged"]) == (12, 0, 0)
    [failure] = report["failed"]
    assert "13" in failure["where"]
    return folder


def test_a_second_ingest_changes_nothing(store: Path, papers: Path) -> None:
    report = document("ingest", "ingest", papers, store=store)
    assert (report["added"], report["updated"], report["unchanged"]) == (0, 0, 12)


def test_an_ingest_that_takes_nothing_in_is_an_error(tmp_path: Path) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.write_bytes(b"")
    status, _, err = rag("ingest", empty, tmp_path / "missing.jsonl", "--store", tmp_path / "s")
    assert status == 1
    assert err.count("rag: error: ") == 1
    assert "Traceback" not in err


def test_search(store: Path) -> None:
    rows = document("search", "search", KRYLOV, "-k", 3, store=store)
    assert [row["rank"] for row in rows] == [1, 2, 3]
    assert rows[0]["paper"]["id"] == PAPER
    for row in rows:
        passage = row["passage"]
        assert row["paper"]["abstract"][passage["start"] : passage["end"]] == passage["text"]
    assert len(document("search", "search", KRYLOV, "-k", 99, store=store)) == 12


def test_ask(store: Path) -> None:
    answer = document("ask", "ask", KRYLOV, store=store)
    sources = {source["n"]: source for source in answer["sources"]}
    assert list(sources) == list(range(1, len(sources) + 1))
    assert "80" in answer["text"]
    cited = {sources[n]["paper_id"] for row in answer["sentences"] for n in row["citations"]}
    assert PAPER in cited
    for sentence in answer["sentences"]:
        assert sentence["text"] in answer["text"]
        for item in sentence["evidence"]:
            field = "text" if item["field"] == "abstract" else "title"
            quoted = sources[item["source"]][field][item["start"] : item["end"]]
            assert quoted == item["quote"]


def test_ask_refuses_what_the_collection_does_not_hold(store: Path) -> None:
    answer = document("ask", "ask", WATCH, store=store)
    assert answer["refused"]
    assert answer["refusal"]["nearest"]


def test_ask_in_words(store: Path) -> None:
    status, out, err = rag("ask", KRYLOV, RAG_STORE=store)
    assert (status, err) == (0, "")
    assert "80 times faster" in out
    assert "\nSources\n" in out
    assert out.rstrip().endswith("Nothing left this machine.")


@pytest.mark.parametrize("question", ["", " \t\n", "\x00\x07" * 3, "x" * 100_000])
def test_a_question_that_is_none_is_an_error(store: Path, question: str) -> None:
    # A null byte cannot stand on a command line; in a file it can.
    questions = store.parent / "questions.jsonl"
    questions.write_text(json.dumps({"id": "q", "question": question}) + "\n")
    status, out, err = rag("run", questions, "--out", store.parent / "run.jsonl", RAG_STORE=store)
    assert (status, out) == (1, "")
    assert "question" in err
    assert "Traceback" not in err
    [row] = lines("run-answer", store.parent / "run.jsonl")
    assert "unexpected" not in row["error"]


def test_run(store: Path, tmp_path: Path) -> None:
    questions, out = tmp_path / "questions.jsonl", tmp_path / "run.jsonl"
    history = [{"role": "user", "content": "Tell me about the decomposed diffusion sampler."}]
    records = [{"id": 1, "question": KRYLOV}, {"id": "f", "question": WATCH, "history": history}]
    questions.write_text("".join(json.dumps(record) + "\n" for record in records) + "{oops\n")
    report = document("batch", "run", questions, "--out", out, store=store)
    assert (report["done"], report["failed"]) == (2, 1)
    assert [row["id"] for row in lines("run-answer", out)] == [1, "f", "line-3"]


def test_check_batch_needs_no_library(tmp_path: Path) -> None:
    cases, out = tmp_path / "cases.jsonl", tmp_path / "out.jsonl"
    source = {"title": "A scanner", "text": "The scanner found 12 of 15 lesions in 40 patients."}
    draft = "The scanner found 12 of 15 lesions [1]. It found 13 lesions [1]. All agreed [2]."
    case = {"id": "c", "question": "?", "sources": [source], "draft": draft}
    cases.write_text(json.dumps(case) + "\n" + json.dumps({"id": "bad", "draft": "x"}) + "\n")
    absent = tmp_path / "store"
    report = document("batch", "check", "--batch", cases, "--out", out, store=absent)
    assert (report["done"], report["failed"]) == (1, 1)
    checked, failed = lines("check-result", out)
    assert [row["verdict"] for row in checked["sentences"]] == (
        ["supported", "unsupported", "phantom"]
    )
    assert [row["kept"] for row in checked["sentences"]] == [True, False, False]
    places = [draft.index(row["text"]) for row in checked["sentences"]]
    assert places == sorted(places)
    assert failed["id"] == "bad"
    assert not absent.exists()


def test_check_against_the_library(store: Path) -> None:
    text = "The Decomposed Diffusion Sampler unites diffusion sampling with Krylov methods."
    draft = document("check", "check", "-", store=store, stdin=f"{text} Bananas are yellow.")
    first, second = draft["sentences"]
    assert first["verdict"] == "supported"
    numbers = {source["n"]: source["paper_id"] for source in draft["sources"]}
    assert PAPER in {numbers[n] for n in first["citations"]}
    assert second["verdict"] == "unsupported"


def test_status(store: Path) -> None:
    state = document("status", "status", store=store)
    assert (state["store"], state["papers"]) == (str(store), 12)
    status, out, _ = rag("status", RAG_STORE=store)
    assert status == 0
    assert "Nothing leaves this machine." in out


def test_the_option_wins_over_the_variable(store: Path, tmp_path: Path) -> None:
    status, out, _ = rag("status", "--json", "--store", store, RAG_STORE=tmp_path / "other")
    assert (status, json.loads(out)["papers"]) == (0, 12)


def test_eval_of_a_small_set(papers: Path, tmp_path: Path) -> None:
    kept = papers.read_text("utf-8").splitlines()[:12]
    (tmp_path / "papers.jsonl").write_text("\n".join(kept), "utf-8")
    header = {"name": "small", "version": "1", "collection": "papers.jsonl"}
    (tmp_path / "set.json").write_text(json.dumps(header))
    item = {"id": "q", "type": "unanswerable", "split": "dev", "question": WATCH}
    (tmp_path / "questions.jsonl").write_text(json.dumps(item) + "\n")
    out = tmp_path / "run.jsonl"
    command = ("eval", tmp_path, "--split", "dev", "--json", "--out", out)
    status, stdout, err = rag(*command, XDG_CACHE_HOME=tmp_path / "cache", RAG_MODEL="not-asked")
    assert status == 0, err
    report = json.loads(stdout)
    assert report == json.loads(out.with_suffix(".report.json").read_text("utf-8"))
    assert report["false_answers"] == []
    assert report["settings"]["writer"] == "extractive"


def test_a_reader_that_leaves_gets_no_traceback(store: Path) -> None:
    command = [sys.executable, "-m", "rag", "search", KRYLOV, "--store", str(store)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout and process.stderr
        process.stdout.close()
        err = process.stderr.read()
    assert err == b""
