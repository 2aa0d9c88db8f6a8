"""The door as people meet it, in Chromium: the login form, and one question too many."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import app
from rag.web import accounts
from rag.web.access import Access
from rag.web.site import Collection, Site
from tests.stub_assistant import StubAssistant
from tests.test_web_page import ask, browser, expect, sync_api  # noqa: F401

pytestmark = pytest.mark.browser


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    users = tmp_path / "users.json"
    accounts.set_password(users, "ada", "correct horse")
    site = Site((Collection("Sample", StubAssistant()),))  # type: ignore[arg-type]
    page = app.build(site, Access(users, rate=1))
    yield app.serve(page, "127.0.0.1", 0)
    page.close()


def test_a_reader_logs_in_asks_and_is_asked_to_wait(
    browser: sync_api.Browser,  # noqa: F811
    address: str,
) -> None:
    context = browser.new_context()
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.goto(address)
    expect(page).to_have_title("Log in · Footnote")
    page.keyboard.type("ada")
    page.get_by_label("Password").fill("wrong horse")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_have_text("Name or password is wrong.")
    page.get_by_label("Password").fill("correct horse")
    page.keyboard.press("Enter")
    page.wait_for_selector("#question textarea")
    ask(page, "How quiet is HELIOS?")
    page.fill("#question textarea", "And SELENE?")
    page.keyboard.press("Enter")
    expect(page.get_by_text("more than 1 question in a minute")).to_be_visible(timeout=60_000)
    # The question is not lost.
    expect(page.locator("#question textarea")).to_have_value("And SELENE?")
    expect(page.locator("#now .question")).to_have_text("How quiet is HELIOS?")
    context.close()
