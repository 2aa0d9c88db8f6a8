from __future__ import annotations

from dataclasses import replace

import pytest

from rag.disagreement import sides
from rag.filters import Filter
from rag.text import clean
from rag.types import Answer, Evidence, Note, Paper, Refusal, Removed, Retrieved, Sentence, Source
from rag.web.cards import panel_html
from rag.web.exchange import Exchange, end
from rag.web.turns import answer_html, conversation_html, exchange_html
from tests.harmless import HOSTILE, Reader, assert_harmless
from tests.stub_assistant import AURORA, HELIOS, PAPERS, SELENE, answered, refused


def done(answer: Answer) -> Exchange:
    return Exchange("q", "", answer.sources, answer.sentences, answer, papers=PAPERS)


def told(answer: Answer, turn: int = 1) -> str:
    return answer_html(done(answer), answer, turn)


def test_chips_point_at_their_sources_and_sentences_are_numbered() -> None:
    reader = Reader(told(answered("q"), 3))
    assert reader.values("href") == ["#t3-s1", "#t3-s2", "#t3-s1"]
    assert [i for i in reader.values("id") if "-q" in i] == ["t3-q1", "t3-q2"]
    assert "1,204 patients1. SELENE" in reader.text


def test_removed_sentences_are_counted_and_folded_with_their_reason() -> None:
    page = told(answered("q"))
    assert "3 sentences checked, 1 removed" in page
    assert "HELIOS is approved in Peru" in page[page.index("<details") :]
    assert "not in source 1" in page
    none = told(answered("q", removed=()))
    assert "2 sentences checked, none removed" in none
    assert "<details" not in none


def test_a_refusal_names_the_nearest_papers_by_title_linked_where_known() -> None:
    reader = Reader(told(refused("q")))
    assert "Not in this collection" in reader.text
    assert reader.text.index("SELENE: low-dose") < reader.text.index(HELIOS.title)
    assert reader.values("href") == ["https://doi.org/10.1000/selene", HELIOS.url]
    assert "Eve Crater" in reader.text


def test_the_query_is_shown_where_it_differs_from_the_question() -> None:
    assert "searched for" not in told(answered("q"))
    page = told(answered("And it?", query="Is HELIOS quiet?"))
    assert "Is HELIOS quiet?" in page


def test_an_exchange_that_failed_says_why_and_keeps_what_was_checked() -> None:
    kept = answered("q").sentences
    page = exchange_html(end(Exchange("q" * 5000, sentences=kept), "No <model> answers"), 1)
    assert "No &lt;model&gt; answers" in page
    assert kept[0].text.split(" [")[0] in page
    assert len(page) < 3000


def test_a_button_for_everything_a_reader_can_do() -> None:
    reader = Reader(exchange_html(done(answered("q")), 2))
    assert reader.values("data-act") == ["retry", "edit", "up", "down"]
    assert set(reader.values("data-turn")) == {"2"}
    for target in reader.values("data-copy"):
        assert target in reader.values("id")
    assert reader.values("aria-pressed") == ["false", "false"]
    rated = replace(done(answered("q")), feedback="down")
    assert Reader(exchange_html(rated, 1)).values("aria-pressed") == ["false", "true"]


def test_an_answer_in_the_making_has_no_buttons_and_says_that_a_sentence_is_pending() -> None:
    step = Exchange("q", "writing", (HELIOS,), answered("q").sentences[:1], withheld=1)
    page = exchange_html(step, 1)
    assert "checking…" in page
    assert "1 removed so far" in page
    assert "data-act" not in page
    assert "checking the first sentence" in exchange_html(Exchange("q", "writing"), 1)


def test_what_failed_can_be_asked_again_and_not_copied() -> None:
    reader = Reader(exchange_html(end(Exchange("q"), "No model answers"), 1))
    assert reader.values("data-act") == ["retry", "edit"]
    assert reader.values("data-copy") == []


def test_a_refusal_says_which_words_no_paper_has() -> None:
    question = "What does HELIOS cost in Peru?"
    text = Reader(told(replace(refused(question), query=question))).text
    assert "None of the papers found mentions cost, Peru." in text
    assert "papers found mentions" not in Reader(told(refused("How noisy is a night scan?"))).text


def test_a_disagreement_stands_side_by_side_with_its_papers() -> None:
    text = (
        f"Papers disagree: against “It is quiet.” ({HELIOS.title}, source 1) stands “It is "
        f"loud (and “bright”).” ({SELENE.title}, source 2)."
    )
    assert sides(text)
    reader = Reader(told(answered("q", notes=(Note("disagreement", text),)), 3))
    assert reader.text.count("The papers disagree") == 1
    assert "stands" not in reader.text
    assert "It is loud (and “bright”).2" in reader.text
    assert reader.values("href")[-2:] == ["#t3-s1", "#t3-s2"]
    other = told(answered("q", notes=(Note("disagreement", text.replace("source 2", "source 9")),)))
    assert "stands" in Reader(other).text


def test_limits_are_told_with_the_answer() -> None:
    page = told(answered("q", where=Filter(since=2020)))
    assert "limited to since 2020" in Reader(page).text


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text_wherever_it_stands(text: str) -> None:
    source = Source(1, text, text, text, None, text)
    paper = Paper(text, text, text, (text, text), None, text, text, text, text, (text,), text, text)
    kept = Sentence(f"{text} [1]", (1,), "supported", 1.0, (Evidence(1, "abstract", 2, 9, text),))
    against = (
        f"Papers disagree: against “{text}” ({text}, source 1) stands “{text}” ({text}, source 1)."
    )
    answer = answered(
        text,
        query=text + " ",
        text=f"# {text}\n\n{kept.text}\n- {text}",
        sentences=(kept,),
        sources=(source, AURORA),
        retrieved=(Retrieved(text, text, 0.5), Retrieved("aurora", text, 0.4)),
        removed=(Removed(text, (1,), "unsupported", text),),
        notes=(Note("scope", text), Note("disagreement", against)),
        model=text,
    )
    refusal = answered(
        text, sentences=(), refusal=Refusal("out_of_scope", text, (text,)), sources=()
    )
    papers = {text: paper, "aurora": paper}
    exchanges = (
        Exchange(text, "", (source,), (kept,), answer, papers=papers),
        Exchange(text, text),
        Exchange(text, "", (), (), refusal, papers=papers),
        end(Exchange(text), text),
    )
    reader = assert_harmless(conversation_html(exchanges) + panel_html(exchanges))
    assert clean(text) in reader.text
