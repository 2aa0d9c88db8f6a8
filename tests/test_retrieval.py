from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag import sample
from rag.library import Library
from rag.loaders import load_papers
from rag.minilm import MiniLM
from rag.retrieval import LEXICAL_WEIGHT, MAX_SOURCES, cut, fuse, retrieve
from rag.settings import Settings
from rag.types import Filter, Hit
from tests.conftest import RECORDS
from tests.fakes import HashEmbedder

KRYLOV = "How much faster is the Krylov-subspace diffusion sampler than the previous best method?"
WATCH = "What was the sensitivity of the smartwatch for atrial fibrillation?"
FIGURES = st.floats(-1, 100, allow_subnormal=False)


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """The sample collection, embedded with the real model."""
    folder = tmp_path_factory.mktemp("sample")
    with Library(Settings(store=folder / "library", _env_file=None), MiniLM()) as library:
        library.ingest(sample.path())
        yield library


def found(library: Library, question: str, k: int = 10) -> list[Hit]:
    return retrieve(library.store, library.embedder, question, k)


def evidence(library: Library, question: str) -> list[Hit]:
    return cut(library.store, question, found(library, question))


# --- fusion -----------------------------------------------------------------------------


@given(FIGURES, FIGURES, FIGURES, FIGURES, st.integers(1, 10**6))
def test_fused_scores_keep_an_agreed_order(
    dense: float, lexical: float, more_dense: float, more_lexical: float, passages: int
) -> None:
    less = fuse(min(dense, more_dense), min(lexical, more_lexical), passages)
    assert less <= fuse(max(dense, more_dense), max(lexical, more_lexical), passages)


def test_fusion_by_hand() -> None:
    assert fuse(0.5, 0.0, 10) == 0.5
    assert fuse(0.5, 2 * math.log(101), 100) == pytest.approx(0.5 + 2 * LEXICAL_WEIGHT)
    assert fuse(0.0, 9.0, 10**6) < fuse(0.0, 9.0, 10**3)


# --- one row per paper ------------------------------------------------------------------


def test_every_paper_has_one_row_and_its_best_passage(library: Library, tmp_path: Path) -> None:
    text = " ".join(f"Reef {n} was cleared of urchins and watched for kelp." for n in range(60))
    long = tmp_path / "long.jsonl"
    long.write_text(json.dumps({"id": "long", "title": "Reefs", "abstract": text}), "utf-8")
    library.ingest(long)
    papers, passages = library.store.counts()
    assert passages > papers + 2
    for k in range(1, papers + 3):
        hits = found(library, "kelp cover on reefs cleared of urchins", k)
        assert len({hit.paper.id for hit in hits}) == len(hits) == min(k, papers)
        assert [h.score for h in hits] == sorted((h.score for h in hits), reverse=True)
    for hit in hits:
        assert hit.passage.paper_id == hit.paper.id
        assert hit.passage.text == hit.paper.abstract[hit.passage.start : hit.passage.end]
    assert found(library, "kelp", 0) == []


def test_every_hit_has_both_figures_and_its_place_by_each(collection: Library) -> None:
    hits = found(collection, KRYLOV, 95)
    vector = collection.embedder.encode([KRYLOV])[0]
    cosines = dict(collection.store.dense(vector, 1000))
    words = dict(collection.store.lexical(KRYLOV, 1000))
    best: dict[str, list[float]] = {}
    for passage, paper in collection.store.papers_of(list(cosines)).items():
        row = best.setdefault(paper, [-1.0, 0.0])
        row[:] = max(row[0], cosines[passage]), max(row[1], words.get(passage, 0.0))
    assert {h.paper.id for h in hits} == best.keys()
    for hit in hits:
        assert [hit.dense, hit.lexical] == pytest.approx(best[hit.paper.id], abs=1e-5)
    assert sorted(h.dense_rank for h in hits) == list(range(1, 96))
    assert [h.dense_rank for h in sorted(hits, key=lambda h: -h.dense)] == list(range(1, 96))
    placed = sorted(h.lexical_rank for h in hits if h.lexical)
    assert placed == list(range(1, len(placed) + 1))
    assert all(h.lexical_rank == 0 for h in hits if not h.lexical)


def test_a_title_does_not_outweigh_a_text_that_answers(tmp_path: Path) -> None:
    records = [
        {"id": "titled", "title": "Sleep and memory in shift workers", "abstract": "A protocol."},
        {
            "id": "plain",
            "title": "A cohort",
            "abstract": "Shift workers slept less, and their memory for names fell.",
        },
        *({"id": f"o{n}", "title": f"Paper {n}", "abstract": "Nothing of that."} for n in range(9)),
    ]
    file = tmp_path / "a.jsonl"
    file.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    with Library(Settings(store=tmp_path / "library", _env_file=None), MiniLM()) as library:
        library.ingest(file)
        hits = found(library, "Do shift workers forget names when they sleep less?")
    assert hits[0].paper.id == "plain"


def test_an_empty_store_gives_nothing(library: Library) -> None:
    library.store.remove([record["id"] for record in RECORDS])
    assert found(library, "kelp") == []
    assert cut(library.store, "kelp", []) == []


def test_equal_scores_stand_in_the_order_of_their_ids(
    tmp_path: Path, embedder: HashEmbedder
) -> None:
    records = [
        {"id": f"p{n}", "title": "Twins", "abstract": "The same words stand here."}
        for n in (3, 1, 5, 2, 4)
    ]
    file = tmp_path / "twins.jsonl"
    file.write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    with Library(Settings(store=tmp_path / "library", _env_file=None), embedder) as twins:
        twins.ingest(file)
        hits = found(twins, "the same words")
    assert [hit.paper.id for hit in hits] == ["p1", "p2", "p3", "p4", "p5"]
    assert len({hit.score for hit in hits}) == 1


# --- what is evidence -------------------------------------------------------------------


def test_a_title_finds_its_paper_first(collection: Library) -> None:
    papers = list(load_papers(sample.path(), lambda _: None))
    first = [found(collection, paper.title, 1)[0].paper.id for paper in papers]
    assert len(papers) == 95
    assert first == [paper.id for paper in papers]


def test_what_the_collection_answers_has_evidence(collection: Library) -> None:
    hits = evidence(collection, KRYLOV)
    assert hits[0].paper.id == "decomposed-diffusion-sampler-accelerating-large"
    assert 1 <= len(hits) <= MAX_SOURCES


def test_what_it_does_not_answer_has_none(collection: Library) -> None:
    assert len(found(collection, WATCH)) == 10
    assert evidence(collection, WATCH) == []


def test_a_name_that_one_paper_has_is_evidence_enough(collection: Library) -> None:
    for name, held in {"MARS": True, "QXZGPT": False}.items():
        question = f"What are {name} sequences?"
        evidence = cut(collection.store, question, found(collection, question))
        assert any(f"({name})" in hit.paper.abstract for hit in evidence) == held


def test_a_name_that_no_paper_of_the_collection_has_leaves_nothing_or_one_side(
    collection: Library,
) -> None:
    for asked, titles in {
        "Did Merlin's findings reach an F1 above that of QxzNet?": [],
        "How does Merlin compare with QxzNet?": ["Merlin"],
        "How does Merlin compare with UniT?": ["Merlin", "Towards a Single Unified Model"],
    }.items():
        kept = cut(collection.store, asked, found(collection, asked))
        held = [any(hit.paper.title.startswith(title) for hit in kept) for title in titles]
        assert all(held) and bool(kept) == bool(titles)
        assert len(kept) == 1 or "QxzNet" not in asked or not titles


def test_evidence_ends_where_the_score_falls(collection: Library) -> None:
    hits = found(collection, KRYLOV)
    odds = [1.0, 0.5, -1.3, -1.5, -5.0]  # logarithms; 2.4 below the best it ends: "than" compares
    shares = [1 / (1 + math.exp(-each)) for each in odds]
    ranked = [dataclasses.replace(h, score=s) for h, s in zip(hits, shares, strict=False)]
    assert cut(collection.store, KRYLOV, ranked) == ranked[:3]
    equal = [dataclasses.replace(hit, score=0.5) for hit in hits]
    assert cut(collection.store, KRYLOV, equal) == equal[:MAX_SOURCES]


# --- filters ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def years(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """Two hundred papers of twenty years on five topics, a topic to every four years."""
    folder = tmp_path_factory.mktemp("years")
    records = [
        {
            "id": f"p{n}",
            "title": f"Paper number {n}",
            "abstract": f"Topic{n % 20 // 4} was seen {n} times. Nothing else was noticed.",
            "year": 2000 + n % 20,
        }
        for n in range(200)
    ]
    source = folder / "a.jsonl"
    source.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    with Library(Settings(store=folder / "library", _env_file=None), HashEmbedder()) as library:
        library.ingest(source)
        yield library


@pytest.mark.parametrize(
    "where",
    [Filter(since=2007, until=2007), Filter(since=2002), Filter(ids=("p3",)), Filter(until=2003)],
)
@pytest.mark.parametrize("question", ["topic1", "topic4 seen", "paper number 7", "unheard of"])
def test_a_filter_applied_after_or_within_the_search_finds_the_same(
    years: Library, monkeypatch: pytest.MonkeyPatch, where: Filter, question: str
) -> None:
    def search() -> list[tuple[str, float]]:
        hits = years.search(question, 8, where)
        assert {hit.paper.id for hit in hits} <= allowed
        # At 0 there are more than are asked for, all alike.
        return [(hit.paper.id if hit.score else "", round(hit.score, 5)) for hit in hits]

    allowed = years.store.matching(where)
    with monkeypatch.context() as patch:
        patch.setattr("rag.retrieval.WIDE", 0.0)
        after = search()
        patch.setattr("rag.retrieval.WIDE", 2.0)
        within = search()
    assert after == within == search()
    assert len(after) == min(8, len(allowed))


def test_a_filter_that_leaves_nothing_finds_nothing(years: Library) -> None:
    assert years.search("topic1", 5, Filter(since=2050)) == []


def test_a_library_that_cannot_be_written_to_can_be_filtered(years: Library, protect) -> None:
    years.close()
    protect(years.path)
    with Library(years.settings, HashEmbedder()) as library:
        hits = library.search("topic1", 5, Filter(since=2004, until=2007))
    assert {hit.paper.year for hit in hits} <= {2004, 2005, 2006, 2007}
    assert len(hits) == 5
