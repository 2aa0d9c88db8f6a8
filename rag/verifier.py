"""The trained verifier: what does this evidence say of these claims?

An adapted copy of the embedded model's layers with two heads, run under onnxruntime. Each claim
sees the evidence and itself alone, and the evidence itself alone: so evidence is read once for
all claims about it, ahead of them if there is time, and no claim knows of another.
What it learned from, and how well it does: ``docs/verifier.md``.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rag import graph, weights
from rag.readings import Reading, Readings
from rag.text import whole
from rag.verifier_graph import READ, build_judge, build_reader

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Encoding, Tokenizer

WEIGHTS = Path(__file__).with_name("verifier.safetensors")
MAX_EVIDENCE = 448
"""Tokens of evidence; the model has 512 places. Longer evidence is cut."""
MAX_CLAIM = 96
"""Tokens of a claim."""
MAX_HELD = 96 * 2**20
"""Bytes of what was read that are kept: some 14 abstracts of 300 tokens."""
_FAR = -1e4
"""Added to the attention of what a token may not see."""


@dataclass(frozen=True, slots=True)
class Packed:
    """One token sequence: evidence (part 0), then claims (parts 1, 2, …)."""

    ids: tuple[int, ...]
    places: tuple[int, ...]
    """Position within its own part."""
    parts: tuple[int, ...]
    offsets: tuple[tuple[int, int], ...]
    """The characters of each token in its own text; empty for special tokens."""
    starts: tuple[int, ...]
    """Where each claim begins."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the evidence says of one claim."""

    support: float
    """Probability that the evidence states it."""
    contradiction: float
    """Probability that the evidence states the opposite."""
    tokens: tuple[tuple[int, int, float], ...]
    """Spans of the claim's characters, each with the probability that the evidence lacks it."""


class Verifier:
    """The model; loaded at the first use, then shared by threads."""

    def __init__(self, path: Path = WEIGHTS) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._readings = Readings(self._read, MAX_HELD)

    def judge_all(self, tasks: Sequence[tuple[str, Sequence[str]]]) -> list[list[Judgement]]:
        """What each evidence says of the claims beside it, as ``judge`` does; all cores work."""
        if len(tasks) < 2:
            return [self.judge(*task) for task in tasks]
        with ThreadPoolExecutor(min(len(tasks), os.cpu_count() or 1)) as pool:
            return list(pool.map(lambda task: self.judge(*task), tasks))

    def judge(self, evidence: str, claims: Sequence[str]) -> list[Judgement]:
        """What ``evidence`` says of each of ``claims``, in their order.

        Evidence that was read lately is not read again.

        Raises:
            ModelError: the model's files cannot be had or are not the published ones.
        """
        if not claims:
            return []
        reading = self.read(evidence)
        tokenizer, _, session = self._model
        packed = _packed(tokenizer.encode_batch([whole(claim) for claim in claims]), 1)
        seen = len(reading["x.1"])
        logits, tags = session.run(None, {**_inputs(packed), **_relations(packed, seen), **reading})
        shares = _softmax(logits)
        lacking = 1 / (1 + np.exp(-tags))
        parts = np.array(packed.parts)
        return [
            Judgement(
                float(shares[n, 0]),
                float(shares[n, 2]),
                tuple(
                    (*packed.offsets[at], float(lacking[at]))
                    for at in np.flatnonzero(parts == n + 1)
                    if packed.offsets[at][0] < packed.offsets[at][1]
                ),
            )
            for n in range(len(claims))
        ]

    def read(self, evidence: str) -> Reading:
        """What claims need of ``evidence``; kept, so that they need not wait for it.

        Raises:
            ModelError: the model's files cannot be had or are not the published ones.
        """
        return self._readings.of(whole(evidence))

    def forget(self) -> None:
        """Drop what was read; the model stays loaded."""
        self._readings = Readings(self._read, MAX_HELD)

    def _read(self, evidence: str) -> Reading:
        tokenizer, session, _ = self._model
        packed = _packed(tokenizer.encode_batch([evidence]), 0)
        return dict(zip(READ, session.run(None, _inputs(packed)), strict=True))

    @property
    def _model(self) -> tuple[Tokenizer, InferenceSession, InferenceSession]:
        with self._lock:  # two first callers must not both load the model
            return self._loaded

    @cached_property
    def _loaded(self) -> tuple[Tokenizer, InferenceSession, InferenceSession]:
        """The tokenizer, the reader and the judge."""
        embedder = weights.locate(weights.WEIGHTS)
        reader, judge = (
            # Runs of one thread each side by side are faster than one run that they share.
            graph.open_session(build(embedder, self._path), embedder, threads=1)
            for build in (build_reader, build_judge)
        )
        return weights.load_tokenizer(), reader, judge


def pack(tokenizer: Tokenizer, evidence: str, claims: Sequence[str]) -> Packed:
    """Tokens of the evidence and its claims in one sequence, as the verifier is trained on them."""
    return _packed(tokenizer.encode_batch([evidence, *claims]), 0)


def _packed(encodings: Iterable[Encoding], first: int) -> Packed:
    """Texts one after the other; the first is part ``first``."""
    ids: list[int] = []
    places: list[int] = []
    parts: list[int] = []
    offsets: list[tuple[int, int]] = []
    starts: list[int] = []
    for part, encoding in enumerate(encodings, first):
        size = min(MAX_CLAIM if part else MAX_EVIDENCE, len(encoding.ids))
        if part:
            starts.append(len(ids))
        ids += encoding.ids[:size]
        places += range(size)
        parts += [part] * size
        offsets += encoding.offsets[:size]
    return Packed(tuple(ids), tuple(places), tuple(parts), tuple(offsets), tuple(starts))


def _inputs(packed: Packed) -> dict[str, np.ndarray]:
    return {
        "ids": np.array(packed.ids, dtype=np.int64),
        "places": np.array(packed.places, dtype=np.int64),
        "kind": (np.array(packed.parts) > 0).astype(np.int64),
    }


def _relations(packed: Packed, seen: int) -> dict[str, np.ndarray]:
    """Who may see whom: every claim the ``seen`` tokens of evidence, and itself."""
    parts = np.array(packed.parts)
    bias = np.zeros((len(parts), seen + len(parts)), dtype=np.float32)
    bias[:, seen:][parts[:, None] != parts] = _FAR
    own = parts == np.arange(1, len(packed.starts) + 1)[:, None]
    return {
        "bias": bias,
        "starts": np.array(packed.starts, dtype=np.int64),
        "means": (own / own.sum(axis=1, keepdims=True)).astype(np.float32),
    }


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: np.ndarray = powers / powers.sum(axis=1, keepdims=True)
    return shares
