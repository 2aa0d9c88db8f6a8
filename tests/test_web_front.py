from __future__ import annotations

import json
from pathlib import Path

import pytest

from rag.assistant import Assistant
from rag.library import Library
from rag.settings import Settings
from rag.web.front import Front
from rag.web.site import Collection, Site
from tests.conftest import RECORDS
from tests.fakes import HashEmbedder

gr = pytest.importorskip("gradio")


@pytest.fixture
def library(tmp_path: Path) -> Library:
    settings = Settings(store=tmp_path / "own", _env_file=None)
    return Library(settings, HashEmbedder())


def test_the_head_and_the_first_view_are_of_the_chosen_collection_as_it_is_now(
    library: Library, tmp_path: Path
) -> None:
    other = Library(library.settings.model_copy(update={"store": tmp_path / "b"}), HashEmbedder())
    names = {"Reefs": library, "Empty": other}
    with gr.Blocks():
        front = Front(Site(tuple(Collection(n, Assistant(held)) for n, held in names.items())))
    assert "<b>0 papers</b>" in front.show("Reefs")[0]
    file = tmp_path / "papers.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in RECORDS), encoding="utf-8")
    with library:
        library.ingest(file)
        masthead, welcome = front.show("Reefs")
        assert f"<b>{len(RECORDS)} papers</b>" in masthead
        assert "What is reported in" in welcome
        for page in front.show("Empty"):
            assert "<b>6 papers</b>" not in page
            assert "What is reported" not in page
        library.remove([RECORDS[0]["id"]])
        assert f"<b>{len(RECORDS) - 1} papers</b>" in front.show("Reefs")[0]


def test_nobody_is_told_of_a_folder(library: Library) -> None:
    with gr.Blocks():
        front = Front(Site((Collection("Reefs", Assistant(library)),)))
    assert str(library.path) not in "".join(front.show("Reefs"))
