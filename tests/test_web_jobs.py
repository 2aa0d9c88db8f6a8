from __future__ import annotations

import asyncio
import logging
import threading

import pytest

from rag.errors import InputError, StoreBusyError
from rag.web.exchange import UNEXPECTED
from rag.web.jobs import BUSY, Job, Progress
from rag.web.jobs_html import counted, problem_html, progress_html
from tests.tab_reader import TabReader
from tests.test_web_html import HOSTILE


def finished(job: Job[int]) -> list[Progress]:
    """Start the job and watch it to its end."""

    async def watched() -> list[Progress]:
        job.start()
        return [progress async for progress in job.watch()]

    return asyncio.run(watched())


def test_a_job_gives_its_result_and_tells_how_far_it_was() -> None:
    def work(job: Job[int]) -> int:
        job.tell(3, 4)
        return 7

    job = Job[int](work, "papers")
    finished(job)
    assert (job.result, job.problem, job.stopped) == (7, "", False)
    assert (job.progress.done, job.progress.total) == (3, 4)


def test_a_watcher_sees_the_work_move_and_may_stop_it() -> None:
    seen = threading.Event()

    def work(job: Job[int]) -> int:
        job.tell(1)
        seen.wait(30)
        job.tell(2)
        raise AssertionError("it goes on")

    async def watched() -> Job[int]:
        job = Job[int](work, "papers")
        job.start()
        async for progress in job.watch():
            if progress.done == 1:
                job.stop()
                seen.set()
        return job

    job = asyncio.run(watched())
    assert job.stopped
    assert job.progress.done == 1
    assert job.result is None


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (InputError("up.ris: holds nothing"), "up.ris: holds nothing"),
        (StoreBusyError("process 7 is writing to /home/me/library"), BUSY),
        (ValueError("secret"), UNEXPECTED),
    ],
)
def test_a_failure_is_a_line_for_people(
    error: Exception, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    def work(_job: Job[int]) -> int:
        raise error

    with caplog.at_level(logging.ERROR):
        job = Job[int](work, "papers")
        finished(job)
    assert job.problem == told
    assert ("secret" in caplog.text) is (told == UNEXPECTED)


def test_progress_is_told_with_rate_and_remaining_time() -> None:
    assert str(Progress("papers")) == "papers"
    assert str(Progress("papers", 64, None, 2.0)) == "papers: 64, 32 a second"
    told = "papers: 64 of 1,000, 32 a second, 29 s left"
    assert str(Progress("papers", 64, 1000, 2.0)) == told
    reader = TabReader(progress_html(Progress("papers", 64, 1000, 2.0)))
    assert (reader.of("value"), reader.of("max")) == (["64"], ["1000"])
    assert reader.text == told.capitalize()
    assert TabReader(progress_html(Progress("papers"))).of("value") == []


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(text: str) -> None:
    reader = TabReader(progress_html(Progress(text, 1)) + problem_html(text))
    assert reader.text.lower().count(text.lower()) == 2


def test_counting() -> None:
    assert [counted(n, "paper") for n in (0, 1, 2000)] == ["0 papers", "1 paper", "2,000 papers"]
