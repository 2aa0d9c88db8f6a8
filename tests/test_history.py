from __future__ import annotations

from collections.abc import Sequence

import pytest

from rag.history import depends_on_history, resolve, standalone
from rag.types import Delta, Turn, Usage

ASKED = (
    Turn("user", "How fast is the Krylov sampler [1]?"),
    Turn("assistant", "It is 80 times faster [1]."),
)
NEW = "Which datasets were used to segment retinal vessels?"


class Model:
    """A writer's ``condense`` that says one thing and remembers what it was asked."""

    def __init__(self, reply: Delta | None) -> None:
        self.reply = reply
        self.asked: list[str] = []

    def condense(self, question: str, history: Sequence[Turn]) -> Delta | None:
        self.asked.append(question)
        return self.reply


@pytest.mark.parametrize(
    "question",
    ["On which data was it tested?", "And the knee data?", "Why?", "What about speed on CT scans?",
     "Does the method also work on CT scans of the lung?"],
)  # fmt: skip
def test_a_follow_up_points_back(question: str) -> None:
    assert depends_on_history(question)
    assert standalone(question, ASKED) == f"How fast is the Krylov sampler? {question}"


def test_a_question_of_its_own_is_left_alone() -> None:
    model = Model(Delta("something else", Usage(1)))
    assert not depends_on_history(NEW)
    assert resolve(NEW, ASKED, model.condense) == (NEW, Usage())
    assert resolve("And why is it?", (), model.condense) == ("And why is it?", Usage())
    assert model.asked == []


def test_a_model_rewrites_a_follow_up() -> None:
    model = Model(Delta(" Is the Krylov sampler slow? ", Usage(1, 20, 5)))
    assert resolve("Is it slow?", ASKED, model.condense) == (
        "Is the Krylov sampler slow?",
        Usage(1, 20, 5),
    )
    assert model.asked == ["Is it slow?"]


@pytest.mark.parametrize(("reply", "calls"), [(None, 0), (Delta(" \n", Usage(1)), 1)])
def test_without_a_rewriting_the_question_before_is_added(reply: Delta | None, calls: int) -> None:
    query, usage = resolve("Is it slow?", ASKED, Model(reply).condense)
    assert query == "How fast is the Krylov sampler? Is it slow?"
    assert usage.calls == calls


def test_only_what_a_person_asked_counts() -> None:
    history = (*ASKED, Turn("user", "  "), Turn("assistant", "Say more."))
    assert standalone("Is it slow?", history) == "How fast is the Krylov sampler? Is it slow?"
    assert standalone("Is it slow?", ASKED[1:]) == "Is it slow?"
