"""Work that blocks, step by step in a thread, for the server's loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Generator
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import TypeVar

Step = TypeVar("Step")


@dataclass(frozen=True, slots=True)
class _End:
    error: BaseException | None = None


async def in_thread(steps: Generator[Step, None, None]) -> AsyncGenerator[Step, None]:
    """The same ``steps``, each made in a thread of their own; raises what they raise.

    Who leaves waits for nothing: the thread closes ``steps`` as soon as the step in work is
    done, which with a slow model may be much later.
    """
    made: asyncio.Queue[Step | _End] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    left = threading.Event()

    def hand_over(item: Step | _End) -> None:
        with suppress(RuntimeError):  # the server stopped meanwhile
            loop.call_soon_threadsafe(made.put_nowait, item)

    def work() -> None:
        try:
            with closing(steps):
                for step in steps:
                    if left.is_set():
                        return
                    hand_over(step)
        except BaseException as error:
            hand_over(_End(error))
        else:
            hand_over(_End())

    threading.Thread(target=work, daemon=True).start()
    try:
        while not isinstance(step := await made.get(), _End):
            yield step
        if step.error is not None:
            raise step.error
    finally:
        left.set()
