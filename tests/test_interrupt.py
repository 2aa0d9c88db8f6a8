"""Ctrl-C at a command that is at work: a real signal to a real process."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.stress_ingest import many, open_library, write
from tests.test_store import assert_in_step

ROOT = Path(__file__).parent.parent
# The command line as it is, but for a model that is quick to load and slow to embed.
CHILD = """
import signal, sys, time
from rag import cli, embedding, ledger, library, progress
from tests.fakes import HashEmbedder

class Slow(HashEmbedder):
    def encode(self, texts, on_progress=None):
        if len(texts) > 1:
            time.sleep(0.1)
        return super().encode(texts, on_progress)

embedding.load_embedder = lambda _settings: Slow()
library._BATCH = 4
ledger._PAGE = 50
progress.EVENT_EVERY = 0.0
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
cli.main()
"""


def interrupted(store: Path, seed: int, *args: object) -> tuple[int, list[str]]:
    """Interrupt a command soon after its first event: its status and what it told."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, *map(str, args), "--json"],
        cwd=ROOT,
        env={**os.environ, "RAG_STORE": str(store)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stderr
        assert json.loads(child.stderr.readline())["event"] == "progress"
        time.sleep(random.Random(seed).uniform(0, 0.4))
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=60)
    finally:
        child.kill()
        child.wait()
    assert out == ""
    return child.returncode, [line for line in err.splitlines() if not line.startswith("{")]


@pytest.mark.parametrize("seed", range(4))
def test_an_ingest_stops_cleanly_and_says_how_to_go_on(tmp_path, seed):
    source = write(tmp_path / "a.jsonl", many(80, length=20))
    store = tmp_path / "library"
    status, told = interrupted(store, seed, "ingest", source)
    assert status == 130
    assert told == [
        "rag: interrupted: what was finished is kept; run the same command again for the rest"
    ]
    with open_library(store) as library:
        assert 4 <= library.status().papers < 80  # opening finishes what was begun
        assert_in_step(store)
        report = library.ingest(source)
    assert report.unchanged >= 4
    assert (report.added + report.unchanged, report.updated, report.failed) == (80, 0, ())
    assert_in_step(store)


def test_a_rebuild_stops_cleanly_and_says_how_to_go_on(tmp_path):
    source = write(tmp_path / "a.jsonl", many(3000))
    store = tmp_path / "library"
    with open_library(store) as library:
        library.ingest(source)
    status, told = interrupted(store, 0, "rebuild")
    assert status == 130
    assert told == [
        "rag: interrupted: nothing is lost; run rag rebuild again, "
        "or the next command that needs an index rebuilds it"
    ]
    with open_library(store) as library:
        assert len(library.search("topic7", 5)) == 5
        library.ingest(write(tmp_path / "b.jsonl", [{"title": "New", "abstract": "Of now."}]))
    assert_in_step(store)
