"""The report as a web page: its plots, its HTML, and how Chromium shows it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest

from eval.page import write_html
from eval.page.plots import Outcome, best_points, latency_plot, risk_plot, risk_points
from rag.errors import InputError
from rag.web.markup import safe
from tests.conftest import RECORDS
from tests.eval_run import ANSWERS, QUESTIONS, answer, question, scored
from tests.test_web_html import HOSTILE
from tests.test_web_page import browser

__all__ = ["browser"]
sync_api = pytest.importorskip("playwright.sync_api")

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
expect = sync_api.expect

SURE, UNSURE = Outcome((0.9,), False, True), Outcome((0.2,), False, False)
REFUSED = Outcome((0.0,), True, False)


def test_risk_falls_where_the_sure_answers_are_right() -> None:
    assert risk_points([UNSURE, REFUSED, SURE, SURE]) == [(0.5, 0.0), (0.75, 1 / 3)]
    assert risk_points([REFUSED]) == [] and risk_plot([REFUSED]) is None


def test_answers_of_one_confidence_come_together() -> None:
    tied = [Outcome((1.0,), False, right) for right in (True, False, True, True)]
    assert risk_points(tied) == [(1.0, 0.25)]
    assert best_points(tied)[-1] == (1.0, 0.25)
    assert best_points(tied)[:3] == [(0.25, 0.0), (0.5, 0.0), (0.75, 0.0)]


def test_latency_is_a_share_that_ends_at_one() -> None:
    plot = latency_plot([0.1, 0.4, 0.2])
    assert plot and "median 0.2 s" in plot.told and "3 questions" in plot.told
    assert plot.lines[0].endswith(",10.0")  # the top of the plot: all are done
    assert latency_plot([]) is None


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The page of the small run."""
    folder = tmp_path_factory.mktemp("page")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        run, questions, report = scored(folder)
    write_html(run, questions, report, folder / "report.html")
    yield folder / "report.html"


@pytest.fixture(scope="module")
def hostile_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run with an attack in every place."""
    folder = tmp_path_factory.mktemp("hostile")
    questions, answers, papers = [], [], [*RECORDS]
    for n, text in enumerate(HOSTILE):
        paper = {"id": f"bad{n}", "title": f"{text} {n}", "abstract": f"{text} rose by 5%."}
        fact = [{"text": text, "any": ["5%"]}]
        papers.append(paper)
        questions.append(question(f"{text}-{n}", "fact", f"{text}?", [f"bad{n}"], facts=fact))
        source = {"n": 1, "paper_id": f"bad{n}", "title": paper["title"], "url": text,
                  "text": paper["abstract"]}  # fmt: skip
        answers.append(
            answer(
                f"{text}-{n}", f"{text} rose by 5% [1].", [], sources=[source], model=text,
                notes=[{"kind": text, "text": text}], timings={},
                removed=[{"text": text, "verdict": text, "reason": text}],
            )
        )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        run, found, report = scored(folder, questions, answers, papers)
    write_html(run, found, report, folder / "report.html")
    return folder / "report.html"


def test_the_page_names_what_failed_and_where(page_file: Path) -> None:
    html = page_file.read_text("utf-8")
    kinds = dict(re.findall(r'id="item-(\d)" data-kinds="([^"]*)"', html))
    assert kinds == {
        "1": "",
        "2": "false_refusals",
        "3": "false_answers",
        "4": "phantom_citations",
        "5": "facts_missed",
        "6": "failed",
    }
    assert "“moon” is not in source 1" in html and "the model broke off" in html
    assert re.search(r'<mark data-q="1">Kelp cover rose from 8% to 61%', html)


def test_nothing_in_the_page_is_fetched(page_file: Path) -> None:
    html = page_file.read_text("utf-8")
    assert "default-src 'none'" in unescape(html)
    assert not re.search(r"<(?:link|img|iframe|object|embed|base)\b|@import|url\(|\bfetch\(", html)
    assert not re.search(r"<script[^>]+src", html)


def test_a_page_that_cannot_be_written_is_told(page_file: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--html .* cannot be written"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
            run, questions, report = scored(tmp_path, QUESTIONS[1:2], ANSWERS[1:2])
        write_html(run, questions, report, tmp_path / "nowhere" / "report.html")


# --- in Chromium ------------------------------------------------------------------------


@pytest.fixture(params=[{}])
def opened(browser: sync_api.Browser, request: pytest.FixtureRequest) -> Iterator[sync_api.Page]:
    """A tab; at its end nothing may have been asked of a network, refused or thrown."""
    context = browser.new_context(**{"viewport": {"width": 1360, "height": 900}, **request.param})
    context.set_default_timeout(20_000)
    tab, elsewhere, faults = context.new_page(), [], []
    context.on("request", lambda r: None if r.url.startswith("file:") else elsewhere.append(r.url))
    tab.on("pageerror", lambda error: faults.append(str(error)))
    tab.on("console", lambda line: faults.append(line.text) if line.type == "error" else None)
    yield tab
    context.close()
    assert elsewhere == [] and faults == []


@pytest.mark.browser
def test_filters_show_what_failed(opened: sync_api.Page, page_file: Path) -> None:
    opened.goto(page_file.as_uri())
    shown = opened.locator(".item:visible")
    expect(shown).to_have_count(6)
    opened.get_by_role("button", name="refused, though answerable").click()
    expect(shown).to_have_attribute("id", "item-2")
    expect(opened.locator("output")).to_have_text("1 of 6 shown")
    opened.get_by_role("button", name="all 6").click()
    opened.locator("select").select_option("unanswerable")
    expect(shown).to_have_attribute("id", "item-3")
    opened.locator("select").select_option("")
    opened.locator("input[type=search]").fill("LOAF best")
    expect(shown).to_have_attribute("id", "item-5")


@pytest.mark.browser
def test_a_citation_leads_to_its_evidence(opened: sync_api.Page, page_file: Path) -> None:
    opened.goto(page_file.as_uri())
    opened.locator("#item-1 > summary").click()
    opened.locator("#item-1 a.cite").click()
    expect(opened.locator("#t1-s1")).to_be_in_viewport()
    expect(opened.locator("#t1-s1 mark.active")).to_contain_text("Kelp cover rose")
    expect(opened.locator("#item-1 .removed .reason")).to_contain_text("“moon” is not in source 1")
    opened.get_by_role("button", name="unfold all").click()
    expect(opened.locator("details[open]")).to_have_count(6)


@pytest.mark.browser
def test_hostile_text_stays_text(opened: sync_api.Page, hostile_file: Path) -> None:
    opened.goto(hostile_file.as_uri())
    opened.get_by_role("button", name="unfold all").click()
    for n, text in enumerate(HOSTILE, 1):
        shown = unescape(safe(text))  # characters that nobody can see are left out
        for part in (".asked", ".prose", ".removed", ".facts-list", ".source p"):
            found = unescape(safe(opened.locator(f"#item-{n} {part}").first.inner_text()))
            assert " ".join(shown.split()) in " ".join(found.split())
    live = opened.locator("main :is(script, img, form:not(.filters), iframe, input:not([name]))")
    expect(live).to_have_count(0)
    expect(opened.locator('a[href^="javascript"]')).to_have_count(0)
    assert opened.evaluate("window.hit") is None


@pytest.mark.browser
@pytest.mark.parametrize(
    "opened",
    [{"viewport": {"width": 390, "height": 844}}, {"viewport": {"width": 320, "height": 600}}],
    indirect=True,
)
def test_a_narrow_screen_needs_no_sideways_scrolling(
    opened: sync_api.Page, page_file: Path
) -> None:
    opened.goto(page_file.as_uri())
    opened.get_by_role("button", name="unfold all").click()
    assert opened.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.browser
@pytest.mark.parametrize(
    "opened", [{"color_scheme": "dark"}, {"color_scheme": "light"}], indirect=True
)
def test_colours_follow_the_system_and_can_be_read(opened: sync_api.Page, page_file: Path) -> None:
    opened.goto(page_file.as_uri())
    opened.get_by_role("button", name="unfold all").click()
    for selector in (".asked", ".kind", ".prose", ".cite", ".source p", "mark", ".tile i",
                     ".remark", ".reason", ".gold", ".kinds [aria-pressed=true]"):  # fmt: skip
        ratio = opened.locator(selector).first.evaluate(CONTRAST)
        assert ratio >= 4.5, (selector, ratio)


@pytest.mark.browser
def test_print_leaves_out_what_cannot_be_used_on_paper(
    opened: sync_api.Page, page_file: Path
) -> None:
    opened.goto(page_file.as_uri())
    opened.emulate_media(media="print", color_scheme="dark")
    expect(opened.locator(".filters")).to_be_hidden()
    assert opened.locator("body").evaluate("e => getComputedStyle(e).backgroundColor") == (
        "rgb(255, 255, 255)"
    )
