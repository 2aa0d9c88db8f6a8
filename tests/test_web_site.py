from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from rag.library import Library
from rag.settings import Settings
from rag.web.site import Collection, Site, own_collections
from tests.stub_assistant import StubAssistant


def made(name: str, *, fixed: bool = False) -> Collection:
    return Collection(name, StubAssistant(), fixed)  # type: ignore[arg-type]


def test_a_name_from_a_browser_is_looked_up_never_trusted() -> None:
    first, second = made("Reefs"), made("Bridges")
    site = Site((first, second))
    assert site.collection("Bridges") is second
    assert site.assistant("Bridges") is second.assistant
    assert site.collection("../../etc") is first


def test_papers_go_where_they_may() -> None:
    sample, own = made("Sample", fixed=True), made("Own")
    assert Site((sample, own)).receiving("Sample") is own
    assert Site((sample, own)).receiving("Own") is own
    assert Site((sample,)).receiving("Sample") is None
    assert Site((own,), read_only=True).receiving("Own") is None


def test_a_named_library_stands_alone(library: Library, tmp_path: Path) -> None:
    settings = Settings(store=library.path, _env_file=None)
    with ExitStack() as libraries:
        collections = own_collections(settings, libraries, lambda _line: None)
        assert [(c.name, c.fixed) for c in collections] == [("Library", False)]
        assert collections[0].assistant.library.path == library.path
