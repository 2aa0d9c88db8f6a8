from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.types import Sentence
from rag.web.markup import linked, marked, prose, safe
from tests.harmless import Reader, assert_harmless


def test_what_nobody_can_see_is_left_out_and_the_direction_is_not_turned() -> None:
    assert safe("a\u202eb<c>\u0000\ud800d") == "ab&lt;c&gt;d"


def test_brackets_that_are_no_citations_of_the_sentence_stay_text() -> None:
    kept = Sentence("The range [0, 1] and [7] hold [1].", (1,), "supported", 0.9, ())
    reader = Reader(prose(kept.text, (kept,), 1))
    assert reader.text == "The range [0, 1] and [7] hold1."


def test_markdown_becomes_paragraphs_lists_and_headings_and_nothing_else() -> None:
    text = (
        "## Noise\n\nFirst **line**.\nSame paragraph.\n\n- one\n- two\n\n1. uno\n\n[a](https://x.y)"
    )
    page = prose(text, (), 1)
    assert page.count("<p>") == 2
    assert "<h3>Noise</h3>" in page
    assert "<ul><li>one</li><li>two</li></ul>" in page
    assert "<ol><li>uno</li></ol>" in page
    assert "<strong>line</strong>" in page
    assert "<a" not in page


@given(
    st.text(alphabet="ab <&https://.", max_size=40),
    st.lists(st.tuples(st.integers(-3, 45), st.integers(-3, 45), st.integers(1, 3)), max_size=6),
)
def test_marks_keep_the_text_whatever_the_spans(
    text: str, spans: list[tuple[int, int, int]]
) -> None:
    assert assert_harmless(marked(text, spans)).text == text


def test_overlapping_marks_are_split_where_they_overlap() -> None:
    page = marked("abcdef", [(0, 4, 1), (2, 6, 2), (3, 3, 3)])
    assert page == (
        '<mark data-q="1">ab</mark><mark data-q="1 2">cd</mark><mark data-q="2">ef</mark>'
    )


def test_a_mark_that_ends_inside_an_address_takes_in_the_whole_address() -> None:
    reader = Reader(marked("see https://a.org/b now", [(0, 10, 1)]))
    assert reader.marked == ["see https://a.org/b"]
    assert reader.values("href") == ["https://a.org/b"]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("Code: https://a.org/x.", "https://a.org/x"),
        ("(https://a.org/x)", "https://a.org/x"),
        ("https://a.org/w_(x), then", "https://a.org/w_(x)"),
        ("http://a.org/?a=1&b=2;", "http://a.org/?a=1&b=2"),
    ],
)
def test_addresses_in_text_become_links_without_the_punctuation(text: str, address: str) -> None:
    reader = Reader(linked(text))
    assert reader.values("href") == [address]
    assert reader.values("rel") == ["noopener noreferrer"]
    assert reader.text == text
