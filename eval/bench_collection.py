"""A large collection goes in and is searched: see ``bench_ingest``.

The papers are made up and their vectors come from word hashes, so that the time is the store's
and not the model's: to embed 100,000 abstracts takes an hour on two cores.
"""

from __future__ import annotations

import json
import multiprocessing
import random
import resource
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from rag import folder as layout
from rag.dense import DenseIndex
from rag.lexical import LexicalIndex
from rag.library import Library
from rag.minilm import MiniLM

from .metrics import quantile

DIMENSION = 384
_TOPICS, _TOPIC_WORDS, _COMMON = 2_000, 60, 20_000
_WORDS, _TITLE = 190, 10
_PAUSE = 0.1  # seconds between two searches while papers go in
_QUESTIONS = 60
_CANDIDATES = 64  # of each ranking, as retrieval asks for


class HashedWords:
    """Unit vectors of summed word vectors: texts of one topic are near each other."""

    name = fingerprint = "hashed-words-384"
    dimension = DIMENSION
    remote = False

    def __init__(self) -> None:
        table = np.random.default_rng(1).standard_normal((8_192, DIMENSION))
        self._table = table.astype(np.float32)

    def encode(
        self, texts: Sequence[str], _on_progress: Callable[[int], None] | None = None
    ) -> np.ndarray:
        """See ``Embedder.encode``."""
        size = len(self._table)
        vectors = np.empty((len(texts), DIMENSION), dtype=np.float32)
        for row, text in enumerate(texts):
            words = [zlib.crc32(word.encode()) % size for word in text.lower().split()]
            vectors[row] = self._table[words].sum(axis=0)
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


class AlsoReal(HashedWords):
    """As long as the embedded model takes, with vectors that fit the collection."""

    def __init__(self) -> None:
        super().__init__()
        self._model = MiniLM()

    def encode(
        self, texts: Sequence[str], _on_progress: Callable[[int], None] | None = None
    ) -> np.ndarray:
        """See ``Embedder.encode``."""
        self._model.encode(texts)
        return super().encode(texts)


def text(chance: random.Random, words: int) -> str:
    """Words of one topic among common ones, some of which are far more common than others."""
    topic = chance.randrange(_TOPICS)
    return " ".join(
        f"t{topic}w{chance.randrange(_TOPIC_WORDS)}"
        if chance.random() < 0.4
        else f"word{int(_COMMON * chance.random() ** 3)}"
        for _ in range(words)
    )


def write_papers(path: Path, count: int) -> None:
    """JSON Lines of ``count`` made-up papers, each 1.5 kB."""
    chance = random.Random(1)
    with path.open("w", encoding="utf-8") as out:
        for n in range(count):
            whole = text(chance, _WORDS).split()
            row = {
                "id": f"p{n}",
                "title": " ".join(whole[:_TITLE]),
                "abstract": " ".join(whole[_TITLE:]) + ".",
                "year": 1990 + n % 36,
                "doi": f"10.5555/p{n}",
            }
            out.write(json.dumps(row) + "\n")


def questions() -> list[str]:
    """Some that the collection answers."""
    chance = random.Random(2)
    return [text(chance, 12) for _ in range(_QUESTIONS)]


# --- what runs in processes of its own, so that its memory is its own -------------------------


def ingest(path: Path, file: Path) -> dict[str, Any]:
    """Take the file in and search meanwhile: seconds, peaks of memory in MB, milliseconds."""
    peaks: dict[int, float] = {}
    waits: list[float] = []
    stop = threading.Event()
    with Library.open(path, embedder=HashedWords()) as library:
        reader = threading.Thread(target=_search_on, args=(library, stop, waits))

        def progress(done: int, _total: int | None) -> None:
            if done >= 10_000 * (len(peaks) + 1):
                peaks[done] = peak_memory()
            if not reader.is_alive() and not stop.is_set():
                reader.start()

        try:
            report = library.ingest([file], progress)
        finally:
            stop.set()
        reader.join()
        sizes = layout.sizes(path)
    return {
        "added": report.added, "unchanged": report.unchanged, "seconds": report.seconds,
        "peaks": peaks, "peak": peak_memory(), "waits": waits,
        "sizes": {"ledger": sizes.ledger, "Chroma": sizes.chroma, "lexical": sizes.lexical},
    }  # fmt: skip


def _search_on(library: Library, stop: threading.Event, waits: list[float]) -> None:
    """Search until told to stop; milliseconds of each search."""
    asked = questions()
    while not stop.wait(_PAUSE):
        begun = time.perf_counter()
        library.search(asked[len(waits) % len(asked)])
        waits.append(1000 * (time.perf_counter() - begun))


def again(path: Path, file: Path) -> dict[str, Any]:
    """Take the same file in once more."""
    with Library.open(path, embedder=HashedWords()) as library:
        report = library.ingest([file])
    return {"unchanged": report.unchanged, "seconds": report.seconds, "peak": peak_memory()}


def search(path: Path, _file: Path) -> dict[str, Any]:
    """Milliseconds of whole searches and of their parts, question by question."""
    embedder = AlsoReal()
    dense = DenseIndex(path / layout.CHROMA, embedder.fingerprint, DIMENSION)
    lexical = LexicalIndex(path / layout.LEXICAL)
    times: dict[str, list[float]] = {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        begun = time.perf_counter()
        result = work()
        times.setdefault(name, []).append(1000 * (time.perf_counter() - begun))
        return result

    with Library.open(path, embedder=embedder) as library:
        dense.reload()
        lexical.reload()
        for question in [*questions(), *questions()]:  # the first time, files are read
            vector = timed("embedding", partial(embedder.encode, [question]))[0]
            timed("HNSW", partial(dense.search, vector, _CANDIDATES))
            timed("tantivy", partial(lexical.search, question, _CANDIDATES))
            timed("search", partial(library.search, question))
        dense.close()
        lexical.close()
    return {name: found[_QUESTIONS:] for name, found in times.items()}


def peak_memory() -> float:
    """The most memory that this process has had resident so far, in MB."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def apart(work: Callable[[Path, Path], dict[str, Any]], path: Path, file: Path) -> dict[str, Any]:
    """What ``work`` gives in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, (path, file))


# --- lines ----------------------------------------------------------------------------------


def measure(count: int, folder: Path) -> Iterator[str]:
    """Lines on memory, speed and sizes of a collection of ``count`` papers made in ``folder``."""
    file, path = folder / "papers.jsonl", folder / "library"
    write_papers(file, count)
    yield f"{count:,} made-up papers, {file.stat().st_size / 1e6:,.0f} MB; word hashes for vectors"
    yield from ingest_lines(apart(ingest, path, file))
    found = apart(again, path, file)
    yield (
        f"{'again, unchanged':30}{found['seconds']:8.1f} s, {found['unchanged']:,} unchanged, "
        f"peak {found['peak']:,.0f} MB"
    )
    yield from search_lines(apart(search, path, file))


def ingest_lines(found: dict[str, Any]) -> Iterator[str]:
    """Lines on what ``ingest`` found."""
    rate = (found["added"] + found["unchanged"]) / found["seconds"]
    yield f"{'into the store':30}{found['seconds']:8.1f} s, {rate:,.0f} papers/s"
    peaks = ", ".join(f"{done:,}: {peak:,.0f}" for done, peak in found["peaks"].items())
    yield f"{'peak memory':30}{found['peak']:8,.0f} MB ({peaks})"
    if found["waits"]:
        yield (
            f"{'searches meanwhile':30}{median(found['waits']):8.1f} ms, p95 "
            f"{quantile(found['waits'], 0.95):,.1f}, longest {max(found['waits']):,.1f}, "
            f"{len(found['waits']):,} of them"
        )
    sizes = ", ".join(f"{name} {size / 1e6:,.0f}" for name, size in found["sizes"].items())
    yield f"{'on disk':30}{sum(found['sizes'].values()) / 1e6:8,.0f} MB ({sizes})"


def search_lines(found: dict[str, list[float]]) -> Iterator[str]:
    """Lines on what ``search`` found."""
    for name, times in found.items():
        yield f"{name:30}{median(times):8.2f} ms, p90 {quantile(times, 0.9):.2f}"
    parts = [
        sum(each) for each in zip(*(t for n, t in found.items() if n != "search"), strict=True)
    ]
    ratio = median(a / b for a, b in zip(found["search"], parts, strict=True))
    yield f"{'search to the sum of its parts':30}{ratio:8.2f} times"
