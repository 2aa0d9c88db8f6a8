"""``rag eval export``: a set in the shapes of ragas, BEIR and a plain table."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rag.types import Paper

from ..runs import RunLine
from ..sets import Fact, Item, QuestionSet
from .files import new_folder, write

Form = Literal["ragas", "beir", "csv"]
COLUMNS = (
    "id", "type", "split", "question", "answer", "okay", "papers", "tags", "group", "twin",
    "history",
)  # fmt: skip
"""Of the plain table; ``question`` is the only one that an import needs."""
FACT_SEPARATOR, WORDING_SEPARATOR, TEXT_SEPARATOR = "\n", " | ", " :: "
LIST_SEPARATOR = ";"


@dataclass(frozen=True, slots=True)
class Exported:
    """What ``rag eval export`` wrote."""

    out: str
    questions: int
    left_out: tuple[str, ...]
    """Ids of items that the other format has no place for."""


def export_set(
    questions: QuestionSet, form: Form, out: Path, run: Mapping[str, RunLine] | None = None
) -> Exported:
    """Write a set for another tool.

    Args:
        questions: the set.
        form: ``ragas`` and ``csv`` are one file, ``beir`` is a folder.
        out: the file, or a folder that is new or empty.
        run: answers to put beside the questions; for ragas.

    Raises:
        InputError: it cannot be written.
    """
    # An injection lives in a poisoned copy of the collection, which no other format has.
    fit = [item for item in questions.items if not item.poison]
    papers = {paper.id: paper for paper in questions.papers}
    if form == "beir":
        fit = [item for item in fit if item.gold and item.answerable]
        _write_beir(new_folder(out), fit, questions.papers)
    elif form == "ragas":
        rows = (_ragas(item, papers, (run or {}).get(item.id)) for item in fit)
        write(out, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    else:
        write(out, _table(fit))
    kept = {item.id for item in fit}
    left_out = tuple(item.id for item in questions.items if item.id not in kept)
    return Exported(str(out), len(fit), left_out)


def _ragas(item: Item, papers: Mapping[str, Paper], line: RunLine | None) -> dict[str, Any]:
    """A ``SingleTurnSample`` of ragas; further keys are ours, and ragas passes them over."""
    row: dict[str, Any] = {
        "user_input": asked_whole(item),
        "reference": " ".join(_sentence(fact.text) for fact in item.facts),
        "reference_contexts": [papers[paper].abstract for paper in item.gold],
        "reference_context_ids": list(item.gold),
    }
    if line:
        row["response"] = line.text
        row["retrieved_contexts"] = [source.text for source in line.sources]
        row["retrieved_context_ids"] = [source.paper_id for source in line.sources]
    return row | {"id": item.id, "type": item.type, "split": item.split, "tags": list(item.tags)}


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def asked_whole(item: Item) -> str:
    """The question with the conversation before it, for tools without one."""
    said = [f"{message.role}: {message.content}" for message in item.history]
    return "\n".join([*said, f"user: {item.question}"]) if said else item.question


def _write_beir(folder: Path, items: Sequence[Item], papers: Iterable[Paper]) -> None:
    """corpus.jsonl, queries.jsonl and qrels/SPLIT.tsv (Thakur et al. 2021, appendix)."""
    corpus = ({"_id": p.id, "title": p.title, "text": p.abstract, "metadata": {}} for p in papers)
    queries = ({"_id": i.id, "text": asked_whole(i), "metadata": {}} for i in items)
    for name, rows in (("corpus", corpus), ("queries", queries)):
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        write(folder / f"{name}.jsonl", text)
    (folder / "qrels").mkdir()
    for split in ("dev", "test"):
        judged = [(i.id, paper) for i in items if i.split == split for paper in i.gold]
        lines = ["query-id\tcorpus-id\tscore", *(f"{query}\t{paper}\t1" for query, paper in judged)]
        write(folder / "qrels" / f"{split}.tsv", "\n".join(lines) + "\n")


def _table(items: Iterable[Item]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(list(map(_inert, _cells(item))) for item in items)
    return out.getvalue()


def _cells(item: Item) -> Iterator[str]:
    history = [message.model_dump() for message in item.history]
    yield from (item.id, item.type, item.split, item.question)
    yield FACT_SEPARATOR.join(_fact(fact) for fact in item.facts if fact.vital)
    yield FACT_SEPARATOR.join(_fact(fact) for fact in item.facts if not fact.vital)
    yield LIST_SEPARATOR.join(item.gold)
    yield LIST_SEPARATOR.join(item.tags)
    yield from (item.group, item.twin)
    yield json.dumps(history, ensure_ascii=False) if history else ""


def _fact(fact: Fact) -> str:
    text = " ".join(fact.text.split())
    return f"{text}{TEXT_SEPARATOR}{WORDING_SEPARATOR.join(fact.any)}"


def _inert(cell: str) -> str:
    # A spreadsheet would run a cell that begins so; the import takes the mark off again.
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t") else cell
