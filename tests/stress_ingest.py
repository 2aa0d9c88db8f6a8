"""Kill an ingest at random moments, go on, and compare all that the store holds each time.

``python -m tests.stress_ingest 100`` is ``make stress-ingest``; the suite runs a few of them.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rag.library import Library
from rag.settings import Settings
from rag.types import Paper
from tests.fakes import HashEmbedder
from tests.test_store import assert_in_step

# An ingest in another process, slow enough to be met at work: it says when a batch is done.
CHILD = """
import signal, sys, time
from rag import library
from rag.settings import Settings
from tests.fakes import HashEmbedder

class Slow(HashEmbedder):
    def encode(self, texts, on_progress=None):
        time.sleep(float(sys.argv[2]))
        return super().encode(texts, on_progress)

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
library._BATCH = 4
settings = Settings(store=sys.argv[1], _env_file=None)
with library.Library(settings, Slow()) as opened:
    print("open", flush=True)
    opened.ingest(sys.argv[3:], on_progress=lambda done, total: print(done, flush=True))
"""


@contextmanager
def child_ingest(store: Path, source: Path, pause: float) -> Iterator[subprocess.Popen[str]]:
    """An ingest at work, past the import of its libraries."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(store), str(pause), str(source)],
        cwd=Path(__file__).parent.parent,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdout and child.stdout.readline() == "open\n"
        yield child
    finally:
        child.kill()
        child.communicate()


def write(path: Path, records: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def many(count: int, version: str = "first", length: int = 1) -> list[dict[str, object]]:
    return [
        {
            "id": f"p{n}",
            "title": f"Paper number {n}",
            "abstract": f"The {version} version. " + f"It is about topic{n} and others. " * length,
        }
        for n in range(count)
    ]


def open_library(path: Path) -> Library:
    return Library.open(path, settings=Settings(_env_file=None), embedder=HashEmbedder())


def before() -> list[dict[str, object]]:
    """Long papers; of others' identity, some have a DOI and some nothing but their text."""
    papers = many(24, length=90)
    for n, paper in enumerate(papers):
        if n % 3:
            del paper["id"]
        if n % 3 == 2:
            paper["doi"] = f"10.1/p{n}"
    return papers


def after() -> list[dict[str, object]]:
    """The same file later: changed, shorter, in another order, with new ones and ids."""
    papers = before()[::-1]
    for paper in papers:
        paper["abstract"] = str(paper["abstract"]).replace("first", "second")[:1500]
    fresh = [{"title": f"New {n}", "abstract": f"Of its own, {n}."} for n in range(8)]
    return [*papers[:12], *fresh, *papers[12:]]


def elsewhere() -> list[dict[str, object]]:
    """Another file on the papers with a DOI: they get ids and years, and stay themselves."""
    ids = [n for n in range(24) if n % 3 == 2]
    return [
        {
            "id": f"doi{n}",
            "title": f"Paper {n}",
            "abstract": "Brief.",
            "doi": f"10.1/P{n}",
            "year": n,
        }
        for n in ids
    ]


def kill_once(folder: Path, seed: int, span: float) -> None:
    """Kill the second ingest of a file ``span`` seconds after it began, at most."""
    chance = random.Random(seed)
    store, files = folder / "library", folder / "files"
    files.mkdir()
    source = write(files / "a.jsonl", before())
    with open_library(store) as library:
        library.ingest(source)
        old = contents(library)
    write(source, after())
    write(files / "b.jsonl", elsewhere())
    with child_ingest(store, files, 0.005) as child:
        time.sleep(chance.uniform(0, span))
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    with open_library(folder / "expected") as library:
        library.ingest(write(files / "a.jsonl", before()))
        write(source, after())
        library.ingest(files)
        new = contents(library)
    with open_library(store) as library:
        texts = {text for text, _ in contents(library)}  # opening finishes what was begun
        assert_in_step(store)
        assert texts <= {text for text, _ in old | new}
        assert len(contents(library)) >= len(old)
        library.ingest(files)
        assert contents(library) == new
        assert library.ingest(files).unchanged == len(after()) + len(elsewhere())
        assert library.store.document_frequency("first") == 0
    assert_in_step(store)


def contents(library: Library) -> set[tuple[tuple[str, str], Paper]]:
    papers = list(library.store.all_papers())
    assert len({paper.title for paper in papers}) == len(papers), "a paper is there twice"
    return {((paper.title, paper.abstract), paper) for paper in papers}


def main(count: int) -> None:
    """Kill ``count`` ingests."""
    begun = time.monotonic()
    for seed in range(count):
        folder = Path(tempfile.mkdtemp(prefix="footnote-stress-"))
        try:
            kill_once(folder, seed, span=1.5)
        except BaseException:
            print(f"seed {seed} failed; its files are in {folder}")
            raise
        shutil.rmtree(folder)
        print(f"{seed + 1} of {count} kills survived, {time.monotonic() - begun:.0f} s", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
