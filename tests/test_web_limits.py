from __future__ import annotations

import asyncio

import pytest

from rag.web.limits import AT_ONCE, BusyError, Limits, Rate


def test_one_question_too_many_says_how_long_to_wait() -> None:
    limits = Limits(rate=2)
    for _ in range(2):
        with limits.turn("ada"):
            pass
    with (
        pytest.raises(BusyError, match="more than 2 questions in a minute; ask again in") as busy,
        limits.turn("ada"),
    ):
        pass
    assert 0 < busy.value.seconds <= 60
    with limits.turn("bob"):
        pass


def test_only_so_many_at_once_and_a_place_is_given_back() -> None:
    limits = Limits(rate=100)
    turns = [limits.turn("ada") for _ in range(AT_ONCE)]
    for turn in turns:
        turn.__enter__()
    with pytest.raises(BusyError, match="being answered already"), limits.turn("ada"):
        pass
    turns[0].__exit__(None, None, None)
    with limits.turn("ada"):
        pass


def test_without_a_rate_nothing_is_counted() -> None:
    limits = Limits()
    turns = [limits.turn("ada") for _ in range(AT_ONCE + 100)]
    for turn in turns:
        turn.__enter__()


def test_programs_stand_in_line_and_a_full_line_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.web.limits.WAITING", 1)
    limits = Limits(places=1)
    order: list[str] = []

    async def work(name: str, wait_for: asyncio.Event | None = None) -> None:
        async with limits.place(name):
            order.append(name)
            if wait_for:
                await wait_for.wait()

    async def scene() -> None:
        done = asyncio.Event()
        first = asyncio.create_task(work("ada", done))
        await asyncio.sleep(0)
        second = asyncio.create_task(work("bob"))
        await asyncio.sleep(0)
        assert order == ["ada"]
        with pytest.raises(BusyError, match="the server is busy"):
            await work("eve")
        done.set()
        await asyncio.gather(first, second)
        await work("eve")

    asyncio.run(scene())
    assert order == ["ada", "bob", "eve"]


def test_who_leaves_the_line_holds_nothing() -> None:
    limits = Limits(places=1)

    async def scene() -> None:
        async with limits.place("ada"):
            waiting = asyncio.create_task(limits.place("bob").__aenter__())
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        async with limits.place("eve"):
            pass

    asyncio.run(asyncio.wait_for(scene(), 20))
    assert not limits._working and not limits._standing


def test_a_rate_says_when_the_next_may_come() -> None:
    rate = Rate(1, 60)
    assert rate.wait("x") == 0
    assert rate.take("x") == 0
    assert 0 < rate.take("x") <= 60
    assert rate.wait("y") == 0
