"""Test doubles that more than one test file uses."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Sequence

import numpy as np


class HashEmbedder:
    """Deterministic bag-of-words vectors: fast, no weights; shared words mean near vectors."""

    name = "hash"
    fingerprint = "hash-64"
    dimension = 64
    remote = False

    def encode(
        self, texts: Sequence[str], on_progress: Callable[[int], None] | None = None
    ) -> np.ndarray:
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in re.findall(r"\w+", text.lower()):
                vectors[row, zlib.crc32(word.encode()) % self.dimension] += 1
            if on_progress:
                on_progress(row + 1)
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors / np.where(norms == 0, 1, norms)
