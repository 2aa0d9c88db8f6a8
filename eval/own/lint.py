"""``rag eval lint``: everything that is wrong with a set, at once, by file and line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from rag import resources
from rag.errors import InputError
from rag.types import Paper

from ..metrics import states
from ..records import parse_record, read_file
from ..sets import SHIPPED, Header, Item, collection_papers, collection_path, load_set
from .proposal import REVIEW
from .texts import alike, copied, echoes_title, names_title, same

Level = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with a line of a set."""

    file: str
    line: int
    level: Level
    """An error makes the set unusable or its figures wrong; a warning wants a look."""
    text: str

    @property
    def where(self) -> str:
        """``FILE:LINE``."""
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Lint:
    """What ``rag eval lint`` found."""

    set_path: str
    questions: int
    faults: tuple[Fault, ...]

    @property
    def errors(self) -> int:
        """How many of the faults are errors."""
        return sum(fault.level == "error" for fault in self.faults)

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {"set": self.set_path, "questions": self.questions, "errors": self.errors,
                "faults": [asdict(fault) for fault in self.faults]}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    item: Item


def lint_set(path: Path | None = None) -> Lint:
    """Look through a set's folder, or the shipped set.

    Raises:
        InputError: there is no set, or its collection cannot be read: nothing can be checked.
    """
    folder = path or resources.path(SHIPPED)
    head_path, items_path = folder / "set.json", folder / "questions.jsonl"
    head = parse_record(Header, read_file(head_path).strip(), f"{head_path}:1")
    papers = {
        p.id: p for p in collection_papers(collection_path(folder, head.collection, head_path))
    }
    lines, faults = _read(items_path)
    faults += [
        Fault(str(items_path), number, level, text)
        for number, level, text in _all_faults(lines, papers)
    ]
    if not any(fault.level == "error" for fault in faults):
        try:
            load_set(folder)
        except InputError as error:  # what only the whole set shows: twins, groups
            faults.append(Fault(str(items_path), 1, "error", str(error)))
    return Lint(str(folder), len(lines), tuple(sorted(faults, key=lambda f: (f.line, f.level))))


def _read(path: Path) -> tuple[list[_Line], list[Fault]]:
    lines: list[_Line] = []
    faults: list[Fault] = []
    for number, line in enumerate(read_file(path).splitlines(), 1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        try:
            lines.append(_Line(number, parse_record(Item, line, where)))
        except InputError as error:
            faults.append(Fault(str(path), number, "error", str(error).removeprefix(f"{where}: ")))
    if not lines and not faults:
        faults.append(Fault(str(path), 1, "error", "expected a question, found none; add one"))
    return lines, faults


Found = tuple[int, Level, str]


def _all_faults(lines: Sequence[_Line], papers: dict[str, Paper]) -> Iterator[Found]:
    for at, line in enumerate(lines):
        found = [*_of_item(line.item, papers), *_against(line.item, lines[:at])]
        yield from ((line.number, level, text) for level, text in found)
    if lines and not any(line.item.type == "unanswerable" for line in lines):
        yield 1, "warning", "no question is unanswerable: refusals cannot be measured; add some"


def _of_item(item: Item, papers: dict[str, Paper]) -> Iterator[tuple[Level, str]]:
    gold = [papers[paper] for paper in item.gold if paper in papers]
    for key in item.gold:
        if key not in papers:
            yield "error", f"gold: {key!r} is no paper of the collection; correct the id"
    for paper in gold:
        if names_title(item.question, paper.title):
            yield "error", f"question: it gives away the title {paper.title!r}; ask without it"
        elif echoes_title(item.question, paper.title):
            yield "warning", f"question: most words of the title {paper.title!r} are in it"
        if "cloze" not in item.tags and (run := copied(item.question, paper.abstract)):
            yield "warning", f"question: it copies {run!r} from {paper.id}; use other words"
    told = " ".join([item.question, *(message.content for message in item.history)])
    text = "\n".join(f"{paper.title}\n{paper.abstract}" for paper in gold)
    for fact in item.facts:
        if given := [wording for wording in fact.any if states(told, [wording])]:
            yield "error", f"facts: {given[0]!r} stands in the question; choose another wording"
        if gold and not states(text, fact.any):
            yield "warning", f"facts: no wording of {fact.text!r} stands in a gold paper; add one"
    if REVIEW in item.tags:
        yield "warning", f"tags: nobody has read it; edit it, then take {REVIEW!r} off"


def _against(item: Item, before: Sequence[_Line]) -> Iterator[tuple[Level, str]]:
    """Faults of an item beside those above it. What belongs together may sound alike."""
    for line in before:
        other = line.item
        if item.id == other.id:
            yield "error", f"id: {item.id!r} is taken by line {line.number}; choose another"
        if _belong(item, other):
            continue
        if same(item.question, other.question) and item.history == other.history:
            yield "error", f"question: line {line.number} asks the same; remove one"
        elif not item.history and not other.history and alike(item.question, other.question):
            told = f"question: line {line.number} asks nearly the same ({other.id})"
            yield "warning", f"{told}; reword one, or give both the same group"


def _belong(item: Item, other: Item) -> bool:
    return (
        bool(item.group and item.group == other.group)
        or item.twin == other.id
        or other.twin == item.id
        or bool(item.twin and item.twin == other.twin)
    )
