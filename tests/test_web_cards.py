from __future__ import annotations

from dataclasses import replace

import pytest

from rag.types import Answer, Evidence, Paper, Source
from rag.web.cards import EMPTY_PANEL, address, byline, panel_html, sources_html
from rag.web.exchange import Exchange
from rag.web.markup import is_web_address
from rag.web.reasons import Reason
from tests.harmless import Reader
from tests.stub_assistant import AURORA, HELIOS, PAPERS, answered, refused, sentence


def done(answer: Answer) -> Exchange:
    return Exchange("q", "", answer.sources, answer.sentences, answer, papers=PAPERS)


def test_the_cited_passage_is_marked_with_the_sentences_that_rest_on_it() -> None:
    reader = Reader(sources_html(done(answered("q")), answered("q"), 1))
    assert reader.marked == [
        "HELIOS cuts the noise by 40% in 1,204 patients.",
        "Reading time fell from 12 to 7 minutes.",
        "SELENE lowers the dose by half.",
        "Sensitivity stayed at 91% over five sites.",
    ]
    assert reader.values("data-q") == ["1", "2", "2", "2"]


def test_evidence_in_a_title_is_marked_there() -> None:
    span = Evidence(1, "title", 0, 6, "HELIOS")
    answer = answered("q", sentences=(sentence("It is [1].", span),))
    page = sources_html(done(answer), answer, 1)
    assert '<mark data-q="1">HELIOS</mark>: a scanner' in page


def test_cited_sources_come_first_and_the_others_are_folded() -> None:
    page = sources_html(done(answered("q")), answered("q"), 1)
    folded = page[page.index("<details") :]
    assert "1 paper retrieved but not cited" in folded
    assert AURORA.title in folded
    assert HELIOS.title not in folded


@pytest.mark.parametrize(
    "url",
    (
        *("javascript:alert(1)", "data:text/html,x", "//a.org", "https://", "ftp://a.org", ""),
        *("https://a.org/\u202ex", 'https://a.org/"onclick=', "java\nscript:x", "http://[::1"),
    ),
)
def test_only_plain_web_addresses_become_links(url: str) -> None:
    assert not is_web_address(url)
    source = Source(1, "p", "A title", url, None, "Text.")
    answer = answered("q", sources=(source,), sentences=(), retrieved=())
    page = sources_html(done(answer), answer, 1)
    assert "target=" not in page


def test_the_panel_shows_the_latest_exchange_that_retrieved() -> None:
    full = Exchange("q", "", (HELIOS,), (), answered("q"))
    page = panel_html((full, full, Exchange("q")))
    assert 'id="sources-t1" hidden' in page
    assert 'id="sources-t2">' in page
    assert "sources-t3" not in page
    refusal = Exchange("q", "", answer=replace(refused("q"), sources=()))
    latest = panel_html((full, refusal))
    assert 'id="sources-t1" hidden' in latest
    assert '<details class="uncited" open><summary>3 papers retrieved but not cited' in latest
    assert EMPTY_PANEL in panel_html(())


def test_a_card_tells_who_where_when_and_why() -> None:
    text = Reader(sources_html(done(answered("q")), answered("q"), 1)).text
    assert "Ada Lumen, Bo Umbra, Cy Penumbra, et al. · Journal of Night Imaging · 2024" in text
    assert "example.org" in text
    assert "2 sentences rest on it · match 1 of 3, score 0.50" in text
    assert "1 sentence rests on it · match 2 of 3" in text
    assert "Not cited · match 3 of 3" in text


def test_why_a_paper_was_found_is_told_in_words_and_its_figures_are_folded() -> None:
    why = Reason("near in <b>meaning</b>", ("Meaning: cosine 0.71, place 1.",))
    exchange = replace(done(answered("q")), reasons={"helios": why})
    page = sources_html(exchange, answered("q"), 1)
    text = Reader(page).text
    assert "2 sentences rest on it · near in <b>meaning</b>" in text
    assert "Match 1 of 3, score 0.50. Meaning: cosine 0.71, place 1." in text
    assert page.count('<details class="why">') == 1
    assert "1 sentence rests on it · match 2 of 3" in text


def test_papers_further_down_are_listed_with_their_place() -> None:
    answer = replace(answered("q"), sources=(HELIOS,))
    text = Reader(sources_html(done(answer), answer, 1)).text
    assert "2 papers retrieved but not cited" in text
    assert "Eve Crater · match 2, score 0.50" in text


def test_a_paper_that_is_no_longer_held_is_shown_by_its_source() -> None:
    answer = answered("q")
    exchange = Exchange("q", "", answer.sources, answer.sentences, answer)
    assert HELIOS.title in Reader(sources_html(exchange, answer, 1)).text


@pytest.mark.parametrize(
    ("paper", "where"),
    [
        (Paper("a", "T", "", url="https://a.org/x", doi="10.1/x"), "https://a.org/x"),
        (Paper("a", "T", "", doi="10.1/x<y>"), "https://doi.org/10.1/x%3Cy%3E"),
        (Paper("a", "T", "", doi="odd"), ""),
        (Paper("a", "T", "", arxiv_id="arXiv:2101.00001"), "https://arxiv.org/abs/2101.00001"),
        (Paper("a", "T", "", pmid="123"), "https://pubmed.ncbi.nlm.nih.gov/123"),
        (Paper("a", "T", ""), ""),
    ],
)
def test_a_paper_is_read_where_its_address_or_its_ids_say(paper: Paper, where: str) -> None:
    assert address(paper) == where
    assert not where or is_web_address(where)


def test_a_byline_has_only_what_is_known() -> None:
    assert byline(Paper("a", "T", "", year=2020)) == "2020"
    assert byline(Paper("a", "T", "")) == ""
