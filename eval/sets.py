"""Question sets: a folder with ``set.json`` and ``questions.jsonl``, read and validated."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field
from pydantic import model_validator as validator

from rag import resources
from rag.errors import InputError
from rag.loaders import load_papers
from rag.types import Failure, Paper

from .records import Identified, Record, Text, parse_record, parse_records, read_file, short

ItemType = Literal[
    "fact", "comparison", "list", "follow_up", "unanswerable", "false_premise", "injection"
]
_SILENT = ("unanswerable", "false_premise")
Split = Literal["all", "dev", "test"]
SHIPPED = "eval/sets/medical_imaging"


class Message(Record):
    """One message of the conversation before the question."""

    role: Literal["user", "assistant"]
    content: Text


class Fact(Record):
    """A fact that an answer should state."""

    text: Text
    """The fact, for people."""
    any: Annotated[tuple[Text, ...], Field(min_length=1)]
    """Accepted wordings: an answer with one of them states the fact."""
    vital: bool = True
    """Whether an answer without it has failed the question."""


class Poison(Record):
    """What is inserted into the abstract of an item's first gold paper."""

    after: Annotated[int, Field(ge=0)]
    """It follows so many of the abstract's sentences."""
    text: Text
    canary: Text
    """Stands in ``text`` and nowhere else: an answer that holds it has obeyed or repeated."""


class Item(Identified):
    """One question, and what a good answer to it holds."""

    type: ItemType
    split: Literal["dev", "test"]
    question: Text
    history: tuple[Message, ...] = ()
    gold: tuple[Text, ...] = ()
    """Ids of the papers that answer the question; of a false premise, that refute it."""
    facts: tuple[Fact, ...] = ()
    """Of a false premise: what is true instead, so that an answer that states it corrects it."""
    tags: tuple[Text, ...] = ()
    twin: str = ""
    """Of a false premise: the item with the true one. Of an injection: the item with the clean
    abstract, whose question is the same."""
    group: str = ""
    """Items of one group are paraphrases of one question."""
    poison: Poison | None = None

    @property
    def answerable(self) -> bool:
        """Whether the collection answers the question as it was put."""
        return self.type not in _SILENT

    @property
    def content_hash(self) -> str:
        """SHA-256 over all fields: two sets share an item exactly when it is the same."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    @validator(mode="after")
    def _consistent(self) -> Self:
        if self.type == "unanswerable" and (self.gold or self.facts):
            raise ValueError("expected no gold and no facts for an unanswerable question")
        if self.answerable and not self.gold:
            raise ValueError("expected at least one gold paper for an answerable question")
        if self.answerable and not any(fact.vital for fact in self.facts):
            raise ValueError("expected at least one vital fact for an answerable question")
        if self.type in ("comparison", "list") and len(self.gold) < 2:
            raise ValueError(f"expected two gold papers or more for a {self.type}")
        if bool(self.twin) != (self.type in ("false_premise", "injection")):
            raise ValueError("expected a twin for a false premise or an injection, and only there")
        if (self.poison is not None) != (self.type == "injection"):
            raise ValueError("expected a poison for an injection, and only there")
        if self.poison and self.poison.canary.lower() not in self.poison.text.lower():
            raise ValueError("expected the canary in the poison")
        if self.type == "follow_up" and not self.history:
            raise ValueError("expected a history for a follow-up")
        if len(set(self.gold)) < len(self.gold):
            raise ValueError("expected each gold paper once")
        return self


class Header(Record):
    """``set.json``: what a set is called and what it asks about."""

    name: Text
    version: Text
    collection: Text


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """A validated set: its items, and the papers that they ask about."""

    name: str
    version: str
    content_hash: str
    """SHA-256 of ``set.json`` and ``questions.jsonl``."""
    items: tuple[Item, ...]
    collection: Path
    papers: tuple[Paper, ...]

    @property
    def collection_hash(self) -> str:
        """SHA-256 over the papers' content, in the collection's order."""
        return collection_hash(self.papers)

    def part(self, split: Split) -> tuple[Item, ...]:
        """The items of one half, or all of them."""
        return tuple(item for item in self.items if split in ("all", item.split))


def load_set(path: Path | None = None) -> QuestionSet:
    """Read a set's folder, or the shipped set.

    Raises:
        InputError: names the file, the line, what was expected and what was found.
    """
    folder = path or resources.path(SHIPPED)
    head_path, items_path = folder / "set.json", folder / "questions.jsonl"
    head_bytes, item_bytes = read_file(head_path), read_file(items_path)
    head = parse_record(Header, head_bytes.strip(), f"{head_path}:1")
    collection = collection_path(folder, head.collection, head_path)
    papers = collection_papers(collection)
    items = parse_records(Item, item_bytes, items_path, {paper.id for paper in papers}, "gold")
    _require_relations(items, items_path)
    digest = hashlib.sha256(head_bytes + b"\0" + item_bytes).hexdigest()
    return QuestionSet(head.name, head.version, digest, items, collection, papers)


def _require_relations(items: Sequence[Item], path: Path) -> None:
    """What one item says of another holds.

    Raises:
        InputError: names the file, the item, what was expected and what was found.
    """
    by_id = {item.id: item for item in items}
    groups = Counter(item.group for item in items if item.group)
    poisoned: set[str] = set()
    for item in items:
        twin = by_id.get(item.twin)
        fault = ""
        if item.twin and (twin is None or not twin.answerable or twin.split != item.split):
            fault = f"twin: expected an answerable item of its split, found {item.twin!r}"
        elif item.poison and twin and twin.question != item.question:
            fault = f"question: expected that of its twin, found {short(item.question)}"
        elif item.poison and item.gold[0] in poisoned:
            fault = f"gold: expected one poison for a paper, found {item.gold[0]!r} again"
        elif groups[item.group] == 1:
            fault = f"group: expected two items or more, found one in {item.group!r}"
        if fault:
            raise InputError(f"{path}: {item.id}: {fault}; correct this item")
        poisoned |= {item.gold[0]} if item.poison else set()


def collection_path(folder: Path, name: str, where: Path) -> Path:
    """Find a file in the set's folder, or a collection shipped with Footnote by its name.

    Raises:
        InputError: there is neither.
    """
    own = folder / name
    if own.is_file():
        return own
    try:
        return resources.path(f"sample/{name}.jsonl")
    except FileNotFoundError:
        raise InputError(
            f"{where}:1: collection: expected a file in {folder} or the name of a shipped "
            f"collection, found {name!r}; correct it"
        ) from None


def collection_papers(collection: Path) -> tuple[Paper, ...]:
    """Read the papers that a set asks about.

    Raises:
        InputError: a paper cannot be read.
    """
    failures: list[Failure] = []
    papers = tuple(load_papers([collection], failures.append))
    if failures:
        raise InputError(f"{failures[0].where}: {failures[0].reason}; correct the collection")
    return papers


def collection_hash(papers: Sequence[Paper]) -> str:
    """SHA-256 over the papers' content, in the collection's order."""
    joined = "\n".join(f"{paper.id} {paper.content_hash}" for paper in papers)
    return hashlib.sha256(joined.encode()).hexdigest()
