from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag import resources
from rag.aside import Aside, aside


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("hi", Aside("greeting")),
        ("Good morning!", Aside("greeting")),
        ("thanks, that was very helpful", Aside("thanks")),
        ("Ok", Aside("thanks")),
        ("see you later", Aside("goodbye")),
        ("What can you do?", Aside("help")),
        ("How many papers are there?", Aside("count")),
        ("how large is the library", Aside("count")),
        ("how many abstracts do you have on knee MRI?", Aside("count", "knee MRI")),
        ("How many papers since 2020?", Aside("count", since=2020)),
        ("the newest ones", Aside("newest")),
        ("What are the latest papers on MRI, please?", Aside("newest", "MRI")),
        ("oldest papers", Aside("oldest")),
        ("what is here on ultrasound?", Aside("about", "ultrasound")),
        ("Is there anything on breast cancer from 2023?",
         Aside("about", "breast cancer", 2023, 2023)),
        ("papers about diffusion models before 2022",
         Aside("about", "diffusion models", None, 2021)),
        ("papers on stroke between 2019 and 2021", Aside("about", "stroke", 2019, 2021)),
        ("What is this collection about?", Aside("about")),
    ],
)  # fmt: skip
def test_what_is_no_question_to_the_papers_is_told(message: str, expected: Aside) -> None:
    assert aside(message) == expected


@pytest.mark.parametrize(
    "question",
    [
        "",
        "How many papers did the survey review?",
        "How many papers on transformers does the survey include?",
        "How many papers use ultrasound?",
        "Great, and which data set?",
        "Which is the latest model?",
        "recent advances in segmentation",
        "newest method for segmentation",
        "works on another scanner straight away?",
        "good results?",
    ],
)
def test_a_question_to_the_papers_is_left_to_them(question: str) -> None:
    assert aside(question) is None


def test_of_the_shipped_questions_only_those_for_papers_on_a_subject_are_asides() -> None:
    path = resources.path("eval/sets/medical_imaging/questions.jsonl")
    questions = [json.loads(line)["question"] for line in path.read_text("utf-8").splitlines()]
    told = [found for question in questions if (found := aside(question))]
    assert {found.kind for found in told} <= {"about"}
    assert all(found.subject for found in told)


@given(st.text())
def test_any_text_is_an_aside_or_not(text: str) -> None:
    assert aside(text) is None or isinstance(aside(text), Aside)
