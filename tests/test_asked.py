from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.asked import contrasts, lists, open_ended, parts


def test_a_question_for_several_things_is_put_in_its_parts_too() -> None:
    question = "How many scans was Alpha-2 trained on, and where did Beta-3 get its reports?"
    assert parts(question) == (
        question,
        "How many scans was Alpha-2 trained on",
        "where did Beta-3 get its reports?",
    )


def test_names_that_are_joined_are_asked_about_one_by_one() -> None:
    found = parts("How do Alpha-2 and Beta-3 each cope with noise?")
    assert "How do Alpha-2 each cope with noise?" in found
    assert "How do Beta-3 each cope with noise?" in found


def test_a_question_for_one_thing_is_one() -> None:
    assert parts("How many scans, in all, does the set hold?") == (
        "How many scans, in all, does the set hold?",
    )


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Which papers propose a sampler of their own?", True),
        ("list the detectors that need no labels", True),
        ("What has been done on knee MRI?", True),
        ("which works deal with otters?", True),
        ("Systems that use retrieval to write better?", True),
        ("Which programming language is the toolkit of models written in?", False),
        ("Which two models were compared?", False),
        ("Which loss function works best?", False),
        ("How many papers were read?", False),
    ],
)
def test_lists(question: str, expected: bool) -> None:
    assert lists(question) is expected


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Compare MARS-2 and RadGPT", True),
        ("Tell me about MARS-2.", True),
        ("What is the main finding of RadGPT?", True),
        ("How many scans did MARS-2 see?", False),
    ],
)
def test_open_ended(question: str, expected: bool) -> None:
    assert open_ended(question) is expected


@given(st.text())
def test_the_question_itself_is_its_first_part(question: str) -> None:
    assert parts(question)[0] == question
    assert contrasts(question) in (True, False)
