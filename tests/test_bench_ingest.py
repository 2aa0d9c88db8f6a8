from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest

from eval import bench_collection, bench_embedding, bench_ingest
from rag.minilm import MiniLM

TEXTS = ["Kelp shelters young fish.", "Lit meadows are visited less often by moths at night."]


def test_all_sides_give_the_same_texts_the_same_vectors():
    own = MiniLM().encode(TEXTS)
    full = bench_embedding.FullMiniLM().encode(TEXTS)
    chroma = np.array(bench_embedding.chromas_function()(TEXTS))
    np.testing.assert_allclose(full, chroma, atol=1e-5)
    assert ((own * full).sum(axis=1) > 0.99).all()
    assert bench_embedding.FullMiniLM.fingerprint != MiniLM.fingerprint


def test_every_way_is_timed_once_a_round_and_none_is_always_first():
    called: list[str] = []
    ways: bench_embedding.Ways = {
        name: lambda name=name: called.append(name) for name in ("a", "b")
    }
    times = bench_embedding.compared(ways, 4)
    assert {name: len(found) for name, found in times.items()} == {"a": 4, "b": 4}
    assert called == ["b", "a", "a", "b", "b", "a", "a", "b"]


def test_a_ratio_is_taken_round_by_round():
    times = {"slow": [4.0, 9.0, 40.0], "fast": [2.0, 3.0, 10.0]}
    assert bench_embedding.ratio(times, "slow", "fast") == 3


@pytest.mark.parametrize(
    ("gold", "ranked", "expected"),
    [({"a"}, ["a", "b"], 1.0), ({"a"}, ["b", "a"], 1 / np.log2(3)), ({"a"}, ["b"] * 10 + ["a"], 0),
     ({"a", "b"}, ["b"], 1 / (1 + 1 / np.log2(3)))],
)  # fmt: skip
def test_ndcg(gold, ranked, expected):
    assert bench_embedding.ndcg(gold, ranked) == pytest.approx(expected)


def test_retrieval_compares_both_precisions(tmp_path: Path):
    rows = [{"_id": str(n), "title": text, "sentences": [text]} for n, text in enumerate(TEXTS)]
    claims = [{"claim": "Young fish hide in kelp.", "cited": ["0"]},
              {"claim": "Nothing here.", "cited": ["9"]}]  # fmt: skip
    for name, found in (("corpus", rows), ("claims_train", claims)):
        file = tmp_path / f"{name}.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in found), encoding="utf-8")
    head, fp32, int8, difference, counts = bench_embedding.retrieval(tmp_path, tmp_path)
    assert [fp32.split(), int8.split()] == [
        ["fp32", "1.0000", "1.0000"],
        ["int8", "1.0000", "1.0000"],
    ]
    assert (head.split()[0], difference.split()[1:]) == ("nDCG@10", ["0.0000", "0.0000"])
    assert counts == "2 abstracts, 1 claims"


def test_the_embedding_alone_gets_the_passages_that_the_ingest_embeds(tmp_path: Path):
    asked: list[str] = []

    class Noting(bench_collection.HashedWords):
        def encode(self, texts, on_progress=None):
            asked.extend(texts)
            return super().encode(texts)

    texts = bench_ingest.sample_copies(tmp_path / "sample.jsonl")
    with bench_ingest.Library.open(tmp_path / "library", embedder=Noting()) as library:
        assert library.ingest([tmp_path / "sample.jsonl"]).failed == ()
    assert sorted(asked) == sorted(texts)


def test_a_made_up_collection_goes_in_unchanged_the_second_time_and_is_found(tmp_path: Path):
    lines = list(bench_collection.measure(300, tmp_path))
    assert lines[0].startswith("300 made-up papers")
    assert any("300 unchanged" in line for line in lines)
    assert lines[-1].startswith("search to the sum of its parts")


def test_texts_of_one_topic_are_near_each_other():
    embedder = bench_collection.HashedWords()
    same = [bench_collection.text(random.Random(7), 150) for _ in range(2)]
    near, other, again = embedder.encode(["t1w1 t1w2 t1w3", "t2w1 t2w2 word4", "t1w1 t1w3 t1w9"])
    assert same[0] == same[1]
    assert near @ again > near @ other
