"""The page in Chromium. FOOTNOTE_CHROMIUM names the browser where it is not on the path;
FOOTNOTE_REQUIRE_BROWSER=1 makes its absence a failure."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator

import pytest

import app
from rag.types import Answer, Note, Removed, Sentence, Source
from rag.web.exchange import STOPPED, UNEXPECTED
from rag.web.html import NO_QUESTION
from rag.web.site import Collection, Site
from tests.stub_assistant import AURORA, HELIOS, NOTE, SELENE, StubAssistant, answered, quote
from tests.test_web_html import HOSTILE

pytestmark = pytest.mark.browser
sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect


@pytest.fixture(scope="module")
def browser() -> Iterator[sync_api.Browser]:
    path = os.environ.get("FOOTNOTE_CHROMIUM") or shutil.which("chromium")
    if path is None and os.environ.get("FOOTNOTE_REQUIRE_BROWSER") == "1":
        pytest.fail("no chromium on the path; install it or set FOOTNOTE_CHROMIUM")
    if path is None:
        pytest.skip("no chromium on the path; install it or set FOOTNOTE_CHROMIUM to run these")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def assistant() -> StubAssistant:
    return StubAssistant()


@pytest.fixture(scope="module")
def address(assistant: StubAssistant) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    blocks = app.build(Site((Collection("Sample", assistant),)))  # type: ignore[arg-type]
    yield app.serve(blocks, "127.0.0.1", port)
    blocks.close(verbose=False)


@pytest.fixture(params=[{}])
def page(
    browser: sync_api.Browser, address: str, request: pytest.FixtureRequest
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


def ask(page: sync_api.Page, question: str) -> None:
    page.fill("#question textarea", question)
    page.keyboard.press("Enter")
    expect(page.locator("#now .question")).to_have_text(question.strip())
    expect(page.locator("#now .working")).to_have_count(0)


def test_the_head_says_what_is_held_and_what_leaves_the_machine(page: sync_api.Page) -> None:
    masthead = page.locator("#masthead")
    for text in ("3 papers", "extractive writer", "nothing leaves this machine", NOTE):
        expect(masthead).to_contain_text(text)


def test_a_chip_opens_its_source_with_the_passage_marked(page: sync_api.Page) -> None:
    ask(page, "How quiet is HELIOS?")
    chips = page.locator("#now a.cite")
    expect(chips).to_have_text(["1", "2", "1"])
    chips.nth(2).click()
    card = page.locator("#t1-s1")
    expect(card).to_have_class("source active")
    expect(card).to_be_focused()
    expect(card.locator("mark")).to_have_count(2)
    expect(card.locator("mark.active")).to_have_text("Reading time fell from 12 to 7 minutes.")
    expect(page.locator("#t1-q2")).to_have_class("sentence active")
    chips.nth(1).click()
    expect(page.locator(".source.active")).to_have_id("t1-s2")


def test_the_keyboard_opens_a_source_and_returns(page: sync_api.Page) -> None:
    ask(page, "How quiet is HELIOS?")
    chip = page.locator("#now a.cite").first
    chip.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#t1-s1")).to_be_focused()
    page.locator("#t1-s1 a.back").focus()
    page.keyboard.press("Enter")
    expect(chip).to_be_focused()
    expect(page.locator(".active")).to_have_count(0)


def test_links_to_papers_open_apart_and_tell_nothing(page: sync_api.Page) -> None:
    ask(page, "How quiet is HELIOS?")
    title = page.locator("#t1-s1 h3 a")
    expect(title).to_have_attribute("href", HELIOS.url)
    expect(title).to_have_attribute("rel", "noopener noreferrer")
    expect(title).to_have_attribute("target", "_blank")
    expect(page.locator("#t1-s1 p a")).to_have_attribute("href", "https://example.org/code")


def test_removed_sentences_unfold_with_their_reason(page: sync_api.Page) -> None:
    ask(page, "How quiet is HELIOS?")
    reason = page.get_by_text("not in source 1")
    expect(reason).to_be_hidden()
    page.get_by_text("3 sentences checked, 1 removed").click()
    expect(reason).to_be_visible()


def test_a_refusal_shows_the_nearest_papers(page: sync_api.Page) -> None:
    ask(page, "please refuse")
    refusal = page.locator("#now .refusal")
    expect(refusal.locator("li")).to_have_text([SELENE.title, HELIOS.title])
    expect(page.locator("#now a.cite")).to_have_count(0)


def test_a_follow_up_is_asked_with_its_history_and_old_chips_still_work(
    page: sync_api.Page, assistant: StubAssistant
) -> None:
    ask(page, "How quiet is HELIOS?")
    ask(page, "And SELENE?")
    question, history = assistant.asked[-1]
    assert question == "And SELENE?"
    assert [turn.content for turn in history] == [
        "How quiet is HELIOS?",
        answered("").text,
    ]
    expect(page.locator("#sources-t2")).to_be_visible()
    page.locator("#past a.cite").first.click()
    expect(page.locator("#t1-s1")).to_be_visible()
    expect(page.locator("#sources-t2")).to_be_hidden()


def test_an_example_is_asked_with_one_click_and_a_new_chat_begins_afresh(
    page: sync_api.Page, assistant: StubAssistant
) -> None:
    expect(page.locator(".example")).to_have_count(4)
    page.locator(".example").first.click()
    expect(page.locator("#now a.cite")).to_have_count(3)
    expect(page.locator(".example").first).to_be_hidden()
    page.get_by_role("button", name="New chat").click()
    expect(page.locator(".exchange")).to_have_count(0)
    expect(page.locator(".example").first).to_be_visible()
    ask(page, "How quiet is HELIOS?")
    assert assistant.asked[-1] == ("How quiet is HELIOS?", ())


def test_sentences_appear_while_the_answer_is_written_and_stop_keeps_them(
    page: sync_api.Page, assistant: StubAssistant
) -> None:
    assistant.gate.clear()
    page.fill("#question textarea", "a slow one")
    page.keyboard.press("Enter")
    expect(page.locator("#now .sentence")).to_have_count(1)
    expect(page.locator("#now .status")).to_have_text("Writing…")
    expect(page.locator("#sources-t1 .source")).to_have_count(3)
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#now .problem")).to_have_text(STOPPED)
    expect(page.locator("#now .sentence")).to_have_count(1)
    expect(page.get_by_role("button", name="Send")).to_be_visible()
    ask(page, "How quiet is HELIOS?")  # while the one before is still stuck in its model
    expect(page.locator("#past .sentence")).to_have_count(1)
    expect(page.locator("#now .sentence")).to_have_count(2)
    assistant.gate.set()


@pytest.mark.parametrize("leave", ["stop", "close"])
def test_leaving_closes_the_stream_and_with_it_the_model(
    browser: sync_api.Browser, address: str, assistant: StubAssistant, leave: str
) -> None:
    tab = browser.new_page()
    tab.goto(address)
    tab.fill("#question textarea", "an endless one")
    tab.keyboard.press("Enter")
    expect(tab.locator("#now .status")).to_have_text("Writing…")
    assert not assistant.closed.is_set()
    if leave == "stop":
        tab.get_by_role("button", name="Stop").click()
        expect(tab.locator("#now .problem")).to_have_text(STOPPED)
    else:
        tab.close()
    assert assistant.closed.wait(40)
    tab.close()


def test_bad_questions_get_a_line_and_break_nothing(page: sync_api.Page) -> None:
    page.fill("#question textarea", "  \n ")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#question textarea")).to_have_attribute("placeholder", NO_QUESTION)
    expect(page.locator(".exchange")).to_have_count(0)
    ask(page, "cause an error")
    expect(page.locator("#now .problem")).to_contain_text("ask a shorter one")
    ask(page, "cause a bug")
    expect(page.locator("#now .problem")).to_have_text(UNEXPECTED)
    ask(page, "How quiet is HELIOS?")
    expect(page.locator("#now a.cite")).to_have_count(3)


def test_hostile_text_never_becomes_live(page: sync_api.Page, assistant: StubAssistant) -> None:
    for turn, text in enumerate(HOSTILE, 1):
        assistant.answers[text] = made_of(text)
        ask(page, text)
        page.locator("#now a.cite").first.click()
        page.locator("#now summary").click()
        expect(page.locator(f"#t{turn}-s1 mark").first).to_have_text(text)
        expect(page.locator("#now .prose")).to_contain_text(text)
    inside = page.locator(":is(#past, #now, #panel) :is(script, img, svg, form, input, iframe)")
    expect(inside).to_have_count(0)
    expect(page.locator('a[href^="javascript"]')).to_have_count(0)
    assert page.evaluate("window.hit") is None


def made_of(text: str) -> Answer:
    """An answer with ``text`` in every place."""
    source = Source(1, text, text, text, None, f"{text} and more {text}")
    kept = Sentence(f"{text} [1]", (1,), "supported", 1.0, (quote(source, text),))
    return answered(
        text,
        text=f"{kept.text}\n\n{text}",
        sentences=(kept,),
        sources=(source, AURORA),
        removed=(Removed(text, (1,), "unsupported", text),),
        notes=(Note("premise", text),),
        model=text,
    )


@pytest.mark.parametrize(
    "page",
    [{"viewport": {"width": 390, "height": 844}}, {"viewport": {"width": 320, "height": 600}}],
    indirect=True,
)
def test_a_narrow_screen_needs_no_sideways_scrolling(page: sync_api.Page) -> None:
    ask(page, "How quiet is HELIOS? " + "W" * 300)
    page.locator("#now a.cite").first.click()
    expect(page.locator("#t1-s1")).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    answer, panel = page.locator("#now").bounding_box(), page.locator("#panel").bounding_box()
    assert answer and panel and panel["y"] > answer["y"] + answer["height"]


@pytest.mark.parametrize(
    "page", [{"color_scheme": "dark"}, {"color_scheme": "light"}], indirect=True
)
def test_colours_follow_the_system_and_can_be_read(page: sync_api.Page) -> None:
    ask(page, "How quiet is HELIOS?")
    for selector in ("#now .prose p", "#now .cite", "#t1-s1 p", "#t1-s1 mark", "#caution p"):
        ratio = page.locator(selector).first.evaluate(CONTRAST)
        assert ratio >= 4.5, selector
    dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    ground = page.locator(".gradio-container").evaluate(
        "e => getComputedStyle(e).backgroundColor.match(/[0-9]+/g).map(Number)"
    )
    assert (sum(ground) < 3 * 128) is dark


# The contrast of an element's text with the first ground behind it, after WCAG 2.2.
CONTRAST = """element => {
  const parts = (colour) => colour.match(/[0-9.]+/g).map(Number);
  const light = (rgb) => rgb.slice(0, 3)
    .map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  let behind = element;
  while ((parts(getComputedStyle(behind).backgroundColor)[3] ?? 1) === 0)
    behind = behind.parentElement;
  const tones = [getComputedStyle(element).color, getComputedStyle(behind).backgroundColor]
    .map(parts).map(light).sort((a, b) => b - a);
  return (tones[0] + 0.05) / (tones[1] + 0.05);
}"""
