from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from typing import Any

from rag.sentences import sentence_spans
from tests.test_training_claims import ABSTRACTS, EVAL, runs, strings, words

FOLDER = EVAL / "questions"
ROWS: list[dict[str, Any]] = [
    json.loads(line) for line in (FOLDER / "training.jsonl").read_text("utf-8").splitlines()
]
FIELDS = ["source", "label", "question", "sentences", "missing"]


def test_every_line_has_its_fields_and_known_values() -> None:
    for row in ROWS:
        assert list(row) == FIELDS
        assert re.fullmatch(r"scifact:\d+|own:[a-z]{2}\d{3}", row["source"]), row
        assert row["label"] in {"answered", "near_miss", "false_premise"}, row
        assert row["question"] == " ".join(row["question"].split()) != "", row


def test_what_is_missing_stands_in_the_question_of_those_not_answered() -> None:
    for row in ROWS:
        assert bool(row["missing"]) == (row["label"] != "answered"), row
        assert all(part and part in row["question"] for part in row["missing"]), row


def test_sentences_are_named_where_they_answer() -> None:
    for row in ROWS:
        assert len(set(row["sentences"])) == len(row["sentences"]), row
        if row["label"] == "answered":
            assert row["sentences"], row
        if row["label"] == "near_miss":
            assert not row["sentences"], row


def test_sentences_exist_in_the_abstracts_of_our_own() -> None:
    counts = {id_: len(sentence_spans(row["text"])) for id_, row in ABSTRACTS.items()}
    for row in ROWS:
        if row["source"] in counts:
            assert all(1 <= n <= counts[row["source"]] for n in row["sentences"]), row


def test_every_abstract_has_answered_and_other_questions() -> None:
    labels = defaultdict(set)
    for row in ROWS:
        labels[row["source"]].add(row["label"] == "answered")
    assert [source for source, found in labels.items() if len(found) < 2] == []
    assert {source for source in labels if source.startswith("own:")} == set(ABSTRACTS)


def test_no_question_stands_twice_on_an_abstract() -> None:
    seen = Counter((row["source"], *words(row["question"])) for row in ROWS)
    assert [question for question, times in seen.items() if times > 1] == []


def test_nothing_shares_eight_words_in_a_row_with_the_evaluation_sets() -> None:
    held: set[tuple[str, ...]] = set()
    for path in sorted((EVAL / "sets").glob("*/*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            for text in strings(json.loads(line)):
                held |= runs(text)
    assert held
    assert [row for row in ROWS if runs(row["question"]) & held] == []


def test_the_counts_in_the_readme_are_those_of_the_file() -> None:
    readme = " ".join((FOLDER / "README.md").read_text(encoding="utf-8").split())
    counts = Counter(row["label"] for row in ROWS)
    sources = {row["source"] for row in ROWS}
    assert f"{len(ROWS):,} questions on {len(sources)} abstracts" in readme
    assert (
        f"{counts['answered']:,} that the abstract answers, {counts['near_miss']:,} near misses "
        f"and {counts['false_premise']:,} with a false premise" in readme
    )
