"""The trained answering model: does this paper answer the question, where, and what does it lack?

An adapted copy of the embedded model's layers. A paper is read by itself, so that what was read
serves every question about it; the question sees the paper, and a probe for each sentence sees
that sentence and the question. What it learned from, and how well it does: ``docs/answering.md``.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rag import graph, weights
from rag.answering_graph import build_asker
from rag.readings import Reading, Readings
from rag.sentences import sentence_spans
from rag.text import whole
from rag.verifier_graph import READ, build_reader

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

WEIGHTS = Path(__file__).with_name("answering.safetensors")
MAX_PAPER = 448
"""Tokens that are read at once; a longer paper is read in windows that overlap."""
MAX_TITLE = 96
"""Tokens of a title, which stands before each window."""
MAX_QUESTION = 96
"""Tokens of a question."""
OVERLAP = 2
"""Sentences that two windows share."""
MAX_HELD = 96 * 2**20
"""Bytes of what was read that are kept: some 14 abstracts of 300 tokens."""
_FAR = -1e4
"""Added to the attention of what a probe may not see."""
_WORD = re.compile(r"[^\W_]+(?:[-–.,'’/][^\W_]+)*")
Spans = Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Relevance:
    """What one paper has on a question."""

    answered: float
    """Probability that its abstract answers the question."""
    sentences: tuple[float, ...]
    """For each of ``sentence_spans`` of the abstract: probability that it is part of the answer,
    or says what is true instead of what the question takes for granted."""
    lacking: tuple[tuple[int, int, float], ...]
    """The words of the question as character spans, each with the probability that the paper
    lacks or contradicts it."""


def read(question: str, papers: Sequence[tuple[str, str]]) -> list[Relevance]:
    """What each of ``papers``, (title, abstract), has on ``question``; all cores work.

    A paper's result does not depend on the papers beside it.

    Raises:
        ModelError: the model's files cannot be had or are not the published ones.
    """
    return _shared().read(question, papers)


@cache
def _shared() -> Answering:
    return Answering()


@dataclass(frozen=True, slots=True)
class Window:
    """Part of a paper that is read at once, as text, and the sentences in it."""

    text: str
    numbers: range
    spans: tuple[tuple[int, int], ...]
    """Where these are in ``text``."""


class Answering:
    """The model; loaded at the first use, then shared by threads."""

    def __init__(self, path: Path = WEIGHTS) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._readings = Readings(self._read, MAX_HELD)

    def read(self, question: str, papers: Sequence[tuple[str, str]]) -> list[Relevance]:
        """As the function ``read``."""
        asked = whole(question)
        windows = [list(self._windows(whole(title), whole(text))) for title, text in papers]
        tasks = [window for each in windows for window in each]
        with ThreadPoolExecutor(max(1, min(len(tasks), os.cpu_count() or 1))) as pool:
            results = pool.map(lambda window: self._ask(asked, window), tasks)
            return [best([(w, next(results)) for w in each]) for each in windows]

    def _windows(self, title: str, text: str) -> Iterator[Window]:
        """The paper whole, or as many sentences at a time as the model has places for."""
        tokenizer = self._model[0]
        offsets = tokenizer.encode(title, add_special_tokens=False).offsets
        if len(offsets) > MAX_TITLE:
            title = title[: offsets[MAX_TITLE][0]]
        spans = sentence_spans(text)
        room = MAX_PAPER - 2 - min(len(offsets), MAX_TITLE)
        ends = [0]
        for encoding in tokenizer.encode_batch([text[a:b] for a, b in spans], False):
            ends.append(ends[-1] + len(encoding.ids))
        first = 0
        while True:
            last = first + 1
            while last < len(spans) and ends[last + 1] - ends[first] <= room:
                last += 1
            held = spans[first:last]
            low, high = (held[0][0], held[-1][1]) if held else (0, 0)
            moved = len(title) + 1 - low
            inside = tuple((a + moved, b + moved) for a, b in held)
            yield Window(f"{title}\n{text[low:high]}", range(first, first + len(held)), inside)
            if last >= len(spans):
                return
            first = max(first + 1, last - OVERLAP)

    def _ask(self, question: str, window: Window) -> Relevance:
        tokenizer, _, session = self._model
        reading = self._readings.of(window.text)
        seen = len(reading["x.1"])
        own = _of_sentences(tokenizer.encode(window.text).offsets[:seen], window.spans)
        encoding = tokenizer.encode(question)
        size = min(MAX_QUESTION, len(encoding.ids))
        answered, chosen, tags = session.run(None, {
            **_tokens(encoding.ids[:size], 1),
            "own": own.astype(np.float32),
            "bias": _bias(own, size),
            **reading,
        })  # fmt: skip
        lacking = _shares(tags)
        words = tuple(
            (low, high, max(float(lacking[at]) for at in at_word))
            for low, high, at_word in _words(question, encoding.offsets[:size])
        )
        shares = _shares(chosen)[: len(window.numbers)]
        return Relevance(float(_shares(answered)[0]), tuple(map(float, shares)), words)

    def _read(self, text: str) -> Reading:
        tokenizer, session, _ = self._model
        outputs = session.run(None, _tokens(tokenizer.encode(text).ids[:MAX_PAPER], 0))
        return dict(zip(READ, outputs, strict=True))

    @property
    def _model(self) -> tuple[Tokenizer, InferenceSession, InferenceSession]:
        with self._lock:  # two first callers must not both load the model
            return self._loaded

    @cached_property
    def _loaded(self) -> tuple[Tokenizer, InferenceSession, InferenceSession]:
        """The tokenizer, the reader and the asker."""
        embedder = weights.locate(weights.WEIGHTS)
        reader, asker = (
            # Runs of one thread each side by side are faster than one run that they share.
            graph.open_session(build(embedder, self._path), embedder, threads=1)
            for build in (build_reader, build_asker)
        )
        return weights.load_tokenizer(), reader, asker


def best(windows: Sequence[tuple[Window, Relevance]]) -> Relevance:
    """Of several windows the best: a paper lacks only what all of them lack."""
    sentences: dict[int, float] = {}
    for window, found in windows:
        for number, share in zip(window.numbers, found.sentences, strict=True):
            sentences[number] = max(share, sentences.get(number, 0.0))
    words = zip(*(found.lacking for _, found in windows), strict=True)
    return Relevance(
        max(found.answered for _, found in windows),
        tuple(sentences[number] for number in sorted(sentences)),
        tuple((word[0][0], word[0][1], min(share for *_, share in word)) for word in words),
    )


def _of_sentences(offsets: Spans, spans: Spans) -> np.ndarray:
    """(sentences, tokens) bool: which token is in which; a paper without any counts as one."""
    low, high = np.array(offsets, dtype=np.int64).T
    bounds = np.array(spans or [(0, offsets[-2][1] + 1)], dtype=np.int64)
    own: np.ndarray = (low < high) & (low < bounds[:, 1:]) & (high > bounds[:, :1])
    return own


def _bias(own: np.ndarray, size: int) -> np.ndarray:
    """Who may see whom: the question all, a probe its sentence, the question and the probes."""
    count, seen = own.shape
    bias = np.zeros((size + count, seen + size + count), dtype=np.float32)
    bias[size:, :seen][~own] = _FAR
    return bias


def _words(question: str, offsets: Spans) -> Iterator[tuple[int, int, list[int]]]:
    """Each word of the question, and its tokens; words beyond the last token are left out."""
    for match in _WORD.finditer(question):
        low, high = match.span()
        at = [n for n, (a, b) in enumerate(offsets) if a < high and b > low and a < b]
        if at:
            yield low, high, at


def _tokens(ids: Sequence[int], kind: int) -> dict[str, np.ndarray]:
    return {
        "ids": np.array(ids, dtype=np.int64),
        "places": np.arange(len(ids), dtype=np.int64),
        "kind": np.full(len(ids), kind, dtype=np.int64),
    }


def _shares(logits: np.ndarray) -> np.ndarray:
    shares: np.ndarray = 1 / (1 + np.exp(-logits))
    return shares
