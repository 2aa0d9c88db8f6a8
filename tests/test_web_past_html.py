from __future__ import annotations

from datetime import UTC, datetime, timedelta

from rag.web.chats import Listed
from rag.web.past_html import past_html
from tests.harmless import HOSTILE
from tests.tab_reader import TabReader

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def listed(n: int = 1, title: str = "Kelp?", days: int = 0, questions: int = 2) -> Listed:
    return Listed(f"c{n}", title, (NOW - timedelta(days=days)).timestamp(), questions)


def test_each_chat_says_when_it_was_and_how_long_it_is() -> None:
    chats = (listed(1), listed(2, days=1, questions=1), listed(3, days=9), listed(4, days=400))
    page = TabReader(past_html(chats, "c2", NOW))
    for told in (
        "today 12:00, 2 questions",
        "yesterday, 1 question",
        "15 November,",
        "20 October 2025",
    ):
        assert told in page.text
    assert page.of("aria-current") == ["true"]
    assert page.of("data-chat") == ["c1", "c2", "c3", "c4"]
    assert page.of("data-past") == [*["open", "rename", "delete"] * 4, "delete_all"]


def test_an_empty_list_says_so_and_a_long_one_ends() -> None:
    assert "None yet" in TabReader(past_html((), "", NOW)).text
    page = TabReader(past_html([listed(n) for n in range(130)], "", NOW))
    assert "and 30 older" in page.text and len(page.of("data-chat")) == 100


def test_titles_are_text_and_of_a_bearable_length() -> None:
    for title in HOSTILE:
        page = TabReader(past_html((listed(1, title),), "", NOW))
        assert page.of("data-past") == ["open", "rename", "delete", "delete_all"]
    assert "x" * 120 + "…" in TabReader(past_html((listed(1, "x" * 500),), "", NOW)).text
