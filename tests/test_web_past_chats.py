"""Past chats: what a browser may ask for, and the list in Chromium."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

import app
from rag.errors import StoreError
from rag.web.chats import Chats
from rag.web.exchange import Exchange
from rag.web.past_chats import Asked, read_asked, with_papers
from rag.web.site import Collection, Site
from rag.web.visitors import new_id
from tests.stub_assistant import StubAssistant, answered

ID = new_id()


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ({"act": "open", "chat": ID}, Asked("open", ID)),
        ({"act": "rename", "chat": ID, "name": "Kelp"}, Asked("rename", ID, "Kelp")),
        ({"act": "delete", "chat": ID}, Asked("delete", ID)),
        ({"act": "delete_all"}, Asked("delete_all")),
        ({"act": "open"}, None),
        ({"act": "open", "chat": "../../etc"}, None),
        ({"act": "open", "chat": [ID]}, None),
        ({"act": "rename", "chat": ID, "name": 7}, None),
        ({"act": "drop", "chat": ID}, None),
        ([], None),
        (None, None),
        (7, None),
    ],
)
def test_only_what_can_be_done_is_understood(wish: Any, expected: Asked | None) -> None:
    assert read_asked(json.dumps(wish)) == expected


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, '{"act": "open"}x'])
def test_what_is_no_json_asks_for_nothing(text: str) -> None:
    assert read_asked(text) is None


def test_a_chat_is_shown_even_where_its_papers_cannot_be_read() -> None:
    class Gone:
        def papers(self, ids: object) -> dict[str, Any]:
            raise StoreError("no library")

    turn = Exchange("How quiet?", "", answer=answered("How quiet?"))
    assert with_papers(turn, Gone()).papers == {}  # type: ignore[arg-type]


# --- in the browser ---------------------------------------------------------------------

sync_api = pytest.importorskip("playwright.sync_api")
from tests.test_web_page import ask, browser, faults_of  # noqa: E402, F401 (a fixture)

expect = sync_api.expect
in_browser = pytest.mark.browser


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Chats:
    return Chats(tmp_path_factory.mktemp("past") / "chats.sqlite3")


@pytest.fixture(scope="module")
def address(kept: Chats) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    both = (Collection("Sample", StubAssistant()), Collection("Other", StubAssistant()))  # type: ignore[arg-type]
    blocks = app.build(Site(both), chats=kept)
    yield app.serve(blocks, "127.0.0.1", port)
    blocks.close()


@pytest.fixture
def page(browser: sync_api.Browser, address: str) -> Iterator[sync_api.Page]:  # noqa: F811
    """A visitor whom the page has never seen."""
    context = browser.new_context()
    context.set_default_timeout(20_000)
    tab = context.new_page()
    begin(tab, address)
    yield tab
    context.close()


def begin(page: sync_api.Page, address: str) -> None:
    page.goto(address)
    page.wait_for_selector("#question textarea")


def unfold(page: sync_api.Page) -> sync_api.Locator:
    """The rows of the list."""
    page.get_by_role("button", name="Past chats").click()
    return page.locator("#past-list li")


@in_browser
def test_chats_are_listed_opened_and_go_on_after_a_reload(
    page: sync_api.Page, address: str
) -> None:
    ask(page, "How quiet is it?")
    ask(page, "And at night?")
    page.locator("#fresh").click()
    ask(page, "How dark is it?")
    begin(page, address)
    rows = unfold(page)
    expect(rows.locator(".open")).to_have_text(["How dark is it?", "How quiet is it?"])
    page.get_by_role("button", name="How quiet is it?", exact=True).click()
    expect(page.locator(".exchange .question")).to_have_text(["How quiet is it?", "And at night?"])
    expect(page.locator("#panel .source:visible")).to_have_count(2)
    expect(page.locator("#past-list [aria-current] .open")).to_have_text("How quiet is it?")
    ask(page, "What else?")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("How quiet is it?")
    expect(rows.first).to_contain_text("3 questions")
    assert faults_of(page) == []


@in_browser
def test_a_thumb_is_kept_with_its_chat(page: sync_api.Page, address: str) -> None:
    ask(page, "How quiet is it?")
    thumb = page.get_by_role("button", name="Good answer").last
    thumb.click()
    expect(thumb).to_have_attribute("aria-pressed", "true")
    begin(page, address)
    unfold(page).locator(".open").click()
    expect(page.get_by_role("button", name="Good answer").last).to_have_attribute(
        "aria-pressed", "true"
    )


@in_browser
def test_a_chat_is_renamed_by_keyboard_and_escape_leaves_the_name(page: sync_api.Page) -> None:
    ask(page, "How quiet is it?")
    rows = unfold(page)
    for name, key, expected in (("Lost", "Escape", "How quiet is it?"), ("Kelp", "Enter", "Kelp")):
        rows.get_by_role("button", name="Rename").press("Enter")
        page.get_by_role("textbox", name="Name of the chat").fill(name)
        page.keyboard.press(key)
        expect(rows.locator(".open")).to_have_text(expected)
        expect(rows.locator(".open")).to_be_focused()
    expect(rows.get_by_role("button", name="Rename “Kelp”")).to_be_visible()  # as it is kept


@in_browser
def test_deleting_asks_twice_and_ends_the_open_chat(page: sync_api.Page) -> None:
    ask(page, "How quiet is it?")
    rows = unfold(page)
    delete = rows.get_by_role("button", name="Delete")
    delete.click()
    expect(delete).to_have_text("Delete for good")
    page.locator("#question textarea").click()  # no: it is kept
    expect(delete).to_have_text("Delete…")
    delete.click()
    delete.click()
    expect(page.locator("#past-list")).to_contain_text("None yet")
    expect(page.locator(".exchange")).to_have_count(0)
    expect(page.locator("#welcome")).to_be_visible()


@in_browser
def test_all_chats_of_a_collection_are_deleted_and_no_others(page: sync_api.Page) -> None:
    ask(page, "How quiet is it?")
    switch(page, "Other")
    ask(page, "How dark is it?")
    page.locator("#fresh").click()
    ask(page, "How light is it?")
    rows = unfold(page)
    expect(rows).to_have_count(2)
    every = page.get_by_role("button", name="Delete all")
    every.click()
    expect(every).to_have_text("Delete all for good")
    every.click()
    expect(page.locator("#past-list")).to_contain_text("None yet")
    switch(page, "Sample")
    expect(rows.locator(".open")).to_have_text(["How quiet is it?"])


def switch(page: sync_api.Page, collection: str) -> None:
    page.locator("#collection input").click()
    page.get_by_role("option", name=collection).click()
    expect(page.locator(".exchange")).to_have_count(0)


@in_browser
def test_another_visitor_sees_and_opens_none_of_them(
    page: sync_api.Page,
    browser: sync_api.Browser,  # noqa: F811
    address: str,
) -> None:
    ask(page, "My own question?")
    chat = unfold(page).get_attribute("data-chat")
    context = browser.new_context()
    context.set_default_timeout(20_000)
    other = context.new_page()
    begin(other, address)
    unfold(other)
    expect(other.locator("#past-list")).to_contain_text("None yet")
    other.evaluate(
        """wish => {
            const field = document.querySelector("#past-wish :is(textarea, input)");
            field.value = wish;
            field.dispatchEvent(new Event("input", { bubbles: true }));
            setTimeout(() => document.querySelector("#past-go").click(), 100);
        }""",
        json.dumps({"act": "open", "chat": chat}),
    )
    expect(other.locator("#past-told")).to_contain_text("not there any more")
    expect(other.locator(".exchange")).to_have_count(0)
    context.close()
