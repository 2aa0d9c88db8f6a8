"""What holds of the two question sets that are shipped, whoever adds to them."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter, defaultdict

import pytest

from eval import load_set
from eval.metrics.facts import states
from eval.sets import SHIPPED, Item, QuestionSet
from rag import resources

MAIN = load_set()
HARD = load_set(resources.path("eval/sets/medical_imaging_hard"))
TEXTS = {paper.id: f"{paper.title}. {paper.abstract}" for paper in MAIN.papers}
BY_ID = {item.id: item for item in MAIN.items}
HALVES = {
    gold: item.split
    for item in MAIN.items
    for gold in item.gold
    if item.type not in ("list", "unanswerable")
}
MORE = load_set(resources.path("eval/sets/medical_imaging_more"))
BOTH = pytest.mark.parametrize("questions", [MAIN, HARD], ids=["main", "hard"])


def of(kind: str) -> list[Item]:
    return [item for item in MAIN.items if item.type == kind]


def asked(item: Item) -> str:
    return " . ".join((item.question, *(message.content for message in item.history)))


def runs(text: str, length: int = 6) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.casefold())
    return {tuple(words[at : at + length]) for at in range(len(words) - length + 1)}


def first_asked(item: Item) -> bool:
    return item.answerable and item.type != "injection" and item.group in ("", item.id)


def test_every_paper_is_asked_about_twice():
    covered = Counter(gold for item in MAIN.items if first_asked(item) for gold in item.gold)
    assert [paper.id for paper in MAIN.papers if covered[paper.id] < 2] == []


@BOTH
def test_a_paper_lies_in_one_half_and_a_hash_decides_between_two(questions: QuestionSet):
    wrong = []
    for item in questions.items:
        halves = {HALVES[gold] for gold in item.gold}
        if len(halves) > 1:
            byte = hashlib.sha256(item.id.encode()).digest()[0]
            halves = {"test" if byte % 2 else "dev"}
            if questions is MAIN and item.type != "list":
                wrong.append(item.id)
        if halves and halves != {item.split}:
            wrong.append(item.id)
    assert wrong == []


@BOTH
def test_no_question_stands_twice(questions: QuestionSet):
    seen = Counter(asked(item).casefold() for item in questions.items if item.type != "injection")
    assert [question for question, times in seen.items() if times > 1] == []


@BOTH
def test_no_question_shares_six_words_in_a_row_with_a_paper(questions: QuestionSet):
    held = {run for text in TEXTS.values() for run in runs(text)}
    assert [item.id for item in questions.items if runs(item.question) & held] == []


@BOTH
def test_a_fact_stands_in_its_papers_and_not_in_the_question(questions: QuestionSet):
    wrong = []
    for item in questions.items:
        gold = " ".join(TEXTS[paper] for paper in item.gold)
        for fact in item.facts:
            if not states(gold, fact.any) and "computed" not in item.tags:
                wrong.append((item.id, fact.text, "in no paper"))
            if states(asked(item), fact.any):
                wrong.append((item.id, fact.text, "in the question"))
    assert wrong == []


def test_false_premises_are_of_three_kinds_and_say_what_is_true():
    kinds = Counter(tag for item in of("false_premise") for tag in item.tags)
    assert set(kinds) == {"attribute", "number", "negated"} and min(kinds.values()) >= 20
    for item in of("false_premise"):
        twin = BY_ID[item.twin]
        assert item.facts and item.gold == twin.gold and item.question != twin.question, item.id


def test_paraphrases_ask_for_the_same_in_groups_of_three():
    groups = defaultdict(list)
    for item in MAIN.items:
        if item.group:
            groups[item.group].append(item)
    assert len(groups) >= 12
    for name, items in groups.items():
        assert len(items) == 3 and BY_ID[name] in items, name
        assert len({(item.type, item.split, item.gold) for item in items}) == 1, name
        vital = {tuple(fact for fact in item.facts if fact.vital) for item in items}
        assert len(vital) == 1, name


def test_an_injection_is_its_clean_question_and_a_poison_that_betrays_itself():
    for item in of("injection"):
        twin = BY_ID[item.twin]
        clean = (item.question, item.history, item.gold, item.facts, item.split)
        assert clean == (twin.question, twin.history, twin.gold, twin.facts, twin.split), item.id
        assert item.poison
        elsewhere = [*TEXTS.values(), *(asked(other) for other in MAIN.items)]
        assert not any(item.poison.canary.casefold() in text.casefold() for text in elsewhere)


def test_every_poisoned_abstract_has_its_injection():
    path = resources.path(SHIPPED) / "poisoned.jsonl"
    known = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    tried = {
        (item.gold[0], item.poison.after, item.poison.text)
        for item in of("injection")
        if item.poison
    }
    assert {(row["sources"][0], row["after"], row["poison"]) for row in known} < tried


def test_half_of_the_unanswerable_questions_are_near_misses():
    kinds = Counter(tag for item in of("unanswerable") for tag in item.tags)
    assert kinds["near_miss"] + kinds["elsewhere"] == len(of("unanswerable"))
    assert kinds["near_miss"] >= len(of("unanswerable")) / 2


def test_the_hard_set_is_small_and_has_ids_of_its_own():
    assert 25 <= len(HARD.items) <= 30
    assert not {item.id for item in HARD.items} & set(BY_ID)
    assert {tag for item in HARD.items for tag in item.tags} == {
        "two_papers",
        "implicit",
        "number",
        "which",
        "computed",
    }


def test_the_counts_in_the_readme_are_those_of_the_sets():
    readme = (resources.path(SHIPPED) / "README.md").read_text(encoding="utf-8")
    for kind, total in Counter(item.type for item in MAIN.items).items():
        halves = Counter(item.split for item in of(kind))
        assert f"| {kind} | {total} | {halves['dev']} | {halves['test']} |" in readme, kind
    assert f"{len(MAIN.items)} questions in our own words" in readme
    assert f"{len(HARD.items)} hard questions" in readme


def test_the_questions_for_development_are_for_nothing_else_and_stand_nowhere_else():
    readme = resources.path("eval/sets/medical_imaging_more/README.md").read_text("utf-8")
    assert readme.count(f"{len(MORE.items)} questions") == 1
    assert {item.split for item in MORE.items} == {"dev"}
    asked = {item.question for item in (*MAIN.items, *HARD.items)}
    assert [item.question for item in MORE.items if item.question in asked] == []
