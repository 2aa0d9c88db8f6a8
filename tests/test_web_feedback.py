from __future__ import annotations

import json
from pathlib import Path

import pytest

from rag.web import feedback
from rag.web.exchange import Exchange
from tests.stub_assistant import answered


def test_each_thumb_is_a_line_with_its_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feedback, "path", lambda: tmp_path / "new" / "feedback.jsonl")
    exchange = Exchange("Why?", answer=answered("Why?"))
    feedback.keep(exchange, "up")
    feedback.keep(exchange, "")
    feedback.keep(Exchange("Not answered"), "down")
    rows = [json.loads(line) for line in feedback.path().read_text("utf-8").splitlines()]
    assert [row["feedback"] for row in rows] == ["up", ""]
    assert rows[0]["question"] == "Why?" and rows[0]["sentences"]
    assert feedback.path().stat().st_mode & 0o077 == 0
