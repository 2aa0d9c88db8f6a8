"""Fixtures that more than one test file uses: a fast embedder and a library of six records."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rag import cli
from rag.library import Library
from rag.settings import Settings
from tests.fakes import HashEmbedder

RECORDS = [
    {
        "id": "kelp",
        "title": "Kelp Forests Recover After Sea Urchin Removal",
        "abstract": "Divers removed sea urchins from 14 reefs over three years. Kelp cover rose "
        "from 8% to 61% on cleared reefs and stayed flat on control reefs. Recovery was fastest "
        "where currents were strong.",
        "authors": ["A. Brine", "C. Holdfast"],
        "year": 2021,
        "url": "https://example.org/kelp",
    },
    {
        "id": "bees",
        "title": "Night Lighting Reduces Pollination by Bumblebees",
        "abstract": "Street lamps were placed beside 32 clover meadows. Lit meadows received 29% "
        "fewer bumblebee visits the next morning. Seed set fell by 12% in lit meadows.",
        "year": 2019,
        "venue": "Journal of Meadow Studies",
    },
    {
        "id": "glacier",
        "title": "Dust Darkens Alpine Glaciers",
        "abstract": "Saharan dust lowered the albedo of six alpine glaciers by 0.07 in spring. "
        "Melt increased by 1.3 metres of water a year. The effect vanished after fresh snow.",
        "keywords": ["albedo", "melt"],
    },
    {
        "id": "bread",
        "title": "Slow Fermentation Lowers the Glycaemic Index of Rye Bread",
        "abstract": "Rye doughs were fermented for 4, 12 or 36 hours. The glycaemic index fell "
        "from 68 to 54 with the longest fermentation. Tasters preferred the 12-hour loaf.",
    },
    {
        "id": "bridge",
        "title": "Acoustic Sensors Find Broken Strands in Cable Bridges",
        "abstract": "Microphones on 3 bridges recorded the sound of breaking steel strands. A "
        "detector found 96% of the breaks with two false alarms a month. Rain noise was the main "
        "cause of false alarms.",
        "note": "A test record.",
    },
    {
        "id": "chess",
        "title": "Chess Players Blunder More in Polluted Air",
        "abstract": "Fine dust was measured at 1,200 tournament games. A rise of 10 micrograms per "
        "cubic metre raised the rate of blunders by 26%. Time pressure doubled the effect.",
    },
]


Rag = Callable[..., tuple[int, str, str]]
"""Runs a command: its exit status, standard output and error."""


@pytest.fixture
def rag(capsys: pytest.CaptureFixture[str]) -> Rag:
    """Run a command in this process: its exit status, standard output and error."""

    def run(*args: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as leaving:
            cli.app([str(arg) for arg in args], prog_name="rag")
        captured = capsys.readouterr()
        return int(leaving.value.code or 0), captured.out, captured.err

    return run


@pytest.fixture
def protect(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], None]]:
    """Take away the permission to write; for root too, whom the system would let write."""
    protected: list[Path] = []

    def access(path: Path, mode: int) -> bool:
        assert mode == os.W_OK
        return bool(path.stat().st_mode & 0o200)

    def take_away(folder: Path) -> None:
        protected.extend([folder, *folder.rglob("*")])
        for path in protected:
            path.chmod(path.stat().st_mode & ~0o222)
        monkeypatch.setattr("os.access", access)

    yield take_away
    for path in protected:
        path.chmod(path.stat().st_mode | 0o200)


@pytest.fixture
def embedder() -> HashEmbedder:
    return HashEmbedder()


@pytest.fixture
def library(tmp_path: Path, embedder: HashEmbedder) -> Iterator[Library]:
    """A library of the six records, in a folder of its own."""
    source = tmp_path / "records.jsonl"
    source.write_text("".join(json.dumps(record) + "\n" for record in RECORDS), encoding="utf-8")
    settings = Settings(store=tmp_path / "library", _env_file=None)
    with Library(settings, embedder) as opened:
        opened.ingest(source)
        yield opened
