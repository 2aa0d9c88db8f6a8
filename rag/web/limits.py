"""How much one visitor may ask for: questions in a minute, and at the same time."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from rag.errors import RagError

if TYPE_CHECKING:
    from limits.strategies import MovingWindowRateLimiter

AT_ONCE = 3
"""Questions of one visitor in work at the same time."""
PLACES = 4
"""Requests of one kind that are worked on at the same time, over all visitors."""
PLACES_WITH_MODEL = 16
"""The same where most of the time goes by waiting for a model."""
WAITING = 64
"""Requests that may wait for a free place, over all visitors."""


class BusyError(RagError):
    """Too much was asked for; says what to wait for, and ``seconds`` how long."""

    def __init__(self, message: str, seconds: int) -> None:
        super().__init__(message)
        self.seconds = seconds


class Rate:
    """So many events in so many seconds for each name, over a moving window."""

    def __init__(self, most: int, seconds: int) -> None:
        from limits import RateLimitItemPerSecond
        from limits.storage import MemoryStorage
        from limits.strategies import MovingWindowRateLimiter

        self.most, self.seconds = most, seconds
        self._item = RateLimitItemPerSecond(most, seconds)
        self._limiter: MovingWindowRateLimiter = MovingWindowRateLimiter(MemoryStorage())

    def take(self, name: str) -> int:
        """Count an event; returns 0, or the seconds to wait where it is one too many."""
        return 0 if self._limiter.hit(self._item, name) else self.wait(name)

    def wait(self, name: str) -> int:
        """The seconds until an event would be counted; 0: at once."""
        if self._limiter.test(self._item, name):
            return 0
        free_at = self._limiter.get_window_stats(self._item, name).reset_time
        return max(1, math.ceil(free_at - time.time()))


class Limits:
    """The work of all visitors; threads and the server's loop may share it.

    Args:
        rate: questions a minute for each visitor; 0: as many as they like, and at once too.
        places: how many requests of programs are worked on at the same time.
    """

    def __init__(self, rate: int = 0, places: int = PLACES) -> None:
        self._rate = Rate(rate, 60) if rate else None
        self._places = places
        self._line: asyncio.Semaphore | None = None
        self._standing = 0
        self._lock = threading.Lock()
        self._working: Counter[str] = Counter()

    @contextmanager
    def turn(self, who: str) -> Iterator[None]:
        """The time of one question.

        Raises:
            BusyError: the visitor asks too often, or too much at once.
        """
        self._begin(who)
        try:
            yield
        finally:
            with self._lock:
                self._working[who] -= 1
                if not self._working[who]:
                    del self._working[who]

    @asynccontextmanager
    async def place(self, who: str) -> AsyncIterator[None]:
        """The same for a program, which has to stand in line with the others.

        Raises:
            BusyError: as for ``turn``, or the line is full.
        """
        self._line = self._line or asyncio.Semaphore(self._places)
        if self._standing >= WAITING:
            raise BusyError("the server is busy; try again in 5 seconds", 5)
        with self.turn(who):
            self._standing += 1
            try:
                await self._line.acquire()
            finally:
                self._standing -= 1
            try:
                yield
            finally:
                self._line.release()

    def _begin(self, who: str) -> None:
        with self._lock:
            if self._rate and self._working[who] >= AT_ONCE:
                raise BusyError(
                    f"{AT_ONCE} of your questions are being answered already; "
                    "wait until one of them is done",
                    2,
                )
            if self._rate and (wait := self._rate.take(who)):
                most = "1 question" if self._rate.most == 1 else f"{self._rate.most} questions"
                second = "1 second" if wait == 1 else f"{wait} seconds"
                raise BusyError(f"more than {most} in a minute; ask again in {second}", wait)
            self._working[who] += 1
