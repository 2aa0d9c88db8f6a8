from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.reasoning import AfterReasoning

PIECES = st.sampled_from(
    ["<think>", "</think>", "<thi", "nk>", "</", "think>", "<", " ", "\n", "80 [1].", "ab"]
)


def answer(*pieces: str) -> str:
    reply = AfterReasoning()
    return "".join([*map(reply.feed, pieces), reply.close()])


@pytest.mark.parametrize(
    ("reply", "left"),
    [
        ("<think>Maybe 80.</think>It is 80 [1].", "It is 80 [1]."),
        ("\n <think></think>\n\nA [1].", "\n\nA [1]."),
        ("<think>Maybe 80", ""),
        ("<think>", ""),
        ("A <think>b</think> c", "A <think>b</think> c"),
        ("<thin", "<thin"),
        (" <b>A</b>", " <b>A</b>"),
        ("<think>a</think><think>b</think>", "<think>b</think>"),
    ],
)
def test_only_a_leading_block_is_dropped(reply: str, left: str) -> None:
    assert answer(reply) == left
    assert answer(*reply) == left


@given(st.lists(PIECES))
def test_where_the_reply_is_cut_makes_no_difference(pieces: list[str]) -> None:
    whole = "".join(pieces)
    assert answer(*pieces) == answer(whole) == answer(*whole)


def test_the_answer_is_not_held_back() -> None:
    reply = AfterReasoning()
    assert [reply.feed(p) for p in ["<think>a", "b</th", "ink> It", " is"]] == [
        "",
        "",
        " It",
        " is",
    ]
