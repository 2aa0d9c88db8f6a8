"""A set made of the thumbs that readers gave on the page."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval.own import import_set, lint_set
from eval.sets import Item, load_set
from rag.assistant import Assistant
from rag.errors import InputError
from rag.library import Library
from rag.types import Turn
from rag.web import feedback
from rag.web.exchange import Exchange, Feedback

LIKED = "How far did kelp cover rise on cleared reefs?"
DISLIKED = "How many clover meadows had street lamps?"


@pytest.fixture
def thumbs(library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the page keeps of real answers."""
    monkeypatch.setattr(feedback, "path", lambda: tmp_path / "feedback.jsonl")
    assistant = Assistant(library)

    def give(question: str, *thumbs: Feedback, history: tuple[Turn, ...] = ()) -> None:
        answer = assistant.ask(question, history)
        for thumb in thumbs:
            feedback.keep(Exchange(question, "", answer=answer), thumb)

    give(LIKED, "down", "up")
    give(DISLIKED, "up", "down")
    give("Where was kelp fastest to recover?", "up", "")
    give("Hello!", "up")
    told = Turn("user", LIKED), Turn("assistant", "It rose from 8% to 61% [1].")
    give("And where was recovery fastest?", "up", history=told)
    return tmp_path / "feedback.jsonl"


def refuse(path: Path, library: Library, question: str, thumb: Feedback) -> None:
    answer = Assistant(library).ask(question)
    assert answer.refused
    feedback.keep(Exchange(question, "", answer=answer), thumb)


def items(folder: Path) -> dict[str, Item]:
    return {item.question: item for item in load_set(folder).items}


def test_answers_become_questions_and_the_last_thumb_counts(
    thumbs: Path, library: Library, tmp_path: Path
) -> None:
    made = import_set(thumbs, tmp_path / "set", library.store.all_papers)
    assert (made.form, made.questions, made.papers, made.to_review) == ("feedback", 3, 6, 3)
    found = items(tmp_path / "set")
    liked = found[LIKED]
    assert liked.gold == ("kelp",) and set(liked.tags) == {"liked", "review"}
    assert any("61%" in fact.any for fact in liked.facts)
    assert "disliked" in found[DISLIKED].tags and "bees" in found[DISLIKED].gold
    (follow_up,) = [item for asked, item in found.items() if asked not in (LIKED, DISLIKED)]
    assert "kelp" in follow_up.question and follow_up.type == "fact" and follow_up.history == ()
    assert lint_set(tmp_path / "set").errors == 0


def test_refusals_are_questions_without_an_answer_or_for_the_nearest_paper(
    thumbs: Path, library: Library, tmp_path: Path
) -> None:
    refuse(thumbs, library, "What is the boiling point of mercury?", "up")
    refuse(thumbs, library, "Do urchins dislike sourdough bread?", "down")
    import_set(thumbs, tmp_path / "set", library.store.all_papers)
    found = items(tmp_path / "set")
    assert found["What is the boiling point of mercury?"].type == "unanswerable"
    other = found["Do urchins dislike sourdough bread?"]
    assert other.type == "fact" and len(other.gold) == 1 and other.facts
    assert {"disliked", "review"} <= set(other.tags)


def test_answers_over_papers_that_are_gone_are_told(
    thumbs: Path, library: Library, tmp_path: Path
) -> None:
    left = [paper for paper in library.store.all_papers() if paper.id != "bees"]
    made = import_set(thumbs, tmp_path / "set", lambda: left)
    assert [(row.where, "'bees'" in row.reason) for row in made.left_out] == [(f"{thumbs}:4", True)]
    with pytest.raises(InputError, match=r"none that can be used; first: .*no paper of the"):
        import_set(thumbs, tmp_path / "other", list)
