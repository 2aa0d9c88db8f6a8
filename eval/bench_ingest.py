"""How fast papers go in and are found: ``make bench-ingest``.

Both sides of each comparison run in turn, in one process: the embedding beside
sentence-transformers and Chroma's default function, the whole ingest beside the embedding alone.
Then a large collection goes in, is searched meanwhile, and goes in once more. With a folder of
SciFact it also tells what 8 bits cost retrieval; that takes minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from functools import partial
from itertools import count
from pathlib import Path
from statistics import median

from rag.chunking import split_paper
from rag.library import Library
from rag.loaders import load_papers
from rag.minilm import MiniLM
from rag.sample import path as sample_path
from rag.sample import questions
from rag.types import Paper

from . import bench_collection, bench_embedding
from .metrics import quantile

_COPIES = 4
_PAUSE = 0.05  # seconds between two searches while papers go in


def sample_copies(file: Path) -> list[str]:
    """Write the shipped sample's papers several times over, each of its own; their passages."""
    papers = [
        Paper(f"{paper.id}-{n}", f"{paper.title} {n}", paper.abstract)
        for n in range(_COPIES)
        for paper in load_papers(sample_path(), lambda _: None)
    ]
    rows = ({"id": p.id, "title": p.title, "abstract": p.abstract} for p in papers)
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return [f"{paper.title}. {part.text}" for paper in papers for part in split_paper(paper)]


def whole_ingest(folder: Path, rounds: int = bench_embedding.ROUNDS) -> Iterator[str]:
    """Lines on the whole ingest beside the embedding alone, and on searches meanwhile."""
    file, fresh, model = folder / "sample.jsonl", count(), MiniLM()
    texts = sample_copies(file)

    def take_in(source: Path = file) -> None:
        with Library.open(folder / f"library-{next(fresh)}", embedder=model) as library:
            library.ingest([source])

    take_in(sample_path())  # loads the model, Chroma and tantivy
    alone = partial(model.encode, texts)
    ways: bench_embedding.Ways = {"embedding alone": alone, "whole ingest": take_in}
    times = bench_embedding.compared(ways, rounds)
    for name, found in times.items():
        yield f"{name:30}{len(texts) / median(found):8.1f} passages/s"
    factor = bench_embedding.ratio(times, "whole ingest", "embedding alone")
    yield f"{'':30}{factor:8.2f} times as long"
    waits = searches_meanwhile(folder / "searched", file, model)
    yield (
        f"{'searches meanwhile':30}{median(waits):8.1f} ms, p95 {quantile(waits, 0.95):.1f}, "
        f"{len(waits)} of them"
    )


def searches_meanwhile(path: Path, file: Path, model: MiniLM) -> list[float]:
    """Milliseconds of each search while the file goes in with the embedded model."""
    waits: list[float] = []
    with Library.open(path, embedder=model) as library:
        begun = threading.Event()
        writer = threading.Thread(
            target=library.ingest, args=([file], lambda _done, _total: begun.set())
        )
        writer.start()
        begun.wait()
        while writer.is_alive():
            started = time.perf_counter()
            library.search(questions()[len(waits) % len(questions())])
            waits.append(1000 * (time.perf_counter() - started))
            time.sleep(_PAUSE)
        writer.join()
    return waits


def report(papers: int, scifact: Path | None, folder: Path) -> Iterator[str]:
    """All lines, as they are found."""
    yield f"{os.cpu_count()} CPU cores; medians"
    yield from bench_embedding.speed()
    yield from whole_ingest(folder)
    if scifact:
        yield from bench_embedding.retrieval(scifact, folder)
    if papers:
        yield from bench_collection.measure(papers, folder)


def main() -> None:
    """Measure and print as the arguments say."""
    parser = argparse.ArgumentParser(prog="bench_ingest", description=__doc__)
    parser.add_argument("--papers", type=int, default=100_000, help="of the large collection")
    parser.add_argument("--scifact", type=Path, help="folder with SciFact's corpus and claims")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for line in report(chosen.papers, chosen.scifact, Path(folder)):
            print(line, flush=True)


if __name__ == "__main__":
    main()
