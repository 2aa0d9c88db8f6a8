from __future__ import annotations

from pathlib import Path

import pytest

from eval import bench_grounding as bench
from eval.drafts import Draft
from eval.sets import collection_papers
from rag.evidence import passage, read
from rag.grounding import read_through, verifier

PAPERS = {
    paper.id: paper
    for paper in collection_papers(Path(__file__).parent / "data" / "tiny_set" / "papers.jsonl")
}


def draft(*sentences: tuple[str, str]) -> Draft:
    rows = tuple({"text": text, "label": label} for text, label in sentences)
    return Draft.model_validate(
        {"id": "d", "split": "dev", "question": "?", "sources": ("kelp", "otter"),
         "sentences": rows}
    )  # fmt: skip


DRAFT = draft(
    ("## Short answer", "chatter"),
    ("Behind the kelp forest wave height fell by 18% over two winters [1].", "supported"),
    ("Waves fell and urchins became fewer over these winters [1][2].", "supported"),
    ("Sea otters eat many urchins in winter [3].", "phantom"),
    ("Sea otters eat urchins in winter.", "uncited"),
)


def test_a_sentence_counts_once_for_each_abstract_that_it_cites():
    found = [(text[:6], source.paper_id) for text, (source,) in bench.pairs_of(DRAFT, PAPERS)]
    assert found == [("Behind", "kelp"), ("Waves ", "kelp"), ("Waves ", "otter")]


def test_the_ways_differ_in_how_often_the_verifier_reads(monkeypatch):
    asked: list[int] = []

    def support_of(pairs):
        asked.append(len(pairs))

    monkeypatch.setattr(bench, "support_of", support_of)
    pairs = bench.pairs_of(DRAFT, PAPERS)
    bench.exact_only(pairs)
    assert asked == []
    bench.together(pairs)
    assert asked == [3]
    bench.one_by_one(pairs)
    assert asked == [3, 1, 1, 1]


def test_nothing_that_was_read_is_remembered():
    ((_, (source,)), *_) = bench.pairs_of(DRAFT, PAPERS)
    read_through(source)
    text = passage([read(source)], ())
    reading = verifier().read(text)
    assert read.cache_info().currsize
    assert verifier().read(text) is reading
    bench.forget()
    assert not read.cache_info().currsize
    assert verifier().read(text) is not reading


def test_abstracts_are_read_ahead_where_a_way_says_so(monkeypatch):
    pairs = bench.pairs_of(DRAFT, PAPERS)
    read_ahead = []
    monkeypatch.setattr(bench, "read_through", lambda source: read_ahead.append(source.paper_id))
    for ahead, expected in ((False, []), (True, ["kelp", "otter"])):
        monkeypatch.setattr(bench, "WAYS", {"a way": bench.Way(bench.exact_only, ahead)})
        bench.measure([pairs], rounds=1)
        assert sorted(read_ahead) == expected


def test_every_way_is_timed_on_every_draft_in_every_round():
    drafts = [bench.pairs_of(DRAFT, PAPERS)] * 2
    times = bench.measure(drafts, rounds=2)
    assert {name: len(found) for name, found in times.items()} == dict.fromkeys(bench.WAYS, 4)
    assert all(milliseconds > 0 for found in times.values() for milliseconds in found)


def test_the_report_compares_draft_by_draft():
    names = list(bench.WAYS)
    times = {names[0]: [1.0, 4.0, 2.0], names[1]: [3.0, 8.0, 6.0], names[2]: [0.5, 2.0, 0.2]}
    head, _, *rows = bench.report(times, drafts=3, pairs=7).splitlines()
    assert head.startswith("7 pairs of a sentence and an abstract in 3 drafts; 1 rounds; ")
    assert [row.split()[-3:] for row in rows] == [
        ["2.00", "3.60", "1.00"], ["6.00", "7.60", "3.00"], ["0.50", "1.70", "0.50"]
    ]  # fmt: skip


def test_a_draft_without_a_citation_has_nothing_to_time():
    assert bench.pairs_of(draft(("Thank you for asking.", "chatter")), PAPERS) == []


@pytest.mark.parametrize("name", bench.WAYS)
def test_each_way_takes_a_draft(name):
    bench.WAYS[name].check(bench.pairs_of(DRAFT, PAPERS))
