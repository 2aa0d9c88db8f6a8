"""The evaluation tab without a browser: runs are kept, listed, compared; one that stops is not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from eval import compare, harness, load_stored
from rag.settings import Settings
from rag.types import Answer, Turn
from rag.web import evaluations
from rag.web.evaluation_html import comparison_html, frame_html
from rag.web.jobs import Job
from tests.conftest import RECORDS
from tests.eval_run import QUESTIONS, write
from tests.stub_assistant import answered
from tests.tab_reader import TabReader
from tests.test_web_html import HOSTILE

SETTINGS = Settings(_env_file=None)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person's folders, with one set of their own; a stub answers."""
    for name in ("sets", "runs"):
        monkeypatch.setattr(evaluations, f"{name}_path", lambda name=name: tmp_path / name)
    own = tmp_path / "sets" / "reefs"
    write(own / "set.json", [{"name": "reefs", "version": "2", "collection": "papers.jsonl"}])
    write(own / "questions.jsonl", QUESTIONS)
    write(own / "papers.jsonl", RECORDS)

    class Asked:
        def ask(self, question: str, history: Sequence[Turn] = ()) -> Answer:
            return answered(question, id="", sources=(), sentences=(), text="Nobody knows.")

    @contextmanager
    def opening(*_given: Any) -> Any:
        yield Asked()

    real = harness.generate
    fake = SimpleNamespace(
        generate=lambda *given, **named: real(*given, **named, opening=opening),
        score=harness.score,
        load_set=harness.load_set,
        load_stored=load_stored,
        compare=compare,
    )
    modules = {"eval": fake}
    found = evaluations.resources.module
    monkeypatch.setattr(
        evaluations.resources, "module", lambda name: modules.get(name) or found(name)
    )
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def run(sample: int = 0) -> Job[str]:
    """An evaluation of the own set, to its end."""
    questions = evaluations.question_sets()["own: reefs v2"]
    choice = evaluations.Choice(questions, "dev", sample)
    job = Job[str](lambda job: evaluations.evaluate(choice, SETTINGS, job), "preparing")
    job._run()
    return job


def test_shipped_sets_and_own_ones_are_offered(home: Path) -> None:
    (home / "sets" / "broken").mkdir()
    (home / "sets" / "broken" / "set.json").write_text("{", encoding="utf-8")
    assert list(evaluations.question_sets()) == [
        "medical_imaging v2", "medical_imaging_hard v1", "medical_imaging_more v1", "own: reefs v2",
    ]  # fmt: skip


def test_a_run_is_kept_with_its_report_and_its_page() -> None:
    job = run()
    assert job.problem == ""
    [(name, kept)] = evaluations.earlier().items()
    assert name == job.result
    assert str(kept).endswith("reefs v2 · dev half · extractive")
    assert kept.beside(".html").read_text(encoding="utf-8").startswith("<!doctype html>")
    report = json.loads(kept.beside(".report.json").read_text(encoding="utf-8"))
    assert len(report["items"]) == len(QUESTIONS)
    assert job.progress.stage == "answers scored"


def test_a_sample_is_always_the_same_and_says_that_it_is_one() -> None:
    job = run(sample=3)
    assert job.problem == ""
    [kept] = evaluations.earlier().values()
    assert "3 questions" in str(kept)
    report = json.loads(kept.beside(".report.json").read_text(encoding="utf-8"))
    assert report["settings"]["sample"] == 3
    three = [item["id"] for item in report["items"]]
    questions = harness.load_set(evaluations.question_sets()["own: reefs v2"])
    smaller = [item.id for item in harness._part(questions, "dev", 2)]
    assert len(three) == 3
    assert set(smaller) < set(three)
    assert [i.id for i in harness._part(questions, "dev", 0)] == [q["id"] for q in QUESTIONS]


def test_a_run_that_is_stopped_or_fails_leaves_nothing(home: Path) -> None:
    questions = evaluations.question_sets()["own: reefs v2"]
    choice = evaluations.Choice(questions, "dev", 0)
    job = Job[str](lambda job: evaluations.evaluate(choice, SETTINGS, job), "preparing")
    job.stop()
    job._run()
    assert job.stopped
    failed = Job[str](
        lambda job: evaluations.evaluate(evaluations.Choice(home, "dev", 0), SETTINGS, job), ""
    )
    failed._run()
    assert "set.json" in failed.problem
    assert evaluations.earlier() == {}
    assert list((home / "runs").iterdir()) == []


def test_two_runs_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    run()
    monkeypatch.setattr(evaluations, "_STAMP", "later %H")
    run(sample=3)
    after, before = evaluations.earlier().values()
    document = evaluations.compared(before, after)
    assert (document["shared"], document["left_out"]) == (3, 3)
    reader = TabReader(comparison_html(document, str(before), str(after)))
    assert "3 shared questions: 0 won, 0 lost. 3 questions not the same" in reader.text
    assert "table" in reader.tags


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(text: str) -> None:
    gap = {"value": 0.25, "low": 0.1, "high": 0.4, "n": 4}
    row = {"label": text, "a": 0.5, "b": 0.75, "difference": gap, "p_holm": 0.01, "better": True}
    document = {
        "shared": 4, "left_out": 0, "rows": [row],
        "flips": [{"id": text, "question": text, "won": False}],
    }  # fmt: skip
    reader = TabReader(comparison_html(document, text, text) + frame_html(text, text))
    assert reader.text.count(text) == 5
    assert "+0.250 better" in reader.text
    assert reader.of("srcdoc") == [text]
    assert reader.of("sandbox") == ["allow-scripts"]
