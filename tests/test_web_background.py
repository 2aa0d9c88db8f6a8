from __future__ import annotations

import asyncio
import threading
from collections.abc import Generator
from contextlib import aclosing

import pytest

from rag.web.background import in_thread


def test_what_a_step_raises_is_raised_after_the_steps_before_it() -> None:
    def steps() -> Generator[int, None, None]:
        yield 1
        raise ValueError("no")

    async def read() -> None:
        made = in_thread(steps())
        assert await anext(made) == 1
        with pytest.raises(ValueError, match="no"):
            await anext(made)

    asyncio.run(read())


def test_the_steps_are_closed_when_their_reader_leaves() -> None:
    closed, go_on = threading.Event(), threading.Event()

    def steps() -> Generator[int, None, None]:
        try:
            yield 1
            go_on.wait(30)
            yield 2
        finally:
            closed.set()

    async def leave() -> None:
        async with aclosing(in_thread(steps())) as made:
            assert await anext(made) == 1

    asyncio.run(leave())
    assert not closed.is_set()
    go_on.set()
    assert closed.wait(30)
