from __future__ import annotations

from types import SimpleNamespace

import pytest

from rag.text import clean
from rag.web import html
from rag.web.visitors import Visitor
from tests.harmless import HOSTILE, assert_harmless


def about(papers: int = 3, *examples: str) -> html.About:
    return html.About(papers, "who", "", examples)


@pytest.mark.parametrize("remote", [False, True])
def test_the_page_says_who_answers_and_what_leaves_the_machine(remote: bool) -> None:
    writer = SimpleNamespace(name="m-1", remote=remote, endpoint="https://api.example/v1")
    embedder = SimpleNamespace(name="minilm", remote=False)
    line = html.answered_by(writer, embedder)
    assert ("nothing leaves this machine" in line) is not remote
    assert ("https://api.example/v1" in line) is remote
    embedder.remote = True
    assert "nothing leaves" not in html.answered_by(writer, embedder)


def test_the_head_counts_papers_and_lets_those_leave_whose_login_it_made() -> None:
    ann = Visitor("Ann", user=True, may_leave=True)
    page = html.masthead_html(about(1), ann)
    assert "<b>1 paper</b> in this collection" in page
    assert '<b dir="auto">Ann</b> <a href="logout">Log out</a>' in page
    for other in (None, Visitor("x"), Visitor("of a proxy", user=True)):
        assert "Log out" not in html.masthead_html(about(1), other)


def test_the_first_view_offers_questions_and_an_empty_collection_says_what_to_do() -> None:
    assert 'class="ask example"' in html.welcome_html(about(3, "How quiet is HELIOS?"))
    assert "Ask in plain words" in html.welcome_html(about(3))
    empty = html.welcome_html(about(0, "How quiet is HELIOS?"))
    assert "still empty" in empty
    assert "HELIOS" not in empty
    assert "Library" in empty
    assert "Library" not in html.welcome_html(about(0), may_add=False)


def test_the_keys_are_listed() -> None:
    page = html.help_html()
    assert "<kbd>n</kbd> or <kbd>j</kbd>" in page
    assert 'id="keys-on"' in page


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text_in_the_frame(text: str) -> None:
    told = html.About(1, text, text, (text,))
    page = html.masthead_html(told) + html.welcome_html(told) + html.problem_html(text)
    assert clean(text) in assert_harmless(page).text
