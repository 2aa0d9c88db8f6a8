from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.focus import focused

PAPERS = [
    ("KelpNet: counting otters", "KelpNet counts otters on 900 photographs of the coast."),
    ("ReefGAN", "ReefGAN paints reefs; it learned from 40 dives."),
    ("Tides 2021", "The 2021 collection holds tides."),
    ("Tides 2023", "The 2023 collection holds more tides."),
]


def asked(question: str) -> dict[int, str]:
    return focused(question, PAPERS, lambda clause: 0 if "counts" in clause else None)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        (
            "KelpNet and ReefGAN both see the sea. On how many pictures was each one trained?",
            {0: "On how many pictures was it trained?", 1: "On how many pictures was it trained?"},
        ),
        (
            "Where did KelpNet's photographs come from, and what did ReefGAN paint?",
            {0: "Where did its photographs come from", 1: "what did it paint?"},
        ),
        (
            "How do the 2021 and the 2023 collections differ: how many tides has the first, "
            "and what sort of waves did the second bring in?",
            {
                2: "How do the collections differ how many tides has it",
                3: "How do the collections differ what sort of waves did it bring in?",
            },
        ),
        (
            "Who looked over the results of KelpNet, and who those of ReefGAN?",
            {0: "Who looked over the results of it", 1: "Who looked over the results of it"},
        ),
        (
            "How many pictures do the KelpNet paper and ReefGAN have?",
            {0: "How many pictures does it have?", 1: "How many pictures does it have?"},
        ),
        (
            "How many dives stood behind the otters paper and behind ReefGAN?",
            {0: "How many dives stood behind it?", 1: "How many dives stood behind it?"},
        ),
        (
            "On which coast was KelpNet tried, and how many dives has ReefGAN 2?",
            {0: "On which coast was it tried", 1: "how many dives has it 2?"},
        ),
        (
            "One of them counts animals, ReefGAN paints. Which data was each measured on?",
            {0: "Which data was it measured on?", 1: "Which data was it measured on?"},
        ),
    ],
)
def test_each_paper_is_asked_its_own_question(question: str, expected: dict[int, str]) -> None:
    assert asked(question) == expected


@pytest.mark.parametrize(
    "question", ["", "How many photographs has KelpNet?", "Which of them is faster, and by what?"]
)
def test_a_question_about_fewer_than_two_papers_stays_whole(question: str) -> None:
    assert asked(question) == {}


def test_a_name_that_many_papers_have_means_none_of_them() -> None:
    papers = [(f"Paper {n}", "SSIM and MRI.") for n in range(4)]
    assert focused("How do SSIM and MRI differ?", papers, lambda _: None) == {}


PIECES = st.sampled_from(
    ["KelpNet", "ReefGAN", "2021", "2023", " and ", ", ", "? ", ": ", "each", "the first",
     "how many", "'s", "both ", "who", "-", "of", " ", "otters", "which", "counts"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=25).map("".join) | st.text(max_size=80))
def test_any_text_can_be_asked(question: str) -> None:
    found = asked(question)
    assert len(found) != 1
    assert found.keys() <= set(range(len(PAPERS)))
