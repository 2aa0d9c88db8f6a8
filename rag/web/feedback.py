"""What readers think of answers, kept for the evaluation: one line for each thumb."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from pathlib import Path

from platformdirs import user_data_path

from rag.render import to_dict
from rag.web.exchange import Exchange, Feedback

_writing = threading.Lock()


def path() -> Path:
    """Where it is kept: JSON Lines in the user's data folder."""
    return user_data_path("footnote") / "feedback.jsonl"


def keep(exchange: Exchange, given: Feedback) -> None:
    """Add a line: the answer as ``rag ask --json`` has it, what was thought of it, and when.

    The last line on an answer counts; an empty ``feedback`` takes an earlier one back.
    """
    if exchange.answer is None:
        return
    row = {
        **to_dict(exchange.answer),
        "feedback": given,
        "given_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    file = path()
    with _writing:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(row, ensure_ascii=False) + "\n")
        file.chmod(0o600)
