from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.sentences import find_markers, sentence_spans, without_markers


@settings(deadline=None)
@given(st.text(alphabet="aB1 .!?\n\t[]()-*#|。e.g.", max_size=120))
def test_spans_are_ordered_disjoint_and_cover_everything_but_white_space(text: str) -> None:
    spans = sentence_spans(text)
    last = 0
    for start, end in spans:
        assert last <= start < end
        assert text[last:start].strip() == ""
        assert text[start:end] == text[start:end].strip()
        last = end
    assert text[last:].strip() == ""


def test_an_abstract_in_sentences() -> None:
    text = "CT is slow (Fig. 2). We cut it by 3.5 s, i.e. 40%. nnU-Net helps! Code: https://a.b/c"
    assert [text[s:e] for s, e in sentence_spans(text)] == [
        "CT is slow (Fig. 2).", "We cut it by 3.5 s, i.e. 40%.", "nnU-Net helps!",
        "Code: https://a.b/c",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("It works [1][2].", "It works (1)(2)."),
        ("It works [Source 3].", "It works (3)."),
        ("It works.¹²", "It works.(12)"),
        ("On [0, 1] it works.", "On [0, 1] it works."),
    ],
)
def test_a_text_without_markers_cites_nothing(text: str, plain: str) -> None:
    assert without_markers(text) == plain
    assert find_markers(plain) == []
