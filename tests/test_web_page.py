"""The page in Chromium. FOOTNOTE_CHROMIUM names the browser where it is not on the path;
FOOTNOTE_REQUIRE_BROWSER=1 makes its absence a failure."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import app
from rag.filters import Filter
from rag.text import clean
from rag.types import Answer, Note, Paper, Refusal, Removed, Retrieved, Sentence, Source
from rag.web.exchange import STOPPED, UNEXPECTED
from rag.web.html import NO_QUESTION
from rag.web.site import Collection, Site
from tests.harmless import HOSTILE
from tests.stub_assistant import AURORA, HELIOS, NOTE, SELENE, StubAssistant, answered, quote

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
    blocks.close()


Opening = Callable[..., "sync_api.Page"]


@pytest.fixture(scope="module")
def opened(browser: sync_api.Browser, address: str) -> Iterator[Opening]:
    """Open the page; nothing that it does may reach any server but its own, or fail unseen."""
    contexts, elsewhere, faults = [], [], []

    def sent(request: sync_api.Request) -> None:
        if not request.url.startswith((address, "data:", "blob:")):
            elsewhere.append(request.url)

    def opening(**options: object) -> sync_api.Page:
        context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})
        context.set_default_timeout(20_000)
        context.grant_permissions(["clipboard-read", "clipboard-write"], origin=address)
        context.on("request", sent)
        contexts.append(context)
        tab = context.new_page()
        tab.on("pageerror", lambda error: faults.append(str(error)))
        tab.goto(address)
        tab.wait_for_selector("#question textarea")
        return tab

    yield opening
    for context in contexts:
        context.close()
    assert elsewhere == []
    assert faults == []


@pytest.fixture(scope="module")
def only_tab(opened: Opening) -> sync_api.Page:
    return opened()


@pytest.fixture
def page(only_tab: sync_api.Page) -> sync_api.Page:
    """The one page, with a new chat: opening one takes longer than most tests."""
    if only_tab.locator("#keys").is_visible():
        only_tab.keyboard.press("Escape")
    if only_tab.locator("#fresh").is_visible():
        only_tab.locator("#fresh").click()
    expect(only_tab.locator(".exchange")).to_have_count(0)
    only_tab.mouse.move(5, 5)
    return only_tab


def ask(page: sync_api.Page, question: str) -> None:
    page.fill("#question textarea", question)
    page.keyboard.press("Enter")
    answered_is(page, question)


def answered_is(page: sync_api.Page, question: str) -> None:
    expect(page.locator("#now .question")).to_have_text(clean(question).strip())
    expect(page.locator("#now .working")).to_have_count(0)
    expect(page.locator("#send")).to_be_visible()


# --- the answer and its sources ---------------------------------------------------------


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
    expect(page.locator("#steps")).to_contain_text("Evidence 3 of 3")
    chips.nth(1).click()
    expect(page.locator(".source.active")).to_have_id("t1-s2")
    title = page.locator("#t1-s1 h3 a")
    expect(title).to_have_attribute("href", HELIOS.url)
    expect(title).to_have_attribute("rel", "noopener noreferrer")
    expect(title).to_have_attribute("target", "_blank")


def test_a_chip_previews_its_quote_by_mouse_and_by_keyboard(page: sync_api.Page) -> None:
    ask(page, "How quiet is HELIOS?")
    chips, preview = page.locator("#now a.cite"), page.locator("#preview")
    chips.nth(1).hover()
    expect(preview).to_be_visible()
    expect(preview.locator(".of")).to_have_text(SELENE.title)
    expect(preview.locator(".quotes p")).to_have_text(
        ["SELENE lowers the dose by half.", "Sensitivity stayed at 91% over five sites."]
    )
    preview.hover()  # to read it, the pointer may rest on it
    page.wait_for_timeout(400)
    expect(preview).to_be_visible()
    page.keyboard.press("Escape")
    expect(preview).to_be_hidden()
    page.mouse.move(5, 5)
    page.locator("#question textarea").focus()
    for _ in range(12):
        page.keyboard.press("Shift+Tab")
        if chips.nth(2).evaluate("chip => chip === document.activeElement"):
            break
    expect(preview).to_be_visible()
    expect(chips.nth(2)).to_have_attribute("aria-describedby", "preview")
    expect(preview).to_contain_text("Reading time fell")
    page.keyboard.press("Enter")
    expect(page.locator("#t1-s1")).to_be_focused()
    expect(preview).to_be_hidden()
    page.keyboard.press("Escape")
    expect(chips.nth(2)).to_be_focused()
    expect(page.locator("#columns .active")).to_have_count(0)


def test_single_keys_go_through_the_evidence_and_can_be_turned_off(page: sync_api.Page) -> None:
    ask(page, "How quiet is HELIOS?")
    where = page.locator("#steps .where")
    page.keyboard.type("np")  # into the box: they are letters there
    expect(where).to_have_text("3 pieces of evidence")
    page.fill("#question textarea", "")
    page.locator("#help-open").focus()
    for key, place in (("n", 1), ("j", 2), ("n", 3), ("n", 1), ("p", 3), ("k", 2)):
        page.keyboard.press(key)
        expect(where).to_have_text(f"Evidence {place} of 3")
    page.get_by_role("button", name="Next evidence").click()
    expect(where).to_have_text("Evidence 3 of 3")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Next evidence")
    page.get_by_label("Single keys work on this page").uncheck()
    page.keyboard.press("Escape")
    page.locator("#help-open").focus()
    page.keyboard.press("n")
    expect(where).to_have_text("3 pieces of evidence")
    page.locator("#help-open").click()
    page.get_by_label("Single keys work on this page").check()
    page.get_by_role("button", name="Close", exact=True).click()
    page.keyboard.press("/")
    expect(page.locator("#question textarea")).to_be_focused()


def test_what_was_removed_refused_or_disputed_is_shown(
    page: sync_api.Page, assistant: StubAssistant
) -> None:
    text = (
        f"Papers disagree: against “It is quiet.” ({HELIOS.title}, source 1) stands "
        f"“It is loud.” ({SELENE.title}, source 2)."
    )
    assistant.answers["Is it?"] = answered("Is it?", notes=(Note("disagreement", text),))
    ask(page, "Is it?")
    reason = page.get_by_text("not in source 1")
    expect(reason).to_be_hidden()
    page.get_by_text("3 sentences checked, 1 removed", exact=True).click()
    expect(reason).to_be_visible()
    left, right = (side.bounding_box() for side in page.locator("#now .sides > div").all())
    assert left and right
    assert left["y"] == right["y"]
    page.locator("#now .sides .cite").last.click()
    expect(page.locator(".source.active")).to_have_id("t1-s2")
    ask(page, "please refuse Peru")
    refusal = page.locator("#now .refusal")
    expect(refusal.locator("li a")).to_have_text([SELENE.title, HELIOS.title])
    expect(refusal.locator(".missing")).to_contain_text("Peru")
    expect(page.locator("#now a.cite")).to_have_count(0)


# --- asking -----------------------------------------------------------------------------


def test_a_follow_up_is_asked_with_its_history_and_old_chips_still_work(
    page: sync_api.Page, assistant: StubAssistant
) -> None:
    ask(page, "How quiet is HELIOS?")
    page.get_by_role("button", name="What does AURORA report?").click()
    answered_is(page, "What does AURORA report?")
    question, history = assistant.asked[-1]
    assert question == "What does AURORA report?"
    assert [turn.content for turn in history] == ["How quiet is HELIOS?", answered("").text]
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


def test_sentences_appear_one_by_one_nothing_jumps_and_stop_keeps_them(
    page: sync_api.Page, assistant: StubAssistant
) -> None:
    def places() -> list[float]:
        boxes = (page.locator(name).bounding_box() for name in ("#t1-q1", "#composer"))
        return [round(box["y"]) for box in boxes if box]

    assistant.gate.clear()
    page.fill("#question textarea", "a slow one")
    page.keyboard.press("Enter")
    expect(page.locator("#now .sentence")).to_have_count(1)
    expect(page.locator("#now .pending")).to_have_text("checking…")
    expect(page.locator("#said")).to_have_text("Searching the papers and writing.")
    expect(page.locator("#sources-t1 .source mark")).to_have_count(1)
    page.wait_for_timeout(400)  # until the sentence has faded in
    before = places()
    assistant.gate.set()
    answered_is(page, "a slow one")
    assert places()[0] == before[0]
    expect(page.locator("#said")).to_contain_text("2 sentences. 3 sentences checked, 1 removed")
    page.locator("#fresh").click()
    assistant.gate.clear()
    page.fill("#question textarea", "a slow one")
    page.keyboard.press("Enter")
    expect(page.locator("#now .sentence")).to_have_count(1)
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
    opened: Opening, page: sync_api.Page, assistant: StubAssistant, leave: str
) -> None:
    tab = opened() if leave == "close" else page
    tab.fill("#question textarea", "an endless one")
    tab.keyboard.press("Enter")
    expect(tab.locator("#now .status")).to_be_visible()
    expect(tab.locator("#sources-t1")).to_be_visible()
    assert not assistant.closed.is_set()
    if leave == "stop":
        tab.get_by_role("button", name="Stop").click()
        expect(tab.locator("#now .problem")).to_have_text(STOPPED)
    else:
        tab.close()
    assert assistant.closed.wait(40)


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


def test_a_question_is_asked_again_or_edited_in_its_place(
    page: sync_api.Page, assistant: StubAssistant
) -> None:
    for question in ("One?", "Two?", "Three?"):
        ask(page, question)
    page.locator("#t2 .retry").click()
    answered_is(page, "Two?")
    expect(page.locator(".question")).to_have_text(["One?", "Two?"])
    assert assistant.asked[-1][0] == "Two?"
    assert [turn.content for turn in assistant.asked[-1][1]][::2] == ["One?"]
    page.locator("#t1 .edit").click()
    expect(page.locator("#above")).to_contain_text("editing question 1")
    expect(page.locator("#question textarea")).to_have_value("One?")
    expect(page.locator("#question textarea")).to_be_focused()
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#above .editing")).to_have_count(0)
    expect(page.locator("#question textarea")).to_have_value("")
    page.locator("#t1 .edit").click()
    expect(page.locator("#above .editing")).to_be_visible()
    ask(page, "Uno?")
    expect(page.locator(".question")).to_have_text(["Uno?"])
    assert assistant.asked[-1] == ("Uno?", ())


def test_limits_go_with_the_question_and_are_told(
    page: sync_api.Page, assistant: StubAssistant
) -> None:
    opener = page.locator("#limits > button")
    opener.click()
    expect(opener).to_have_attribute("aria-expanded", "true")
    page.get_by_label("Year from").fill("soon")
    page.get_by_label("Venue").fill("night; day")
    expect(page.locator("#limits-problem")).to_contain_text("not a year")
    page.get_by_label("Year from").fill("2020")
    page.get_by_label("Keyword").focus()
    page.get_by_label("knee").check()
    expect(opener).to_contain_text('Limited to since 2020; venue "*night*"')
    expect(opener).to_contain_text('organ "knee"')
    expect(page.locator("#limits-problem .problem")).to_have_count(0)
    ask(page, "How quiet is HELIOS?")
    assert assistant.where == Filter(
        since=2020, venues=("*night*", "*day*"), topics=("organ:knee",)
    )
    page.locator("#limits").get_by_label("knee").uncheck()
    for label in ("Year from", "Venue"):
        page.get_by_label(label).fill("")
    page.get_by_label("Keyword").focus()
    expect(page.get_by_label("Keyword")).to_be_focused()
    page.locator("#question textarea").focus()
    expect(opener).to_contain_text("Limit to…")
    opener.click()


# --- taking it away -----------------------------------------------------------------------


def test_an_answer_is_copied_with_its_references(page: sync_api.Page) -> None:
    ask(page, "How quiet is HELIOS?")
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.locator("#said")).to_have_text("Copied")
    text = page.evaluate("navigator.clipboard.readText()")
    assert text.startswith("HELIOS cuts the noise")
    assert "[1] Ada Lumen" in text
    page.get_by_role("button", name="Copy Markdown").click()
    page.wait_for_function("navigator.clipboard.readText().then(t => t.includes('**Sources**'))")


def test_a_conversation_is_saved_as_files(page: sync_api.Page) -> None:
    ask(page, "How quiet is HELIOS?")
    texts = {}
    for name in ("Markdown", "JSON", "BibTeX"):
        with page.expect_download() as saved:
            page.get_by_role("button", name=name, exact=True).click()
        file = saved.value.path()
        texts[saved.value.suggested_filename] = Path(file).read_text(encoding="utf-8")
    assert texts["footnote.md"].startswith("## How quiet is HELIOS?")
    assert json.loads(texts["footnote.json"])["exchanges"][0]["answer"]["model"] == "extractive"
    assert texts["footnote.bib"].count("@") == 2


def test_a_thumb_is_given_and_taken_back(page: sync_api.Page) -> None:
    ask(page, "How quiet is HELIOS?")
    thumb = page.get_by_role("button", name="Good answer")
    thumb.click()
    expect(thumb).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Bad answer").click()
    expect(thumb).to_have_attribute("aria-pressed", "false")
    page.get_by_role("button", name="Bad answer").click()
    expect(page.locator("[aria-pressed=true]")).to_have_count(0)


# --- hostile text -------------------------------------------------------------------------


def test_hostile_text_never_becomes_live(page: sync_api.Page, assistant: StubAssistant) -> None:
    """In questions, answers, notes, reasons, titles, abstracts, authors, venues and refusals."""
    for question, answer in made_of(HOSTILE):
        assistant.answers[question] = answer
        for source in answer.sources:
            assistant.known[source.paper_id] = paper_of(source)
        ask(page, question)
        for chip in page.locator("#now .prose a.cite").all()[:1]:
            chip.hover()
            expect(page.locator("#preview")).to_be_visible()
            chip.click()
        for summary in page.locator("#now summary").all():
            summary.click()
        page.locator("#now .copy").last.click()
    asked = page.locator("#now .question").inner_text()
    page.locator("#now .edit").click()
    expect(page.locator("#question textarea")).to_have_value(re.compile(re.escape(asked[:20])))
    page.get_by_role("button", name="Cancel").click()
    inside = page.locator(
        ":is(#past, #now, #panel, #preview) "
        ":is(script, style, link, meta, base, img, svg, math, video, form, input, iframe)"
    )
    expect(inside).to_have_count(0)
    links = page.locator("#columns a").evaluate_all("all => all.map(a => a.getAttribute('href'))")
    assert links
    assert all(link.startswith(("#t", "https://", "http://")) for link in links)
    handlers = page.locator("#columns *").evaluate_all(
        "all => all.flatMap(e => e.getAttributeNames()).filter(n => n.startsWith('on'))"
    )
    assert handlers == []
    assert page.evaluate("window.hit") is None
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def made_of(texts: tuple[str, ...], at_once: int = 8) -> Iterator[tuple[str, Answer]]:
    """Questions and answers with the texts in every place, several in each answer."""
    for start in range(0, len(texts), at_once):
        given = [clean(text) for text in texts[start : start + at_once]]
        sources = tuple(
            Source(n, f"p{start + n}", text, text, None, f"{text} and more {text}")
            for n, text in enumerate(given, 1)
        )
        kept = tuple(
            Sentence(f"{source.title} [{source.n}]", (source.n,), "supported", 1.0,
                     (quote(source, source.title),))
            for source in sources
        )  # fmt: skip
        first, second = given[:2]
        against = (
            f"Papers disagree: against “{first}” ({second}, source 1) stands “x” (y, source 2)."
        )
        yield (
            given[0],
            answered(
                given[0],
                query=" ".join(given),
                text="\n\n".join([*(s.text for s in kept), *given]),
                sentences=kept,
                sources=(*sources, AURORA),
                retrieved=tuple(Retrieved(s.paper_id, s.title, 0.5) for s in sources),
                removed=tuple(Removed(text, (1,), "unsupported", text) for text in given),
                notes=(*(Note("premise", text) for text in given), Note("disagreement", against)),
                model=given[-1],
            ),
        )
        refusal = Refusal("not_in_collection", given[1], tuple(s.paper_id for s in sources[:5]))
        yield given[1], answered(given[1], refused=True, sentences=(), refusal=refusal,
                                 sources=sources, retrieved=(), text=given[1])  # fmt: skip


def paper_of(source: Source) -> Paper:
    text = source.title
    return Paper(source.paper_id, text, source.text, (text, text), None, text, "", text, text,
                 (text,), text, text)  # fmt: skip


# --- screens, colours, aids ---------------------------------------------------------------


def test_on_a_narrow_screen_a_touch_previews_and_the_source_is_a_sheet(opened: Opening) -> None:
    tab = opened(viewport={"width": 390, "height": 844}, has_touch=True)
    ask(tab, "How quiet is HELIOS? " + "W" * 300)
    tab.locator("#now a.cite").nth(2).tap()
    expect(tab.locator("#preview")).to_contain_text("Reading time fell")
    expect(tab.locator("#sources")).to_be_hidden()
    tab.locator("#preview button").tap()
    expect(tab.locator("#t1-s1")).to_be_in_viewport()
    expect(tab.locator("#t1-q2")).to_be_in_viewport()
    tab.get_by_role("button", name="Close the sources").tap()
    expect(tab.locator("#sources")).to_be_hidden()
    tab.locator("#now .to-sources").tap()
    expect(tab.locator("#sources")).to_be_visible()
    tab.keyboard.press("Escape")
    for width in (390, 320):
        tab.set_viewport_size({"width": width, "height": 700})
        assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_can_be_read_and_used_by_all(opened: Opening, scheme: str) -> None:
    tab = opened(color_scheme=scheme, reduced_motion="reduce")
    ground = tab.locator(".gradio-container").evaluate(
        "e => getComputedStyle(e).backgroundColor.match(/[0-9]+/g).map(Number)"
    )
    assert (sum(ground) < 3 * 128) is (scheme == "dark")
    assert faults_of(tab) == []
    ask(tab, "How quiet is HELIOS?")
    ask(tab, "please refuse Peru")
    tab.locator("#past a.cite").last.click()
    assert faults_of(tab) == []
    assert tab.locator("#past .sentence").first.evaluate(
        "e => getComputedStyle(e).transitionDuration"
    ) in ("0s", "")
    tab.set_viewport_size({"width": 390, "height": 844})
    assert faults_of(tab) == []
    tab.locator("#steps .close").click()
    tab.locator("#help-open").click()
    assert faults_of(tab) == []


def faults_of(tab: sync_api.Page) -> list[str]:
    """What axe-core finds serious or critical."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    found = axe.run(tab).response["violations"]
    return [
        f"{fault['id']}: {node['html'][:200]}"
        for fault in found
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"]
    ]
