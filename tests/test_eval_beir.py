from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import ir_measures
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from eval import beir, indexed
from eval.metrics import graded_ndcg_at_k, ndcg_at_k
from rag.cli import app
from rag.errors import InputError
from rag.retrieval import retrieve
from tests.fakes import HashEmbedder

TOPICS = ("kelp", "otters", "reefs", "tides", "storms", "urchins")
grades = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 3), min_size=1)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexed, "user_cache_path", lambda name: tmp_path / "cache" / name)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Thirty documents on six topics, a question on each; two documents share a title."""
    root = tmp_path / "bench"
    (root / "qrels").mkdir(parents=True)
    documents = [
        {
            "_id": f"d{n}",
            "title": "Notes" if n < 2 else f"On {TOPICS[n % 6]}, part {n}",
            "text": f"{TOPICS[n % 6]} were counted {n} times, and {TOPICS[n % 5]} too.",
            "metadata": {"n": n},
        }
        for n in range(30)
    ]
    queries = [{"_id": f"q{n}", "text": f"How many {topic}?"} for n, topic in enumerate(TOPICS)]
    write(root / "corpus.jsonl", documents)
    write(root / "queries.jsonl", queries)
    rows = [f"q{n}\td{d}\t{1 + d % 2}" for n in range(5) for d in range(30) if d % 6 == n]
    rows += ["q0\td1\t0", "q5\td3\t0"]
    (root / "qrels" / "test.tsv").write_text("\n".join(["query-id\tcorpus-id\tscore", *rows]))
    return root


def write(path: Path, rows: list[dict[str, object]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def test_the_figures_are_those_of_ir_measures(folder: Path) -> None:
    report = beir.evaluate_beir(folder, HashEmbedder())
    found = beir.load_beir(folder)
    run: dict[str, dict[str, float]] = {}
    with beir.open_store(found.papers, HashEmbedder(), lambda _: None) as store:
        assert store.counts()[0] == 30
        for query, question in found.questions.items():
            ranked = [hit.paper.id for hit in retrieve(store, HashEmbedder(), question, 100)]
            run[query] = {paper: -float(place) for place, paper in enumerate(ranked)}
    measures = {
        "nDCG@10": ir_measures.nDCG @ 10,
        "recall@5": ir_measures.R @ 5,
        "recall@10": ir_measures.R @ 10,
        "recall@100": ir_measures.R @ 100,
        "MRR": ir_measures.RR,
    }
    judged = {query: dict(row) for query, row in found.judged.items()}
    expected = ir_measures.calc_aggregate(list(measures.values()), judged, run)
    assert report.figures.keys() == measures.keys()
    for name, measure in measures.items():
        figure = report.figures[name]
        assert figure.value == pytest.approx(expected[measure])
        assert figure.low <= figure.value <= figure.high
    assert report.figures["nDCG@10"].value > 0
    assert (report.questions, report.papers) == (5, 30)  # one has only a grade of 0


@given(grades, st.lists(st.sampled_from("abcdefghxyz"), unique=True, max_size=11))
def test_graded_ndcg_is_that_of_ir_measures(judged: Mapping[str, int], ranked: list[str]) -> None:
    found = graded_ndcg_at_k(judged, ranked, 5)
    if not any(judged.values()):
        assert found is None
        return
    run = {"q": {paper: -float(n) for n, paper in enumerate(ranked)}}
    measure = ir_measures.nDCG @ 5
    expected = ir_measures.calc_aggregate([measure], {"q": dict(judged)}, run)[measure]
    assert found == pytest.approx(expected if ranked else 0.0)


def test_ndcg_of_equal_grades_is_the_binary_one() -> None:
    assert graded_ndcg_at_k({"a": 2, "b": 2}, ["x", "a"], 10) == ndcg_at_k(
        ["a", "b"], ["x", "a"], 10
    )


def test_an_index_that_broke_off_goes_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stopping(HashEmbedder):
        def encode(self, texts, on_progress=None):  # type: ignore[no-untyped-def]
            self.seen = getattr(self, "seen", 0) + len(texts)
            if self.seen > 12:
                raise KeyboardInterrupt
            return super().encode(texts, on_progress)

    monkeypatch.setattr(beir, "_BATCH", 5)
    papers = beir.load_beir(folder).papers
    with (
        pytest.raises(KeyboardInterrupt),
        beir.open_store(papers, Stopping(), lambda _: None),
    ):
        pass
    counted = HashEmbedder()
    asked: list[str] = []
    encode = counted.encode
    monkeypatch.setattr(counted, "encode", lambda texts: (asked.extend(texts), encode(texts))[1])
    with beir.open_store(papers, counted, lambda _: None) as store:
        assert store.counts()[0] == 30
    assert len(asked) == 20


def test_limit_takes_the_first_questions_and_a_shallow_search_has_no_deep_recall(
    folder: Path,
) -> None:
    report = beir.evaluate_beir(folder, HashEmbedder(), limit=2, depth=10)
    assert report.questions == 2
    assert "recall@10" in report.figures and "recall@100" not in report.figures


@pytest.mark.parametrize(
    ("file", "line", "expected"),
    [
        ("corpus.jsonl", '{"title": "no id"}', "corpus.jsonl:31: _id: "),
        ("corpus.jsonl", '{"_id": "d3"}', "corpus.jsonl:31: id: expected each id once"),
        ("queries.jsonl", '{"_id": "q9", "text": ""}', "queries.jsonl:7: text: "),
        ("qrels/test.tsv", "\nq0\td1", "test.tsv:29: expected query-id, corpus-id and a whole"),
        ("qrels/test.tsv", "\nq0\td1\thigh", "test.tsv:29: expected query-id"),
        ("qrels/test.tsv", "\nq77\td1\t1", "test.tsv:29: query-id: expected an id of queries"),
    ],
)
def test_a_wrong_line_is_named(folder: Path, file: str, line: str, expected: str) -> None:
    with (folder / file).open("a", encoding="utf-8") as out:
        out.write(line + "\n")
    with pytest.raises(InputError) as error:
        beir.load_beir(folder)
    assert expected in str(error.value)


def test_what_is_missing_is_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"dev.tsv: .* there are: test; choose one"):
        beir.load_beir(folder, "dev")
    with pytest.raises(InputError, match=r"corpus.jsonl: expected a file of a BEIR folder"):
        beir.load_beir(tmp_path / "nothing")


def test_the_command_reports_what_was_found(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.embedding.load_embedder", lambda _: HashEmbedder())
    shown = CliRunner().invoke(app, ["eval", "beir", str(folder)])
    assert shown.exit_code == 0, shown.stderr
    assert "nDCG@10" in shown.stdout and "30 papers" in shown.stdout
    again = CliRunner().invoke(app, ["eval", "beir", str(folder), "-k", "10", "--json"])
    document = json.loads(again.stdout)
    assert document["depth"] == 10 and document["figures"]["MRR"]["n"] == 5
    wrong = CliRunner().invoke(app, ["eval", "beir", str(folder), "--split", "train"])
    assert wrong.exit_code == 1 and "train.tsv" in wrong.stderr
