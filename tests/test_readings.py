from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from rag.readings import Reading, Readings

SIZE = 80


class Reader:
    """Counts; reads "slow" when it is let, and not "bad" at the first time."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.begun, self.let = threading.Event(), threading.Event()

    def __call__(self, text: str) -> Reading:
        self.texts.append(text)
        if text == "slow":
            self.begun.set()
            assert self.let.wait(10)
        if text == "bad" and self.texts.count("bad") == 1:
            raise ValueError("cannot be read")
        return {"x": np.zeros(SIZE, dtype=np.uint8)}


def test_a_text_is_read_once() -> None:
    read = Reader()
    readings = Readings(read, 10 * SIZE)
    assert readings.of("a") is readings.of("a")
    readings.of("b")
    assert read.texts == ["a", "b"]


def test_the_least_recently_used_goes_first_when_the_bytes_are_full() -> None:
    read = Reader()
    readings = Readings(read, 2 * SIZE)
    for text in "abacab":
        readings.of(text)
    assert read.texts == ["a", "b", "c", "b"]


def test_one_reading_is_kept_whatever_its_size() -> None:
    read = Reader()
    readings = Readings(read, 1)
    for text in "aab":
        readings.of(text)
    assert read.texts == ["a", "b"]


def test_who_wants_what_another_thread_reads_waits_for_it() -> None:
    read = Reader()
    readings = Readings(read, SIZE)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(readings.of, "slow")
        assert read.begun.wait(10)
        second = pool.submit(readings.of, "slow")
        readings.of("other")  # is not held up, and pushes out nothing that is being read
        read.let.set()
        assert first.result(10) is second.result(10)
    assert read.texts == ["slow", "other"]


def test_what_failed_is_tried_again() -> None:
    read = Reader()
    readings = Readings(read, 10 * SIZE)
    with pytest.raises(ValueError, match="cannot be read"):
        readings.of("bad")
    readings.of("bad")
    assert read.texts == ["bad", "bad"]
