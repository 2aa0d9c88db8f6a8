"""What the verifier learns from: documents of evidence, each with labelled claims.

Our own claims and abstracts lie in ``eval/claims``; the public abstracts that some of them
speak of are read from where ``data`` says and are not part of this project.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

CLAIMS = Path(__file__).parent.parent / "claims"
SUPPORTED, NOT_ENOUGH, CONTRADICTED, UNSUPPORTED = range(4)
"""The head's three classes; the fourth label says "one of the last two"."""
LABELS = {
    "supported": SUPPORTED,
    "not_enough": NOT_ENOUGH,
    "contradicted": CONTRADICTED,
    "unsupported": UNSUPPORTED,
}
_ONE_IN = 10
_SCIFACT_ONE_IN = 4


@dataclass(frozen=True, slots=True)
class Example:
    """A claim, what its evidence says of it, and the characters that the evidence lacks."""

    text: str
    label: int
    kind: str
    group: str
    """Claims on the same facts: the true ones and their faulty twins."""
    spans: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """One piece of evidence with the claims about it."""

    id: str
    title: str
    text: str
    examples: tuple[Example, ...]

    @property
    def evidence(self) -> str:
        """As the verifier reads a source."""
        return f"{self.title}\n{self.text}" if self.title else self.text


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a JSON Lines file."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def public_abstracts(data: Path) -> dict[str, tuple[str, str]]:
    """Title and text by id: SciFact's corpus and the labelled part of PubMedQA."""
    found = {
        f"scifact:{row['_id']}": (row["title"], " ".join(row["sentences"]))
        for row in lines(data / "scifact" / "corpus.jsonl")
    }
    for row in lines(data / "pubmedqa" / "dev.jsonl"):
        found[f"pubmedqa:{row['pmid']}"] = (row["question"], row["abstract"])
    return found


def all_abstracts(data: Path) -> dict[str, tuple[str, str]]:
    """The public ones and our own."""
    own = {row["id"]: (row["title"], row["text"]) for row in lines(CLAIMS / "abstracts.jsonl")}
    return public_abstracts(data) | own


def written(data: Path) -> list[Document]:
    """Our own claims: minimal pairs over public abstracts and over abstracts of our own."""
    abstracts = all_abstracts(data)
    examples: dict[str, list[Example]] = {}
    for row in lines(CLAIMS / "training.jsonl"):
        example = Example(
            row["claim"], LABELS[row["label"]], row["kind"], row["group"],
            spans_of(row["claim"], row["changed"]),
        )  # fmt: skip
        examples.setdefault(row["source"], []).append(example)
    return [Document(id_, *abstracts[id_], tuple(rows)) for id_, rows in examples.items()]


def scifact(data: Path) -> list[Document]:
    """SciFact's training claims: a cited abstract without evidence says nothing of its claim."""
    abstracts = public_abstracts(data)
    examples: dict[str, list[Example]] = {}
    labels = {"SUPPORT": SUPPORTED, "CONTRADICT": CONTRADICTED}
    for row in lines(data / "scifact" / "claims_train.jsonl"):
        for cited in map(str, row["cited"]):
            evidence = row["evidence"].get(cited)
            label = labels[evidence["label"]] if evidence else NOT_ENOUGH
            example = Example(row["claim"], label, "scifact", f"scifact:{cited}")
            examples.setdefault(f"scifact:{cited}", []).append(example)
    return [Document(id_, *abstracts[id_], tuple(rows)) for id_, rows in examples.items()]


def fever(data: Path) -> list[Document]:
    """Symmetric FEVER: each evidence with a claim that it supports and one that it refutes."""
    labels = {"SUPPORT": SUPPORTED, "CONTRADICT": CONTRADICTED, "NEI": NOT_ENOUGH}
    examples: dict[str, list[Example]] = {}
    for row in lines(data / "sentence-pairs" / "all.jsonl"):
        if row["set"] == "fever-symmetric":
            example = Example(row["claim"], labels[row["label"]], "fever", row["evidence"])
            examples.setdefault(row["evidence"], []).append(example)
    return [
        Document(f"fever:{n}", "", text, tuple(rows))
        for n, (text, rows) in enumerate(examples.items())
    ]


def held_out(document: Document) -> bool:
    """Whether its abstract serves for validation only: by a hash, so for good."""
    source = document.id.split("+")[0]
    return reserved(source) or (_of_scifact(document) and reserved_with_claims(source))


def reserved(id_: str) -> bool:
    """Whether an abstract is one of the tenth that no model learns from."""
    return _number(id_) % _ONE_IN == 0


def reserved_with_claims(id_: str) -> bool:
    """``reserved``, and those abstracts of SciFact whose own claims serve for validation only."""
    return reserved(id_) or (id_.startswith("scifact:") and _number(id_) % _SCIFACT_ONE_IN == 1)


def _number(id_: str) -> int:
    return int(hashlib.sha256(id_.encode()).hexdigest()[:8], 16)


def _of_scifact(document: Document) -> bool:
    return all(example.kind == "scifact" for example in document.examples)


def strangers(
    documents: Sequence[Document], count: int, chance: random.Random
) -> Iterator[tuple[Example, ...]]:
    """For each document, true claims of others: true, and not in this evidence."""
    pool = [(d.id, e) for d in documents for e in d.examples if e.label == SUPPORTED]
    for document in documents:
        drawn = chance.sample(pool, min(count, len(pool)))
        yield tuple(
            replace(example, label=NOT_ENOUGH, kind="misattributed", group="")
            for id_, example in drawn
            if id_ != document.id
        )


def joined(first: Document, second: Document, chance: random.Random, count: int) -> Document:
    """Two documents as one piece of evidence, with claims that take a part from each.

    Supported only where both parts are; an answer's sentence with two citations reads so.
    """
    examples = []
    for n in range(count):
        one = _some(first.examples, chance, faulty=n % 3 == 1)
        two = _some(second.examples, chance, faulty=n % 3 == 2)
        if one and two:
            examples.append(_together(one, two, chance))
    text = f"{first.evidence}\n{second.evidence}"
    return Document(f"{first.id}+{second.id}", "", text, tuple(examples))


def _some(examples: Sequence[Example], chance: random.Random, *, faulty: bool) -> Example | None:
    fitting = [e for e in examples if (e.label != SUPPORTED) == faulty]
    return chance.choice(fitting) if fitting else None


_JOINTS = (", while ", ", whereas ", "; ", ", and ", "; by contrast, ", ", and in another study ")


def _together(one: Example, two: Example, chance: random.Random) -> Example:
    start = one.text.rstrip(".") + chance.choice(_JOINTS)
    rest = two.text
    if rest[:2].isalpha() and rest[1].islower():
        rest = rest[0].lower() + rest[1:]
    moved = tuple((len(start) + a, len(start) + b) for a, b in two.spans)
    label = SUPPORTED if one.label == two.label == SUPPORTED else UNSUPPORTED
    kind = next((e.kind for e in (one, two) if e.label != SUPPORTED), "joined")
    return Example(start + rest, label, kind, "", one.spans + moved)


def spans_of(text: str, parts: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """Where the parts stand in the text, in turn."""
    found, at = [], 0
    for part in parts:
        start = text.find(part, at)
        start = text.find(part) if start < 0 else start
        if start >= 0:
            found.append((start, start + len(part)))
            at = start + len(part)
    return tuple(found)
