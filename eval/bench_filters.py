"""How long a filtered search takes: ``python -m eval.bench_filters [PAPERS] [STORE]``.

The papers are made up: words, venues and keywords of Zipf's distribution, vectors around 500
centres. A store that is there is used again; making one of 100,000 papers takes minutes.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median

import numpy as np

from rag import retrieval
from rag.chunking import split_paper
from rag.errors import StoreError
from rag.filters import Filter
from rag.store import Store
from rag.types import Paper, Passage

from .metrics import quantile

DIMENSION = 384
_CENTRES = 500
_BATCH = 2_000
ROUNDS = 30


class ClusteredEmbedder:
    """Unit vectors around ``_CENTRES`` points: what a search sees of real texts."""

    name = "clustered"
    fingerprint = "clustered-384"
    dimension = DIMENSION
    remote = False

    def __init__(self, seed: int = 0) -> None:
        self._chance = np.random.default_rng(seed)
        self._centres = np.random.default_rng(1).standard_normal((_CENTRES, DIMENSION))

    def encode(
        self, texts: Sequence[str], on_progress: Callable[[int], None] | None = None
    ) -> np.ndarray:
        """A vector for each text, which is not read: (texts, 384), float32."""
        if on_progress:
            on_progress(len(texts))
        near = self._centres[self._chance.integers(_CENTRES, size=len(texts))]
        vectors = near + self._chance.standard_normal((len(texts), DIMENSION))
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / norms, dtype=np.float32)


def papers(count: int) -> Iterator[Paper]:
    """Made-up papers of 1990 to 2025; one in fifty has no year."""
    chance = np.random.default_rng(2)

    def ranks(size: int, most: int) -> list[int]:
        return [int(n) % most for n in chance.zipf(1.3, size)]

    for n in range(count):
        words = [f"word{rank}" for rank in ranks(150, 60_000)]
        keywords = {f"Keyword {rank}" for rank in ranks(6, 20_000)}
        yield Paper(
            id=f"paper-{n:07}",
            title=" ".join(words[:10]),
            abstract=" ".join(words[10:]) + ".",
            authors=("A. Author", "B. Author", "C. Author"),
            year=None if n % 50 == 0 else int(1990 + 35 * chance.power(3)),
            venue=f"Journal {ranks(1, 3_000)[0]}",
            keywords=tuple(sorted(keywords)),
            url=f"https://example.org/{n}",
        )


def make(path: Path, count: int) -> Store:
    """The store in ``path``, made if there is none."""
    embedder = ClusteredEmbedder()
    try:
        return Store.open(path, embedder)
    except StoreError:
        store = Store.open(path, embedder, create=True)
    batch: list[tuple[Paper, Sequence[Passage], np.ndarray]] = []
    for n, paper in enumerate(papers(count), 1):
        parts = split_paper(paper)
        batch.append((paper, parts, embedder.encode([part.text for part in parts])))
        if len(batch) == _BATCH or n == count:
            store.write(batch)
            batch.clear()
    return store


FILTERS: dict[str, Filter | None] = {
    "no filter": None,
    "1 id": Filter(ids=("paper-0000007",)),
    "1,000 ids": Filter(ids=tuple(f"paper-{7 * n:07}" for n in range(1_000))),
    "a rare venue": Filter(venues=("Journal 99",)),
    "a venue by pattern": Filter(venues=("journal 4*",)),
    "a common keyword": Filter(keywords=("keyword 3",)),
    "one year": Filter(since=2012, until=2012),
    "since 2020": Filter(since=2020),
    "since 2000": Filter(since=2000),
    "since 2020, a common keyword": Filter(since=2020, keywords=("keyword 1",)),
}
WAYS = {"within": 2.0, "after": 0.0, "chosen": retrieval.WIDE}
"""For each way, the share of papers from which on a filter is applied after a search."""


def measure(store: Store, rounds: int) -> str:
    """A line for each filter: the papers left, the time to find them, and that of each way."""
    chance = np.random.default_rng(3)
    questions = [" ".join(f"word{n}" for n in chance.integers(20, 3_000, 8)) for _ in range(rounds)]
    lines = [
        f"{store.counts()[0]:,} papers, {rounds} questions; ms per search (median and p90), the "
        f"first column once for each filter; {os.cpu_count()} CPU cores",
        f"{'':30}{'papers':>9}{'resolve':>9}" + "".join(f"{way:>16}" for way in WAYS),
    ]
    _times(store, questions, None)  # opens the indexes
    for name, where in FILTERS.items():
        begun = time.perf_counter()
        size = len(store.matching(where)) if where else store.counts()[0]
        line = f"{name:30}{size:9,}{1000 * (time.perf_counter() - begun):9.1f}"
        for threshold in WAYS.values():
            retrieval.WIDE = threshold
            line += f"{_times(store, questions, where):>16}"
        lines.append(line)
    return "\n".join(lines)


def _times(store: Store, questions: Sequence[str], where: Filter | None) -> str:
    embedder = ClusteredEmbedder(seed=4)
    times = []
    for question in [questions[0], *questions]:  # the first reads what the disk still has
        begun = time.perf_counter()
        retrieval.retrieve(store, embedder, question, 10, where)
        times.append(1000 * (time.perf_counter() - begun))
    return f"{median(times[1:]):.1f} {quantile(times[1:], 0.9):.1f}"


def main() -> None:
    """Measure on as many papers as the first argument says, in the folder of the second."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        store = make(Path(sys.argv[2] if len(sys.argv) > 2 else folder), count)
        print(measure(store, ROUNDS))
        store.close()


if __name__ == "__main__":
    main()
