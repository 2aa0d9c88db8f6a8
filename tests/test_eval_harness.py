from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from rich.console import Console

from eval import evaluate, harness, load_set, metrics
from rag.errors import InputError, ModelError
from rag.settings import Settings
from rag.types import Answer, Refusal, Retrieved, Source, Usage

ROOT = Path(__file__).parent.parent
TINY = Path(__file__).parent / "data" / "tiny_set"


class Scripted:
    """Answers by a table from question to (text, cited paper ids) or an error."""

    def __init__(self, questions, script):
        self.papers = {paper.id: paper for paper in questions.papers}
        self.script = script
        self.histories = []

    def ask(self, question, history=()):
        self.histories.append(history)
        said = self.script.get(question)
        if isinstance(said, Exception):
            raise said
        text, ids = said or ("", ())
        papers = [self.papers[id] for id in ids]
        return Answer(
            id="a",
            question=question,
            query=question,
            refused=not said,
            text=text or "Nothing in this collection answers that: 18% and 90 per plot are not it.",
            sentences=(),
            notes=(),
            refusal=None if said else Refusal("not_in_collection", "no", ()),
            removed=(),
            sources=tuple(
                Source(n, p.id, p.title, p.url, p.year, p.abstract) for n, p in enumerate(papers, 1)
            ),
            retrieved=tuple(Retrieved(p.id, p.title, 0.5) for p in papers),
            model="scripted",
            usage=Usage(1, 100, 10),
        )


GOOD = {
    "How much lower were the waves behind kelp?": (
        "Over two winters, wave height behind the forest fell by 18% on average [1].",
        ["kelp", "otter"],
    ),
    "What do the kelp and the otter study measure?": (
        "Over two winters, wave height behind the forest fell by 18% on average [1]. "
        "Where otters returned, urchin density dropped from 1,200 to 90 per plot [2].",
        ["kelp", "otter"],
    ),
    "And how many were left?": (
        "Where otters returned, urchin density dropped from 1,200 to 90 per plot [1].",
        ["otter"],
    ),
}


def run(script, **options):
    opened: list[Scripted] = []

    @contextmanager
    def scripted(questions, settings) -> Iterator[Scripted]:
        opened.append(Scripted(questions, script))
        yield opened[0]

    report = evaluate(TINY, Settings(), open_assistant=scripted, **options)
    return report, opened[0]


def value(report, name, column="overall"):
    return report.figures()[name][column].value


def test_a_perfect_run_scores_one_everywhere():
    report, _ = run(GOOD)
    for name, row in report.figures().items():
        assert row["overall"].value == 1, name
    assert report.failed == report.false_refusals == report.false_answers == ()


def test_an_item_that_raises_counts_as_zero_and_is_listed():
    report, _ = run(GOOD | {"And how many were left?": ModelError("no reply\nfrom the model")})
    assert [item.error for item in report.failed] == ["ModelError: no reply from the model"]
    for name in ("recall@5", "mrr", "citation_recall", "vital_fact_recall", "answered"):
        assert value(report, name) == pytest.approx(2 / 3), name
        assert value(report, name, "follow_up") == 0, name
    assert report.figures()["citation_precision"]["overall"].n == 3
    assert "w1" in report.to_dict()["failed"]
    assert "no reply from the model" in shown(report)


def test_a_failed_unanswerable_question_is_no_refusal():
    report, _ = run(GOOD | {"Who composed the first opera?": RuntimeError("boom")})
    assert value(report, "refusal_recall") == 0.5
    assert value(report, "refusal_precision") == 1


def test_refusing_an_answerable_question_is_listed_and_states_no_fact():
    report, _ = run({})
    assert report.false_refusals == ("f1", "c1", "w1")
    assert value(report, "refusal_precision") == pytest.approx(2 / 5)
    assert value(report, "vital_fact_recall") == 0
    assert value(report, "citation_recall") == 0
    assert report.figures()["citation_recall"]["unanswerable"].n == 0


def test_answering_an_unanswerable_question_is_listed_and_its_citations_judged():
    report, _ = run(
        GOOD | {"What does a bronze bell cost?": ("A bronze bell costs 700 crowns [1].", ["bells"])}
    )
    assert report.false_answers == ("u2",)
    assert value(report, "citation_recall", "unanswerable") == 0
    assert value(report, "refusal_recall") == 0.5
    assert value(report, "gold_citation_precision") == 1


def test_phantom_and_missing_citations_cost_recall_and_precision():
    text = (
        "Wave height behind the forest fell by 18% on average [1][9]. "
        "Kelp forests damp coastal waves."
    )
    report, _ = run(GOOD | {"How much lower were the waves behind kelp?": (text, ["kelp"])})
    assert value(report, "citation_recall", "fact") == 0
    assert value(report, "citation_precision", "fact") == 0.5


def test_split_progress_and_history():
    counted = []
    report, assistant = run(GOOD, split="dev", on_progress=lambda *at: counted.append(at))
    assert [item.id for item in report.items] == ["f1", "w1", "u2"]
    assert counted == [(1, 3), (2, 3), (3, 3)]
    assert [len(history) for history in assistant.histories] == [0, 2, 0]


def test_the_report_is_json_that_repeats_but_for_timings():
    def untimed(value):
        if isinstance(value, dict):
            return {k: untimed(v) for k, v in value.items() if k != "timings"}
        return [untimed(v) for v in value] if isinstance(value, list | tuple) else value

    first, second = (untimed(run(GOOD)[0].to_dict()) for _ in range(2))
    assert json.dumps(first) == json.dumps(second)
    assert first["set"]["name"] == "tiny"
    assert first["quantities"]["model_calls"]["overall"] == 5
    comparison = next(item for item in first["items"] if item["id"] == "c1")
    assert comparison["gold_ranks"] == {"kelp": 1, "otter": 2}
    assert comparison["facts"] == {"found": ["wave height", "urchin density"], "missed": []}


def shown(report) -> str:
    console = Console(width=80, record=True, file=open(os.devnull, "w"))  # noqa: PTH123, SIM115
    console.print(report.table())
    return console.export_text()


def test_the_table_shows_n_and_says_when_a_figure_is_undefined():
    text = shown(run(GOOD, split="test")[0])
    assert "tiny v3" in text and "…" not in text
    recall = next(line for line in text.splitlines() if line.strip().startswith("recall@5"))
    assert "1.000 n=1" in recall
    assert recall.count("n/a (n=0)") == 3  # this half has no fact, follow-up or gold for u1


def test_the_real_assistant_over_a_cache_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setattr(harness, "user_cache_path", lambda name: tmp_path / "cache" / name)
    settings = Settings(store=tmp_path / "store")
    reports = [evaluate(TINY, settings, split="dev") for _ in range(2)]
    assert [report.failed for report in reports] == [(), ()]
    assert value(reports[0], "recall@5") == 1
    assert len(list((tmp_path / "cache/footnote/eval").iterdir())) == 1
    assert not (tmp_path / "store").exists()


def broken(tmp_path: Path, line: str) -> Path:
    folder = tmp_path / "broken"
    shutil.copytree(TINY, folder)
    with (folder / "questions.jsonl").open("a") as file:
        file.write("\n" + line + "\n")
    return folder


ITEM = {
    "id": "x1",
    "type": "fact",
    "split": "dev",
    "question": "What is it?",
    "gold": ["kelp"],
    "facts": [{"text": "it", "any": ["it"]}],
}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"type": "riddle"}, "type: Input should be 'fact', 'comparison'"),
        ({"question": "  "}, "question: "),
        ({"gold": ["yeti"]}, "gold: expected ids of papers in the set's collection, found 'yeti'"),
        ({"gold": []}, "expected at least one gold paper"),
        ({"id": "f1"}, "id: expected each id once, found 'f1' again"),
        ({"facts": [{"text": "it", "any": []}]}, "facts.0.any: "),
        (
            {"facts": [{"text": "it", "any": ["it"], "vital": False}]},
            "expected at least one vital fact",
        ),
        ({"type": "follow_up"}, "expected a history for a follow-up"),
        ({"type": "comparison"}, "expected two gold papers"),
        ({"type": "unanswerable"}, "expected no gold and no facts"),
        ({"spilt": "dev"}, "spilt: "),
    ],
)
def test_a_wrong_line_is_named_with_what_was_expected_and_found(tmp_path, change, expected):
    folder = broken(tmp_path, json.dumps(ITEM | change))
    with pytest.raises(InputError) as caught:
        load_set(folder)
    message = str(caught.value)
    assert f"questions.jsonl:7: {expected}" in message
    assert "found" in message and "\n" not in message


def test_half_a_line_of_json_and_a_missing_set(tmp_path):
    with pytest.raises(InputError, match=r"questions\.jsonl:7: Invalid JSON"):
        load_set(broken(tmp_path, '{"id": "x'))
    with pytest.raises(InputError, match=r"set\.json: expected a file of a set"):
        load_set(tmp_path / "nowhere")


def test_every_fact_of_the_shipped_set_stands_in_its_gold_papers():
    questions = load_set()
    texts = {paper.id: f"{paper.title}. {paper.abstract}" for paper in questions.papers}
    missing = [
        (item.id, fact.text)
        for item in questions.items
        for fact in item.facts
        if not metrics.states(" ".join(texts[gold] for gold in item.gold), fact.any)
    ]
    assert missing == []


def test_the_harness_works_inside_an_installed_package(tmp_path):
    shutil.copytree(ROOT / "rag", tmp_path / "rag", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "eval", tmp_path / "rag" / "eval")
    code = (
        "from rag import resources; harness = resources.module('eval'); "
        "print(harness.__name__, len(harness.load_set().items) >= 60)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "rag.eval True", done.stderr
