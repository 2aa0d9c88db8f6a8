from __future__ import annotations

import io
import json
from dataclasses import asdict

import pytest
from rich.console import Console

from rag import progress as module
from rag.progress import ProgressEvent, in_words, progress
from tests.test_schemas import validate


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EVENT_EVERY", 0.0)
    monkeypatch.setattr(module, "LINE_EVERY", 0.0)


def count(unit: str, as_json: bool, steps: int = 5, total: int | None = 5) -> None:
    with progress(unit, as_json, Console(file=io.StringIO())) as show:
        for done in range(1, steps + 1):
            show(done, total)


def test_events_are_lines_of_json(often, capsys):
    count("papers", as_json=True)
    captured = capsys.readouterr()
    assert captured.out == ""
    events = [json.loads(line) for line in captured.err.splitlines()]
    for event in events:
        validate("progress", event)
    assert [event["done"] for event in events] == [1, 2, 3, 4, 5]
    assert {(event["event"], event["unit"], event["total"]) for event in events} == {
        ("progress", "papers", 5)
    }
    assert events[0]["rate"] is None  # of one moment there is none
    assert events[-1]["rate"] > 0
    assert events[-1]["remaining"] == 0


def test_lines_are_for_people(often, capsys):
    count("papers", as_json=False, total=None)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "papers: 1"
    assert lines[-1].startswith("papers: 5, ")
    assert lines[-1].endswith(" a second")


@pytest.mark.parametrize("as_json", [True, False])
def test_what_is_done_at_once_says_nothing(as_json, capsys):
    count("papers", as_json)
    assert capsys.readouterr().err == ""


def test_the_end_is_told_where_something_was_told(monkeypatch, capsys):
    with progress("papers", True, Console(file=io.StringIO())) as show:
        monkeypatch.setattr(module, "EVENT_EVERY", 0.0)
        show(1, 3)
        monkeypatch.setattr(module, "EVENT_EVERY", 1e9)
        show(2, 3)
        show(3, 3)
    assert [json.loads(line)["done"] for line in capsys.readouterr().err.splitlines()] == [1, 3]


def test_a_terminal_gets_a_bar_with_rate_and_time(capsys):
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=120)
    with progress("papers", False, console) as show:
        show(1, 4)
        show(2, 4)
    shown = screen.getvalue()
    assert "papers" in shown
    assert "2/4" in shown
    assert "a second" in shown
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "papers: 1,640 of 10,000, 35 a second, 3 min 58 s left"),
        ({"total": None, "remaining": None}, "papers: 1,640, 35 a second"),
        ({"rate": 2871.2, "remaining": 2.9}, "papers: 1,640 of 10,000, 2,871 a second, 3 s left"),
        ({"rate": None, "remaining": None}, "papers: 1,640 of 10,000"),
        ({"rate": 0.02, "remaining": 40_000}, "papers: 1,640 of 10,000, 0.02 a second, "
         "11 h 6 min left"),
    ],
)  # fmt: skip
def test_an_event_in_words(changes, words):
    event = ProgressEvent("progress", "papers", 1640, 10_000, 35.2, 237.5, 47.0)
    assert in_words(ProgressEvent(**{**asdict(event), **changes})) == words
