"""Filters on the command line, on a real store."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rag.library import Library
from tests.conftest import Rag
from tests.fakes import HashEmbedder
from tests.stress_ingest import write
from tests.test_schemas import validate

QUESTION = "kelp on reefs"


@pytest.fixture(autouse=True)
def store(library: Library, monkeypatch: pytest.MonkeyPatch) -> Path:
    library.close()
    monkeypatch.setenv("RAG_STORE", str(library.path))
    monkeypatch.setattr("rag.embedding.load_embedder", lambda _settings: HashEmbedder())
    return library.path


def found(rag: Rag, *options: object) -> tuple[list[str], str]:
    status, out, err = rag("search", QUESTION, *options, "--json")
    assert status == 0, err
    validate("search", json.loads(out))
    return [row["paper"]["id"] for row in json.loads(out)], err


def test_search_is_limited(rag: Rag, tmp_path: Path) -> None:
    assert found(rag, "--since", 2020) == (["kelp"], "")
    assert found(rag, "--until", 2020) == (["bees"], "")
    assert found(rag, "--venue", "journal of*", "--venue", "*") == (["bees"], "")
    assert found(rag, "--keyword", "melt") == (["glacier"], "")
    assert set(found(rag, "--id", "chess", "--id", "kelp")[0]) == {"chess", "kelp"}
    listed = tmp_path / "ids.txt"
    listed.write_text("chess\n\n  bread \n")
    assert set(found(rag, "--ids", listed, "--id", "kelp")[0]) == {"chess", "bread", "kelp"}
    assert found(rag, "--ids", listed, "--since", 2020)[0] == []


def test_topics_limit_a_search_by_any_of_their_names(rag: Rag, tmp_path: Path) -> None:
    records = [
        {"id": "us", "title": "Kidney ultrasound", "abstract": "It shows kelp-like shadows."},
        {"id": "ct", "title": "Kidney CT", "abstract": "It shows reefs of stone."},
        {"id": "us2", "title": "Liver sonography", "abstract": "It shows kelp on reefs."},
    ]
    status, _, err = rag("ingest", write(tmp_path / "scans.jsonl", records))
    assert status == 0, err
    assert set(found(rag, "--topic", "sonography")[0]) == {"us", "us2"}
    assert set(found(rag, "--topic", "CT", "--topic", "modality:ultrasound")[0]) == {
        "us", "ct", "us2",
    }  # fmt: skip
    assert found(rag, "--topic", "renal", "--topic", "ultrasound") == (["us"], "")
    assert found(rag, "--topic", "organ:liv*")[0] == ["us2"]
    rows, told = found(rag, "--topic", "ultrasoud")
    assert rows == []
    assert 'no paper has the topic "ultrasoud"; did you mean "ultrasound"?' in told
    status, out, err = rag("facets", "--json")
    assert status == 0, err
    validate("facets", json.loads(out))
    kinds = {facet["kind"]: facet for facet in json.loads(out)}
    assert kinds["modality"]["values"][0] == {"value": "ultrasound", "papers": 2}
    assert kinds["year"]["distinct"] == 2
    status, out, err = rag("facets", "-n", 1)
    assert (status, "ultrasound (2), and 1 more" in out) == (0, True), out


def test_what_a_filter_misses_is_told(rag: Rag) -> None:
    rows, err = found(rag, "--venue", "Jurnal of Meadow Studies")
    assert rows == []
    assert 'did you mean "Journal of Meadow Studies"?' in err
    rows, err = found(rag, "--venue", "Journal of Meadow Studies", "--since", "2020")
    assert rows == []
    assert "no paper passes all" in err
    rows, err = found(rag, "--id", "kelp", "--id", "nobody")
    assert rows == ["kelp"]
    assert '1 of 2 ids are not held, such as "nobody"' in err


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--since", "2021", "--until", "2020"], "since 2021 is after until 2020; swap the years"),
        (["--venue", " "], "none blank"),
        (["--ids", "absent.txt"], "absent.txt cannot be read"),
    ],
)
@pytest.mark.parametrize("command", ["search", "ask"])
def test_a_bad_filter_is_one_line(rag: Rag, command: str, options: list[str], told: str) -> None:
    status, out, err = rag(command, QUESTION, *options)
    assert (status, out) == (1, "")
    [line] = err.splitlines()
    assert told in line


def test_an_unknown_option_is_wrong_usage(rag: Rag) -> None:
    assert rag("search", QUESTION, "--year", "2020")[0] == 2
    assert rag("ask", QUESTION, "--since", "yesterday")[0] == 2


def test_ask_says_what_it_was_limited_to(rag: Rag) -> None:
    status, out, _ = rag("ask", QUESTION, "--since", 2030, "--json")
    answer = json.loads(out)
    validate("ask", answer)
    assert (status, answer["refused"], answer["where"]["since"]) == (0, True, 2030)
    assert "no paper passes the filter (since 2030)" in answer["refusal"]["text"]
    assert (answer["retrieved"], answer["refusal"]["nearest"]) == ([], [])
