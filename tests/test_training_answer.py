"""What the answering model learns from, and its scores; the network itself needs torch."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path

import pytest

from eval.training import questions
from eval.training.answer_scores import auc, scores, twins
from eval.training.questions import UNKNOWN, Paper, Question, made, varied
from rag.answering import Relevance
from tests.test_training import FRAME

POOL = [{**FRAME, "id": str(n)} for n in range(6)]
PAPER = Paper(
    "own:x",
    "Reefs",
    "Cod grunted. Crabs hid. Night noise fell by 4 dB. Herring sang. Eels slept.",
    (
        Question("How much less noise?", "answered", 1, (2,), ()),
        Question("Who made sounds, and who slept?", "answered", 1, (0, 3, 4), ()),
        Question("How much did day noise fall?", "false_premise", 0, (2,), ((12, 15),)),
        Question("What did it cost?", "near_miss", 0, (), ((12, 16),)),
    ),
)


def papers(count: int) -> list[Paper]:
    return [made(POOL, random.Random(seed), seed) for seed in range(count)]


def test_the_same_seed_makes_the_same_paper() -> None:
    assert papers(5) == papers(5)


def test_made_questions_name_sentences_that_hold_their_values() -> None:
    kinds = Counter()
    for paper in papers(60):
        sentences = [paper.text[a:b] for a, b in paper.sentences]
        for question in paper.questions:
            kinds[question.kind] += 1
            if question.kind in {"wh", "whether"}:
                assert question.answered == 1 and question.found and question.lacking == ()
            else:
                assert question.answered == 0
            if question.kind == "wh":
                names = [n for n in FRAME["slots"]["A"] if n in question.text]  # type: ignore[index]
                assert all(name in sentences[question.found[0]] for name in names)
    assert set(kinds) == {"wh", "whether", "altered", "beside", "absent"}


def test_what_was_altered_is_marked_and_not_in_its_sentence() -> None:
    seen = 0
    for paper in papers(60):
        for question in paper.questions:
            for low, high in (question.kind == "altered" and question.lacking) or ():
                a, b = paper.sentences[question.found[0]]
                assert question.text[low:high] not in paper.text[a:b]
                seen += 1
    assert seen > 20


def test_without_the_sentences_that_answer_a_question_is_not_answered() -> None:
    seen = set()
    for seed in range(300):
        paper = varied(PAPER, random.Random(seed))
        assert len(paper.sentences) >= 3
        noise, sounds, premise, cost = paper.questions
        kept = {s: n for n, s in enumerate(paper.text[a:b] for a, b in paper.sentences)}
        there = kept.get("Night noise fell by 4 dB.")
        assert noise.answered == int(there is not None) and cost.answered == 0
        assert noise.found == premise.found == (() if there is None else (there,))
        left = [s for s in ("Cod grunted.", "Herring sang.", "Eels slept.") if s in kept]
        assert sounds.answered == {3: 1, 0: 0}.get(len(left), UNKNOWN)
        seen |= {noise.answered, ("sounds", sounds.answered)}
    assert seen >= {0, 1, ("sounds", UNKNOWN), ("sounds", 1)}


def test_questions_are_read_with_their_abstracts(tmp_path: Path) -> None:
    (tmp_path / "scifact").mkdir()
    (tmp_path / "pubmedqa").mkdir()
    corpus = {"_id": "1", "title": "Reefs", "sentences": ["Cod grunted.", "Crabs hid.", "Eels."]}
    claims = [
        {"claim": "Crabs hide.", "cited": ["1"],
         "evidence": {"1": {"label": "SUPPORT", "sentences": [[1]]}}},
        {"claim": "Crabs sing.", "cited": ["1"], "evidence": {}},
    ]  # fmt: skip
    research = {"pmid": "2", "question": "Do eels sleep?", "abstract": "Some do. We looked. One.",
                "conclusion": "They do. Mostly."}  # fmt: skip
    (tmp_path / "scifact" / "corpus.jsonl").write_text(json.dumps(corpus))
    (tmp_path / "scifact" / "claims_train.jsonl").write_text("\n".join(map(json.dumps, claims)))
    (tmp_path / "pubmedqa" / "dev.jsonl").write_text(json.dumps(research))
    written = {"source": "scifact:1", "label": "near_miss", "question": "How many crabs hid?",
               "sentences": [], "missing": ["How many"]}  # fmt: skip
    (tmp_path / "ours.jsonl").write_text(json.dumps(written))

    (ours,) = questions.asked(tmp_path, tmp_path / "ours.jsonl")
    assert (ours.title, ours.text) == ("Reefs", "Cod grunted. Crabs hid. Eels.")
    assert ours.questions == (Question("How many crabs hid?", "near_miss", 0, (), ((0, 8),)),)
    (claimed,) = questions.scifact(tmp_path)
    assert [(q.answered, q.found) for q in claimed.questions] == [(1, (1,)), (0, ())]
    (researched,) = questions.pubmedqa(tmp_path)
    assert researched.title == ""
    assert researched.questions[0].found == (3, 4) and researched.questions[0].perhaps == (1, 2)


def test_twins_are_questions_that_differ_in_little() -> None:
    first = Question("How many men had a cough?", "answered", 1, (0,), ())
    twin = Question("How many men had a fever?", "false_premise", 0, (), ((19, 24),))
    other = Question("What did the drug cost?", "near_miss", 0, (), ((18, 22),))
    assert twins([other, first, twin]) == [(1, 2)]


class Fixed:
    """Says of every question what it was told."""

    def __init__(self, told: dict[str, Relevance]) -> None:
        self.told = told

    def read(self, question: str, papers: object) -> list[Relevance]:
        return [self.told[question]]


def test_scores_of_known_answers() -> None:
    told = {
        "How much less noise?": Relevance(0.9, (0, 0.1, 0.8, 0, 0), ((0, 3, 0.1),)),
        "Who made sounds, and who slept?": Relevance(0.4, (0.9, 0.8, 0, 0.7, 0), ((0, 3, 0.1),)),
        "How much did day noise fall?": Relevance(0.5, (0, 0, 1, 0, 0), ((13, 16, 0.9),)),
        "What did it cost?": Relevance(0.1, (0, 0, 0, 0, 0), ((0, 4, 0.8), (12, 16, 0.3))),
    }
    found = scores(Fixed(told), [PAPER])  # type: ignore[arg-type]
    assert found.areas == {"false_premise": 0.5, "near_miss": 1.0}
    assert found.caught == {"answered": 0.5, "false_premise": 0.0, "near_miss": 1.0}
    assert found.first == 1.0 and found.precision == pytest.approx((1 + 2 / 3) / 2)
    assert found.lacking == pytest.approx(0.5)
    assert found.error == pytest.approx((0.1 + 0.6 + 0.5 + 0.1) / 4)


def test_an_area_of_ties_is_a_half() -> None:
    assert auc([1, 1], [1, 1]) == 0.5 and auc([2, 1], [0]) == 1.0
