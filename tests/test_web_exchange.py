from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path

import pytest

from rag.assistant import Assistant
from rag.library import Library
from rag.settings import Settings
from rag.types import Turn
from rag.web.background import in_thread
from rag.web.exchange import STOPPED, UNEXPECTED, Exchange, end, follow, history, without_path
from tests.fakes import HashEmbedder
from tests.stub_assistant import StubAssistant, answered, refused


def test_sentences_come_one_by_one_and_the_answer_replaces_them() -> None:
    steps = list(follow(StubAssistant(), "How quiet?"))
    assert [len(step.sentences) for step in steps] == [0, 0, 0, 1, 2, 2, 2]
    assert [step.status for step in steps][-2:] == ["writing", ""]
    assert steps[-1].answer == answered("How quiet?")
    assert steps[-1].sources == answered("How quiet?").sources


def test_an_error_for_people_is_shown_and_any_other_only_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    *_, last = follow(StubAssistant(), "cause an error")
    assert "ask a shorter one" in last.problem
    *_, last = follow(StubAssistant(), "cause a bug")
    assert (last.problem, last.status) == (UNEXPECTED, "")
    assert "secret detail" in caplog.text


def test_readers_are_not_told_where_a_library_lies(tmp_path: Path) -> None:
    missing = Library(Settings(store=tmp_path / "none", _env_file=None), HashEmbedder())
    *_, last = follow(Assistant(missing), "How quiet?")
    assert last.problem == "no library; make one: rag ingest FILE"
    text = f"cannot use the library at {tmp_path}/ledger.sqlite3: disk full"
    assert without_path(text, tmp_path) == "cannot use the library: disk full"


def test_closing_closes_the_assistants_stream() -> None:
    assistant = StubAssistant()
    steps = follow(assistant, "How quiet?")
    for step in steps:
        if step.sentences:
            break
    assert not assistant.closed.is_set()
    steps.close()
    assert assistant.closed.is_set()


def test_leaving_waits_for_nothing_and_closes_the_stream_once_its_step_is_done() -> None:
    assistant = StubAssistant()

    async def read_one_sentence() -> None:
        async with aclosing(in_thread(follow(assistant, "a slow one"))) as steps:
            async for step in steps:
                if step.sentences:
                    return

    asyncio.run(read_one_sentence())
    assert not assistant.closed.is_set()
    assistant.gate.set()
    assert assistant.closed.wait(20)
    assert not assistant.finished


def test_a_thread_hands_over_every_step() -> None:
    async def read() -> list[Exchange]:
        return [step async for step in in_thread(follow(StubAssistant(), "How quiet?"))]

    assert asyncio.run(read()) == list(follow(StubAssistant(), "How quiet?"))


def test_follow_ups_get_what_was_said_as_plain_text() -> None:
    first, second = answered("one"), refused("two")
    earlier = (
        Exchange("one", "", answer=first),
        end(Exchange("lost")),
        Exchange("two", "", answer=second),
    )
    assert second.refusal is not None
    expected = (
        Turn("user", "one"),
        Turn("assistant", first.text),
        Turn("user", "two"),
        Turn("assistant", second.refusal.text),
    )
    assert history(earlier) == expected
    assistant = StubAssistant()
    list(follow(assistant, "three", earlier))
    assert assistant.asked == [("three", expected)]


def test_giving_up_keeps_what_was_checked_and_leaves_an_answer_alone() -> None:
    sentences = answered("q").sentences[:1]
    stopped = end(Exchange("q", "writing", sentences=sentences))
    assert (stopped.problem, stopped.status, stopped.sentences) == (STOPPED, "", sentences)
    done = Exchange("q", "", answer=answered("q"))
    assert end(done) is done
