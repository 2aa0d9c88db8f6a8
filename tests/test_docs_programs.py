"""The examples of docs/programs.md, run as they stand against a page with the fixtures' papers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.library import Library
from tests.serving import served, small_library

TEXT = (Path(__file__).parent.parent / "docs" / "programs.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", TEXT, re.S)
PRINTED = (
    ("61%", "Kelp Forests Recover", "'kelp'", "supported", "1\n"),
    ("Sources:\n[1] Kelp Forests", "Kelp cover rose from 8% to 61%"),
    ("61%", "[1]\n"),
)
RIS = "TY  - JOUR\nTI  - Moon dust\nAB  - Lunar dust scratched 7 of 9 visors.\nER  - \n"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    with small_library(tmp_path_factory.mktemp("docs")) as opened:
        yield opened


@pytest.fixture(scope="module")
def address(library: Library) -> Iterator[str]:
    with served(library) as served_at:
        yield served_at


def test_there_is_an_example_for_each_way_in() -> None:
    assert len(EXAMPLES) == len(PRINTED)


@pytest.mark.parametrize("number", range(len(PRINTED)))
def test_an_example_prints_what_it_is_to_show(
    number: int,
    address: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "papers.ris").write_text(RIS)
    example = EXAMPLES[number].replace("http://127.0.0.1:7860/", address)
    exec(compile(example, "docs/programs.md", "exec"), {"__name__": "example"})
    out = capsys.readouterr().out
    for part in PRINTED[number]:
        assert part in out
