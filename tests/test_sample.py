from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag import sample
from rag.errors import StoreError
from rag.library import Library
from rag.settings import Settings
from tests.fakes import HashEmbedder

RECORD = {"id": "own", "title": "Own paper", "abstract": "It says what we found."}


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings that name no store; the default one is in an empty folder."""
    monkeypatch.delenv("RAG_STORE", raising=False)
    monkeypatch.setattr("rag.settings.user_data_path", lambda name: tmp_path / name)
    monkeypatch.setattr("rag.embedding.load_embedder", lambda _: HashEmbedder())
    return Settings(_env_file=None)


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def opened(settings: Settings, told: list[str]) -> Iterator[Library]:
    with sample.open_library(settings, told.append) as library:
        yield library


def test_the_sample_of_another_model_is_another_folder(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sample.folder(settings)
    monkeypatch.setattr(HashEmbedder, "fingerprint", "hash-65")
    assert sample.folder(settings) != before


def ingest_own(settings: Settings, folder: Path) -> None:
    file = folder / "own.jsonl"
    file.write_text(json.dumps(RECORD), encoding="utf-8")
    with Library.open(settings=settings) as library:
        library.ingest(file)


def test_a_newcomer_gets_the_sample_in_a_folder_of_its_own(
    opened: Library, settings: Settings, told: list[str]
) -> None:
    assert opened.status().papers == 95
    assert opened.path == sample.folder(settings)
    assert opened.path.parent == settings.store.parent
    assert not settings.store.exists()
    assert told[0] == sample.NOTICE
    assert "Loading" in told[1]
    assert "not the authors' abstract" in sample.remark(opened)


def test_the_sample_is_loaded_once(opened: Library, settings: Settings, told: list[str]) -> None:
    opened.close()
    told.clear()
    with sample.open_library(settings, told.append) as again:
        assert again.status().papers == 95
    assert told == [sample.NOTICE]


def test_an_interrupted_load_is_finished_by_the_next(
    opened: Library, settings: Settings, told: list[str]
) -> None:
    opened.store.remove([hit.paper.id for hit in opened.search("lung nodules", k=40)])
    assert opened.status().papers == 55
    opened.close()
    with sample.open_library(settings, told.append) as again:
        assert again.status().papers == 95


def test_another_process_that_loads_it_is_not_waited_for(
    opened: Library, settings: Settings, told: list[str]
) -> None:
    opened.store.remove([hit.paper.id for hit in opened.search("lung nodules", k=1)])
    with opened.store.writing(), sample.open_library(settings, told.append) as second:
        assert second.status().papers == 94


def test_a_library_of_ones_own_is_used(settings: Settings, told: list[str], tmp_path: Path) -> None:
    ingest_own(settings, tmp_path)
    with sample.open_library(settings, told.append) as library:
        assert list(library.papers(["own"])) == ["own"]
        assert library.status().papers == 1
        assert sample.remark(library) == ""
    assert told == []
    assert not sample.folder(settings).exists()


def test_a_store_that_is_named_never_gets_the_sample(
    settings: Settings, told: list[str], tmp_path: Path
) -> None:
    named = Settings(store=tmp_path / "named", _env_file=None)
    with sample.open_library(named, told.append) as library, pytest.raises(StoreError):
        library.status()
    assert told == []
    assert list(tmp_path.iterdir()) == []


def test_the_questions_to_try_are_questions() -> None:
    assert len(sample.questions()) >= 3
    assert all(question.endswith("?") for question in sample.questions())
