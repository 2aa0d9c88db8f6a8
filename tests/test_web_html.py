from __future__ import annotations

from types import SimpleNamespace

import pytest

from rag.text import clean
from rag.types import StoreStatus
from rag.web import html
from tests.harmless import HOSTILE, assert_harmless


def about(papers: int = 3, *examples: str) -> html.About:
    return html.About(
        StoreStatus("/home/me/lib", papers, 5, "minilm", "0.1.0"), "who", "", examples
    )


@pytest.mark.parametrize("remote", [False, True])
def test_the_page_says_who_answers_and_what_leaves_the_machine(remote: bool) -> None:
    writer = SimpleNamespace(name="m-1", remote=remote, endpoint="https://api.example/v1")
    embedder = SimpleNamespace(name="minilm", remote=False)
    line = html.answered_by(writer, embedder)
    assert ("nothing leaves this machine" in line) is not remote
    assert ("https://api.example/v1" in line) is remote
    embedder.remote = True
    assert "nothing leaves" not in html.answered_by(writer, embedder)


def test_the_head_counts_papers_and_tells_nobody_where_they_lie() -> None:
    page = html.masthead_html(about(1))
    assert "<b>1 paper</b> in this collection" in page
    assert "/home/me" not in page


def test_the_first_view_offers_questions_and_an_empty_collection_says_what_to_do() -> None:
    assert 'class="ask example"' in html.welcome_html(about(3, "How quiet is HELIOS?"))
    assert "Ask in plain words" in html.welcome_html(about(3))
    empty = html.welcome_html(about(0, "How quiet is HELIOS?"))
    assert "still empty" in empty
    assert "HELIOS" not in empty


def test_the_keys_are_listed() -> None:
    page = html.help_html()
    assert "<kbd>n</kbd> or <kbd>j</kbd>" in page
    assert 'id="keys-on"' in page


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text_in_the_frame(text: str) -> None:
    told = html.About(StoreStatus(text, 1, 1, text, text), text, text, (text,))
    page = html.masthead_html(told) + html.welcome_html(told) + html.problem_html(text)
    assert clean(text) in assert_harmless(page).text
