"""The tabs beside the chat in Chromium, on a real library and a real set of questions."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import app
from rag.assistant import Assistant
from rag.library import Library
from rag.settings import Settings
from rag.web import evaluations
from rag.web.jobs import BUSY
from rag.web.site import Collection, Site
from tests.conftest import RECORDS
from tests.eval_run import QUESTIONS, write
from tests.fakes import HashEmbedder
from tests.test_web_html import HOSTILE
from tests.test_web_page import browser, faults_of  # noqa: F401 (a fixture)

pytestmark = pytest.mark.browser
sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect
expect.set_options(timeout=20_000)  # a busy machine

NEW = "TY  - JOUR\nTI  - {}\nAB  - Recordings of 40 whales show songs falling by 3 Hz.\nER  - \n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where all of it is kept; the page's own folders, too."""
    base = tmp_path_factory.mktemp("tabs")
    own = base / "sets" / "reefs"
    write(own / "set.json", [{"name": "reefs", "version": "2", "collection": "papers.jsonl"}])
    write(own / "questions.jsonl", QUESTIONS[:2])
    write(own / "papers.jsonl", RECORDS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(base / "uploads"))
        patch.setenv("XDG_CACHE_HOME", str(base / "cache"))
        patch.setattr(evaluations, "sets_path", lambda: base / "sets")
        patch.setattr(evaluations, "runs_path", lambda: base / "runs")
        yield base


@pytest.fixture(scope="module")
def own(folder: Path) -> Iterator[Library]:
    """The library that papers are added to; there is nothing in it at first."""
    with Library(Settings(store=folder / "own", _env_file=None), HashEmbedder()) as library:
        yield library


@pytest.fixture(scope="module")
def address(folder: Path, own: Library) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    write(folder / "records.jsonl", RECORDS)
    settings = Settings(store=folder / "sample", _env_file=None)
    with Library(settings, HashEmbedder()) as sample:
        sample.ingest(folder / "records.jsonl")
        site = Site(
            (
                Collection("Sample", Assistant(sample), fixed=True),
                Collection("My library", Assistant(own)),
            )
        )
        blocks = app.build(site)
        yield app.serve(blocks, "127.0.0.1", port)
        blocks.close()


@pytest.fixture(params=[{}])
def page(
    browser: sync_api.Browser,  # noqa: F811
    address: str,
    request: pytest.FixtureRequest,
) -> Iterator[sync_api.Page]:
    """A fresh page; at its end no request may have gone anywhere but to its own server."""
    context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **request.param})
    context.set_default_timeout(60_000)
    tab, elsewhere, faults = context.new_page(), [], []
    context.on(
        "request",
        lambda sent: (
            None if sent.url.startswith((address, "data:", "blob:")) else elsewhere.append(sent.url)
        ),
    )
    tab.on("pageerror", lambda error: faults.append(str(error)))
    tab.goto(address)
    tab.wait_for_selector("#question textarea")
    yield tab
    context.close()
    assert elsewhere == []
    assert faults == []


def show(page: sync_api.Page, tab: str, collection: str = "Sample") -> None:
    """Open a tab on a collection."""
    page.get_by_role("tab", name=tab).click()
    if page.locator("#collection input").input_value() != collection:
        page.locator("#collection input").click()
        page.get_by_role("option", name=collection).click()


def drop(page: sync_api.Page, *files: tuple[str, str]) -> None:
    """Give files to the page as a browser sends them."""
    payload: list[dict[str, Any]] = [
        {"name": name, "mimeType": "text/plain", "buffer": text.encode()} for name, text in files
    ]
    page.set_input_files("#drop input[type=file]", payload)


def test_papers_dropped_on_the_sample_go_into_an_own_library(
    page: sync_api.Page,
    folder: Path,
    own: Library,
) -> None:
    show(page, "Library")
    expect(page.locator(".paper")).to_have_count(6)
    expect(page.locator("#receiving")).to_contain_text("your papers go into My library")
    expect(page.get_by_role("button", name="Remove ticked")).to_be_hidden()
    title = HOSTILE[1]
    drop(page, ("up.ris", NEW.format(title)), ("paper.pdf", "%PDF-1.4"))
    outcome = page.locator(".outcome")
    expect(outcome).to_contain_text("My library: 1 added, 1 could not be taken in")
    expect(outcome.locator(".failures .where")).to_have_text("paper.pdf")
    expect(outcome.locator(".failures .reason")).to_contain_text("is a PDF")
    expect(page.locator("#collection input")).to_have_value("My library")
    expect(page.locator(".paper .title")).to_have_text(title)
    assert page.evaluate("window.hit") is None
    page.locator(".paper summary").click()
    expect(page.locator(".paper dl")).to_contain_text("up.ris")
    assert str(folder) not in page.content()
    left = [path.name for path in (folder / "uploads").rglob("*") if path.stat().st_size]
    assert left == []
    assert own.status().papers == 1
    expect(page.locator("#masthead")).to_contain_text("1 paper in this collection")
    show(page, "Ask")
    expect(page.locator("#welcome .example")).to_contain_text(title[:20])


def test_papers_are_removed_once_it_is_confirmed(page: sync_api.Page, own: Library) -> None:
    show(page, "Library", "My library")
    drop(page, ("more.ris", NEW.format("One") + NEW.format("Two").replace("40", "50")))
    expect(page.locator(".outcome")).to_contain_text("2 added")
    held = own.status().papers
    page.get_by_role("button", name="Remove ticked").click()
    expect(page.locator("#library-told")).to_contain_text("Tick the papers")
    page.get_by_label("Choose Two").check()
    page.get_by_role("button", name="Remove ticked").click()
    expect(page.locator("#confirm li")).to_have_text("Two")
    page.get_by_role("button", name="Keep them").click()
    expect(page.locator("#confirm")).to_be_hidden()
    assert own.status().papers == held
    page.get_by_role("button", name="Remove ticked").click()
    page.get_by_role("button", name="Remove", exact=True).click()
    expect(page.locator("#library-told")).to_contain_text("1 paper removed")
    expect(page.get_by_label("Choose Two")).to_have_count(0)
    assert own.status().papers == held - 1
    expect(page.locator("#masthead")).to_contain_text(f"{held - 1} paper")
    show(page, "Ask", "Sample")
    expect(page.locator("#masthead")).to_contain_text("6 papers in this collection")


def test_a_library_in_use_is_told_in_words(page: sync_api.Page, own: Library) -> None:
    show(page, "Library", "My library")
    drop(page, ("first.ris", NEW.format("First")))
    expect(page.locator("#ingesting")).to_contain_text("My library")
    with own.store.writing():
        drop(page, ("late.ris", NEW.format("Late").replace("40", "60")))
        expect(page.locator("#ingesting .problem")).to_have_text(BUSY)
    expect(page.locator("#drop")).to_be_visible()


def test_papers_are_searched_filtered_and_read(page: sync_api.Page) -> None:
    show(page, "Library")
    page.fill("#find :is(input, textarea)", "kelp cover on cleared reefs")
    page.keyboard.press("Enter")
    expect(page.locator("#account")).to_contain_text("best matches")
    first = page.locator(".paper").first
    expect(first.locator(".title")).to_contain_text("Kelp Forests")
    first.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(first.locator(".abstract")).to_contain_text("Kelp cover rose")
    expect(first.locator("dd a")).to_have_attribute("href", "https://example.org/kelp")
    page.get_by_role("button", name="Filter").click()
    # Typed as a person does: Gradio sends what stood in a box some milliseconds ago.
    page.get_by_label("Venue").press_sequentially("meadow", delay=30)
    page.keyboard.press("Enter")
    expect(page.locator(".paper .title")).to_have_text(
        ["Night Lighting Reduces Pollination by Bumblebees"]
    )
    page.get_by_label("Year from").press_sequentially("soon", delay=30)
    page.keyboard.press("Enter")
    expect(page.locator("#library-told .problem")).to_contain_text("is not a year")


def test_topics_of_the_papers_limit_a_list_and_a_question(page: sync_api.Page) -> None:
    text = "TY  - JOUR\nTI  - {}\nAB  - We report {} here.\nER  - \n"
    show(page, "Library", "My library")
    files = (("CT of the liver", "CT of the liver"), ("MRI of the brain", "MRI of the brain"))
    drop(page, ("scans.ris", "".join(text.format(*row) for row in files)))
    expect(page.locator(".outcome")).to_contain_text("2 added")
    page.get_by_role("button", name="Filter").click()
    organ = page.locator("#filter .topics").get_by_label("liver")
    organ.focus()
    page.keyboard.press("Space")
    expect(page.locator(".paper .title")).to_have_text(["CT of the liver"])
    expect(page.locator("#account")).to_contain_text('organ "liver"')
    show(page, "Ask", "My library")
    opener = page.locator("#limits > button")
    opener.click()
    page.locator("#limits .chip", has_text="brain").click()
    page.locator("#limits .chip", has_text="MRI").click()
    expect(opener).to_contain_text('modality "MRI"; organ "brain"')
    assert faults_of(page) == []
    page.fill("#question textarea", "What is reported of the brain?")
    page.keyboard.press("Enter")
    expect(page.locator("#now .account")).to_contain_text('limited to modality "MRI"')
    expect(page.locator("#sources")).not_to_contain_text("liver")
    show(page, "Ask", "Sample")
    expect(opener).to_contain_text("Limit to…")
    expect(opener).to_have_attribute("aria-expanded", "false")


def test_a_text_is_checked_and_every_sentence_has_its_paper_or_reason(
    page: sync_api.Page,
) -> None:
    show(page, "Check my text")
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.locator("#check-result")).to_contain_text("Paste a paragraph first")
    text = f"Kelp cover rose from 8% to 61% on cleared reefs. {HOSTILE[0]} makes bees richer."
    page.set_input_files(
        "#check input[type=file]",
        {"name": "mine.txt", "mimeType": "text/plain", "buffer": text.encode()},
    )
    expect(page.locator("#draft textarea")).to_have_value(text)
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.locator(".verdicts")).to_contain_text("1 of 2 sentences supported")
    expect(page.locator(".sentences .flagged .reason")).to_be_visible()
    expect(page.locator(".papers-found mark")).to_have_count(1)
    page.locator("a.ref").click()
    expect(page.locator("#check-s1")).to_be_in_viewport()
    assert page.evaluate("window.hit") is None
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy as Markdown").click()
    expect(page.locator("#check-result")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()").startswith("# 1 of 2 sentences")


def test_a_set_is_run_and_its_report_read_and_saved(page: sync_api.Page) -> None:
    show(page, "Evaluation")
    expect(page.locator("#eval-frame")).to_contain_text("No evaluation has been run")
    page.locator("#eval-set input").click()
    page.get_by_role("option", name="own: reefs v2").click()
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("#eval-progress .progress")).to_be_visible()
    report = page.frame_locator("iframe.report")
    expect(report.locator(".item")).to_have_count(2, timeout=60_000)
    expect(page.locator("#eval-report input")).to_have_value(re.compile("· reefs v2 · extractive$"))
    report.locator(".item > summary").first.click()
    expect(report.locator(".item .prose").first).to_be_visible()
    expect(report.locator(".filters output")).to_have_text("2 of 2 shown")  # its script runs
    with page.expect_download() as saving:
        page.get_by_role("button", name="Save as JSON").click()
    saved = json.loads(saving.value.path().read_text(encoding="utf-8"))
    assert "sample" not in saved["settings"]  # all of them are no sample
    assert len(saved["items"]) == 2


@pytest.mark.parametrize("page", [{"viewport": {"width": 390, "height": 844}}], indirect=True)
def test_a_narrow_screen_needs_no_sideways_scrolling(page: sync_api.Page) -> None:
    for tab, part in (("Library", ".papers"), ("Check my text", "#draft")):
        page.get_by_role("tab", name=tab).click()
        expect(page.locator(part)).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
