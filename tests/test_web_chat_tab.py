"""What the tab does where no browser is needed to see it."""

from __future__ import annotations

import pytest

from rag.web.chat_tab import ChatTab
from rag.web.exchange import Exchange
from rag.web.site import Collection, Site
from tests.stub_assistant import PAPERS, StubAssistant, answered

gr = pytest.importorskip("gradio")
DONE = Exchange("q", "", answer=answered("q"), papers=PAPERS)


def test_feedback_is_handed_on_once_and_kept_with_the_exchange() -> None:
    given = []
    with gr.Blocks():
        tab = ChatTab(
            Site((Collection("Sample", StubAssistant()),)),  # type: ignore[arg-type]
            on_feedback=lambda exchange, feedback: given.append((exchange.question, feedback)),
        )
    rated = tab.do_other('{"act": "up", "turn": 1}', (DONE,))[tab.exchanges]
    assert rated[0].feedback == "up"
    again = tab.do_other('{"act": "up", "turn": 1}', rated)[tab.exchanges]
    assert again == (DONE,)
    assert given == [("q", "up"), ("q", "")]
    unfinished = (Exchange("q"),)
    assert tab.exchanges not in tab.do_other('{"act": "up", "turn": 1}', unfinished)
    assert given == [("q", "up"), ("q", "")]
