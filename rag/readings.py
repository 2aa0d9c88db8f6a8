"""What was read lately, kept up to a number of bytes; two who want the same text read it once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future

import numpy as np

Reading = dict[str, np.ndarray]
"""What a graph made of a text, by the names of its outputs."""


class Readings:
    """Readings by their text, the least recently used dropped first; shared by threads.

    Args:
        read: makes the reading of a text.
        most: bytes that are kept; one reading is kept whatever its size.
    """

    def __init__(self, read: Callable[[str], Reading], most: int) -> None:
        self._read = read
        self._most = most
        self._lock = threading.Lock()
        self._held: dict[str, Future[Reading]] = {}

    def of(self, text: str) -> Reading:
        """The reading of ``text``: kept, made now, or waited for where another thread makes it.

        Raises what ``read`` raises; nothing is kept then.
        """
        with self._lock:
            held = self._held.pop(text, None)
            reading = self._held[text] = held or Future()  # the last is the latest used
        if held is None:
            try:
                reading.set_result(self._read(text))
            except BaseException as error:
                with self._lock:
                    self._held.pop(text, None)
                reading.set_exception(error)
            self._trim()
        return reading.result()

    def _trim(self) -> None:
        with self._lock:
            sizes = {text: _size(reading) for text, reading in self._held.items()}
            total = sum(sizes.values())
            for text in list(sizes)[:-1]:
                if total <= self._most:
                    break
                if sizes[text]:  # what is being read is waited for
                    total -= sizes[text]
                    del self._held[text]


def _size(reading: Future[Reading]) -> int:
    return sum(array.nbytes for array in reading.result().values()) if reading.done() else 0
