"""Work that takes minutes, in a thread of its own: watched from the page, and stopped."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from rag.errors import RagError, StoreBusyError
from rag.progress import ProgressEvent, in_words
from rag.web.exchange import UNEXPECTED

_log = logging.getLogger(__name__)
BUSY = (
    "Somebody is adding or removing papers in this collection at the moment. "
    "Try again when that is done."
)
_EVERY = 0.25  # seconds between two looks at a job

Result = TypeVar("Result")
OnProgress = Callable[..., None]


class StoppedError(Exception):
    """The work was given up at its next sign of progress."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far work is."""

    stage: str = ""
    """What is being done, or counted."""
    done: int = 0
    total: int | None = None
    seconds: float = 0.0
    """Since the stage began."""

    def __str__(self) -> str:
        """For people: ``papers: 640 of 1,000, 35 a second, 10 s left``."""
        if not self.done:
            return self.stage
        rate = self.done / self.seconds if self.seconds else None
        left = (self.total - self.done) / rate if self.total and rate else None
        event = ProgressEvent("progress", self.stage, self.done, self.total, rate, left, 0.0)
        return in_words(event)


class Job(Generic[Result]):
    """One piece of work; what it came to is in ``result``, ``problem`` or ``stopped``.

    Args:
        work: is given a function to report progress with: the count done and, where it is
            known, the total. To be stopped it has to call it now and then.
        stage: what is counted.
    """

    def __init__(self, work: Callable[[Job[Result]], Result], stage: str) -> None:
        self.progress = Progress(stage)
        self.result: Result | None = None
        self.problem = ""
        self.stopped = False
        self._work = work
        self._leave = threading.Event()
        self._ended = threading.Event()
        self._begun = time.monotonic()

    def start(self) -> None:
        """Begin; returns at once."""
        threading.Thread(target=self._run, daemon=True).start()

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return not self._ended.is_set()

    def stop(self) -> None:
        """Ask it to end at its next sign of progress."""
        self._leave.set()

    def tell(self, done: int, total: int | None = None) -> None:
        """Note how far the work is; the work itself calls this.

        Raises:
            StoppedError: it is to end here.
        """
        if self._leave.is_set():
            raise StoppedError
        seconds = time.monotonic() - self._begun
        self.progress = Progress(self.progress.stage, done, total, seconds)

    def enter(self, stage: str) -> None:
        """Begin to count something else."""
        self._begun = time.monotonic()
        self.progress = Progress(stage)
        self.tell(0)

    async def watch(self) -> AsyncGenerator[Progress, None]:
        """Its progress, each time that it has moved, until it has ended."""
        shown = None
        while self.running:
            if shown != self.progress:
                shown = self.progress
                yield shown
            await asyncio.sleep(_EVERY)

    def _run(self) -> None:
        try:
            self.result = self._work(self)
        except StoppedError:
            self.stopped = True
        except StoreBusyError:
            self.problem = BUSY
        except RagError as error:
            self.problem = str(error)
        except Exception:
            _log.exception("work for the page failed")
            self.problem = UNEXPECTED
        finally:
            self._ended.set()
