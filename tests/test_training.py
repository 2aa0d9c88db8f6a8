from __future__ import annotations

import random
from collections import Counter

from eval.training import frames
from eval.training.examples import (
    CONTRADICTED,
    SUPPORTED,
    UNSUPPORTED,
    Document,
    Example,
    joined,
    strangers,
)

FRAME = {
    "id": "beats",
    "slots": {"A": ["Alpha", "Beta", "Gamma", "Delta"], "B": "A", "N": {"low": 2, "high": 9}},
    "says": ["{A} beat {B} by {N} points."],
    "true": ["{B} lost to {A} by {N}.", "{A} was {N} points ahead of {B}."],
    "less": ["{A} was compared with {B}."],
    "opposite": ["{A} lost to {B}.", "{A} did not beat {B}."],
    "more": ["{A} always beats {B}."],
    "beside": ["{A} is older than {B}."],
    "swap": ["A", "B"],
}


def documents(count: int) -> list[Document]:
    pool = [{**FRAME, "id": str(n)} for n in range(6)]
    return [frames.document(pool, random.Random(seed), seed) for seed in range(count)]


def test_the_same_seed_makes_the_same_document() -> None:
    assert documents(5) == documents(5)


def test_claims_of_a_frame_are_labelled_by_how_they_were_made() -> None:
    kinds = Counter((e.kind, e.label) for d in documents(60) for e in d.examples)
    assert kinds["paraphrase", SUPPORTED] and kinds["negation", CONTRADICTED]
    assert kinds["role", CONTRADICTED] and kinds["overclaim", UNSUPPORTED]
    assert {kind for kind, label in kinds if label == SUPPORTED} <= {"paraphrase", "hedged"}


def test_a_true_claim_of_a_frame_has_its_figures_and_names_in_the_document() -> None:
    for document in documents(60):
        for example in document.examples:
            if example.label != SUPPORTED:
                continue
            words = example.text.rstrip(".").split()
            for word in words:
                if word.isdigit() or word in FRAME["slots"]["A"]:  # type: ignore[index]
                    assert word in document.text


def test_what_was_altered_is_marked() -> None:
    for document in documents(60):
        for example in document.examples:
            for start, end in example.spans:
                assert example.text[start:end] in {"Alpha", "Beta", "Gamma", "Delta", *"23456789"}


def claim(text: str, label: int = SUPPORTED, spans: tuple = ()) -> Example:
    return Example(text, label, "kind", "group", spans)


def test_joined_documents_support_only_what_both_carry() -> None:
    one = Document("a", "A", "a", (claim("Alpha is true."), claim("No.", CONTRADICTED, ((0, 2),))))
    two = Document("b", "B", "b", (claim("Beta holds."), claim("Never.", CONTRADICTED, ((0, 5),))))
    both = joined(one, two, random.Random(1), 12)
    assert "A\na" in both.text and "B\nb" in both.text
    for example in both.examples:
        assert (example.label == SUPPORTED) == ("No" not in example.text.split(",")[0]
                                                and "ever" not in example.text)  # fmt: skip
        assert {example.text[a:b] for a, b in example.spans} <= {"No", "Never", "never"}
    assert {example.label for example in both.examples} == {SUPPORTED, UNSUPPORTED}


def test_strangers_come_from_other_documents() -> None:
    held = [Document(str(n), "", "", (claim(f"Claim {n}."),)) for n in range(4)]
    for document, drawn in zip(held, strangers(held, 3, random.Random(1)), strict=True):
        assert drawn
        assert document.examples[0].text not in {example.text for example in drawn}
        assert all(example.label != SUPPORTED for example in drawn)
