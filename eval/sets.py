"""Question sets: a folder with ``set.json`` and ``questions.jsonl``, read and validated."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic import model_validator as validator

from rag import resources
from rag.errors import InputError
from rag.loaders import load_papers
from rag.types import Failure, Paper

ItemType = Literal["fact", "comparison", "follow_up", "unanswerable"]
Split = Literal["all", "dev", "test"]
SHIPPED = "eval/sets/medical_imaging"

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
M = TypeVar("M", bound=BaseModel)


class Record(BaseModel):
    """A line of a set's files: frozen, and nothing in it but what it names."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Identified(Record):
    """A record with an id of its own in its file."""

    id: Text


R = TypeVar("R", bound=Identified)


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


class Item(Identified):
    """One question, and what a good answer to it holds."""

    type: ItemType
    split: Literal["dev", "test"]
    question: Text
    history: tuple[Message, ...] = ()
    gold: tuple[Text, ...] = ()
    """Ids of the papers that answer the question."""
    facts: tuple[Fact, ...] = ()
    tags: tuple[Text, ...] = ()

    @property
    def answerable(self) -> bool:
        """Whether the collection answers the question."""
        return self.type != "unanswerable"

    @validator(mode="after")
    def _consistent(self) -> Self:
        if not self.answerable and (self.gold or self.facts):
            raise ValueError("expected no gold and no facts for an unanswerable question")
        if self.answerable and not self.gold:
            raise ValueError("expected at least one gold paper for an answerable question")
        if self.answerable and not any(fact.vital for fact in self.facts):
            raise ValueError("expected at least one vital fact for an answerable question")
        if self.type == "comparison" and len(self.gold) < 2:
            raise ValueError("expected two gold papers or more for a comparison")
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
    digest = hashlib.sha256(head_bytes + b"\0" + item_bytes).hexdigest()
    return QuestionSet(head.name, head.version, digest, items, collection, papers)


def parse_records(
    model: type[R], content: bytes, path: Path, paper_ids: Collection[str], refers: str
) -> tuple[R, ...]:
    """Read the lines of a set: each id once, and only papers of the set's collection.

    Args:
        model: what a line is.
        content: the file's bytes, at ``path``.
        paper_ids: of the collection.
        refers: the field of ``model`` that holds ids of papers.

    Raises:
        InputError: names the file, the line, what was expected and what was found.
    """
    records = []
    for where, record in parse_lines(model, content, path):
        if unknown := [paper for paper in getattr(record, refers) if paper not in paper_ids]:
            raise InputError(
                f"{where}: {refers}: expected ids of papers in the set's collection, "
                f"found {unknown[0]!r}; correct this line"
            )
        records.append(record)
    return tuple(records)


def parse_lines(model: type[R], content: bytes, path: Path) -> Iterator[tuple[str, R]]:
    """Each record of a file with ``FILE:LINE``: one at least, and each id once.

    Raises:
        InputError: names the file, the line, what was expected and what was found.
    """
    seen: set[str] = set()
    for number, line in enumerate(content.splitlines(), 1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        record = parse_record(model, line, where)
        if record.id in seen:
            raise InputError(
                f"{where}: id: expected each id once, found {record.id!r} again; correct this line"
            )
        seen.add(record.id)
        yield where, record
    if not seen:
        raise InputError(f"{path}:1: expected at least one record, found none; add one")


def parse_record(model: type[M], line: bytes, where: str) -> M:
    """Read one line of a set.

    Raises:
        InputError: names ``where``, the field, what was expected and what was found.
    """
    try:
        return model.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        expected = first["msg"].removeprefix("Value error, ")
        found = _short(first["input"])
        raise InputError(
            f"{where}: {name + ': ' if name else ''}{expected}, found {found}; correct this line"
        ) from error


def _short(value: object, limit: int = 80) -> str:
    """A value of a record as JSON on one line, cut to ``limit`` characters."""
    if isinstance(value, dict) and "id" in value:
        value = value["id"]
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return repr(text[:limit] + "…" if len(text) > limit else text)


def read_file(path: Path) -> bytes:
    """Read a file of a set.

    Raises:
        InputError: it is not there or cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path}: expected a file of a set (set.json beside questions.jsonl or drafts.jsonl), "
            f"found none that can be read ({error.strerror}); give the set's folder"
        ) from error


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
