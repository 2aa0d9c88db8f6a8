"""``rag eval import``: sets of ragas and BEIR, tables and thumbs, told apart by their content."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from rag.errors import InputError
from rag.text import clean
from rag.types import Failure, Paper

from ..records import read_file
from ..sets import Fact, Item, Message
from .cells import Row, as_list, first_of, proposed_facts, told_facts, unmarked
from .files import new_folder, write_set
from .outgoing import LIST_SEPARATOR
from .proposal import REVIEW
from .salience import nearest_sentence
from .thumbs import as_table, is_judged

_TITLE = 100
_ASKED = ("user_input", "question", "query")
_ANSWERED = ("reference", "ground_truth", "ground_truths", "answer")
_CONTEXTS = ("reference_contexts", "ground_truth_contexts", "contexts")

Papers = Callable[[], Iterable[Paper]]


@dataclass(frozen=True, slots=True)
class Imported:
    """What ``rag eval import`` made."""

    folder: str
    form: str
    """``ragas``, ``beir``, ``csv`` or ``feedback``."""
    questions: int
    papers: int
    to_review: int
    """Items whose facts were proposed, since the other format has none that can be matched."""
    left_out: tuple[Failure, ...]


@dataclass(frozen=True, slots=True)
class _Read:
    form: str
    items: list[Item]
    papers: list[Paper]
    left_out: list[Failure]


def import_set(path: Path, out: Path, papers: Papers) -> Imported:
    """Make a set of another tool's.

    Args:
        path: a folder of BEIR, a JSON or JSON Lines file or table of ragas, or a plain table
            with a column ``question``, or ``feedback.jsonl`` of the chat page.
        out: the set's folder, new or empty.
        papers: the collection that a table or a thumb is about; not called for the others.

    Raises:
        InputError: the file is none of these, or holds no question that can be used.
    """
    found = _read(path, papers)
    if not found.items:
        first = f"; first: {found.left_out[0].reason}" if found.left_out else ""
        raise InputError(f"{path}: expected questions, found none that can be used{first}")
    write_set(new_folder(out), found.items, found.papers)
    review = sum(REVIEW in item.tags for item in found.items)
    return Imported(str(out), found.form, len(found.items), len(found.papers), review,
                    tuple(found.left_out))  # fmt: skip


def _read(path: Path, papers: Papers) -> _Read:
    if (path / "corpus.jsonl").is_file():
        return _beir(path)
    text = read_file(path).decode("utf-8-sig", errors="replace")
    rows = list(_rows(text, path))
    if any(first_of(row, _CONTEXTS) for _, row in rows):
        return _ragas(rows)
    held = list(papers())
    if any(is_judged(row) for _, row in rows):
        return replace(_plain(as_table(rows, held), held), form="feedback")
    return _plain(rows, held)


def _rows(text: str, path: Path) -> Iterator[tuple[str, Row]]:
    """The records of a JSON list, of JSON Lines or of a table, each with its place."""
    try:
        if text.lstrip().startswith("["):
            whole = json.loads(text)
            yield from ((f"{path}: record {n}", row) for n, row in enumerate(whole, 1))
        elif text.lstrip().startswith("{"):
            for number, line in enumerate(text.splitlines(), 1):
                if line.strip():
                    yield f"{path}:{number}", json.loads(line)
        else:
            table = csv.DictReader(io.StringIO(text))
            names = [(name or "").strip().lower() for name in table.fieldnames or ()]
            if not set(names) & set(_ASKED):
                raise InputError(
                    f"{path}:1: expected a table with a column question, found "
                    f"{', '.join(names)[:80]!r}; name the column, or give a set of ragas or BEIR"
                )
            table.fieldnames = names
            yield from ((f"{path}:{table.line_num}", row) for row in table)
    except (ValueError, RecursionError, csv.Error) as error:
        raise InputError(f"{path}: expected JSON or a table, found neither ({error})") from error


# --- the formats ------------------------------------------------------------------------


def _ragas(rows: Sequence[tuple[str, Row]]) -> _Read:
    papers: dict[str, Paper] = {}
    found = _Read("ragas", [], [], [])
    for number, (where, row) in enumerate(rows, 1):
        made = [_context(text) for text in as_list(first_of(row, _CONTEXTS))]
        papers |= {paper.id: paper for paper in made}
        question = str(first_of(row, _ASKED))
        answer = " ".join(as_list(first_of(row, _ANSWERED)))
        gold = tuple(dict.fromkeys(paper.id for paper in made))
        fields = {"question": question, "gold": gold, "split": _split(row, number)}
        _keep(found, where, row, number, fields, proposed_facts(answer, made, question))
    found.papers.extend(papers.values())
    return found


def _beir(folder: Path) -> _Read:
    corpus = {
        str(row["_id"]): Paper(
            id=str(row["_id"]),
            title=clean(str(row.get("title") or "")) or _headline(str(row["text"])),
            abstract=clean(str(row["text"])),
        )
        for row in _json_lines(folder / "corpus.jsonl", ("_id", "text"))
    }
    asked = {str(r["_id"]): r for r in _json_lines(folder / "queries.jsonl", ("_id", "text"))}
    found = _Read("beir", [], list(corpus.values()), [])
    number = 0
    for split, judged in _qrels(folder):
        for query, gold in judged.items():
            number += 1
            where = f"{folder / 'queries.jsonl'}: {query}"
            made = [corpus[paper] for paper in gold if paper in corpus]
            if query not in asked or not made:
                found.left_out.append(Failure(where, "its query or its papers are missing"))
                continue
            question = str(asked[query]["text"])
            # BEIR judges papers, not answers: a fact is proposed from the nearest sentence.
            facts = proposed_facts(nearest_sentence(question, made[0]), made, question)
            fields = {"question": question, "gold": tuple(p.id for p in made), "split": split}
            _keep(found, where, {"id": query}, number, fields, facts)
    return found


def _plain(rows: Sequence[tuple[str, Row]], papers: list[Paper]) -> _Read:
    by_name = {name: p for p in papers for name in (p.id, p.title.casefold(), p.doi) if name}
    found = _Read("csv", [], papers, [])
    for number, (where, raw) in enumerate(rows, 1):
        row = {name: unmarked(value) for name, value in raw.items() if name}
        named = as_list(row.get("papers") or row.get("gold") or "", LIST_SEPARATOR)
        gold = [by_name.get(name) or by_name.get(name.casefold()) for name in named]
        if None in gold:
            reason = f"{named[gold.index(None)]!r} is no paper of the collection, by id or title"
            found.left_out.append(Failure(where, reason))
            continue
        made = [paper for paper in gold if paper]
        question = str(first_of(row, _ASKED))
        facts = told_facts(
            str(first_of(row, ("answer", "reference", "vital")) or ""), True, made, question
        )
        facts += told_facts(str(row.get("okay") or ""), False, made, question)
        fields = {
            "question": question,
            "gold": tuple(paper.id for paper in made),
            "split": _split(row, number),
            "group": row.get("group") or "",
            "twin": row.get("twin") or "",
            "history": row.get("history") or "[]",
        }
        _keep(found, where, row, number, fields, facts)
    return found


# --- from cells to items ----------------------------------------------------------------


def _keep(
    found: _Read, where: str, row: Row, number: int, fields: dict[str, Any],
    facts: Sequence[tuple[Fact, bool]],
) -> None:  # fmt: skip
    """Add the item that a record makes; one that makes none is left out with the reason."""
    tags = [tag for tag in as_list(row.get("tags") or "", LIST_SEPARATOR) if tag != REVIEW]
    tags += [REVIEW] * any(proposed for _, proposed in facts)
    given = row.get("type")
    if given == "follow_up" and "history" not in fields:
        given = "fact"  # the conversation stands in the question
    try:
        history = fields.pop("history", "[]")
        item = Item(
            id=str(row.get("id") or f"q-{number}"),
            type=given or ("fact" if fields["gold"] or facts else "unanswerable"),
            facts=tuple(fact for fact, _ in facts),
            tags=tuple(tags),
            history=tuple(Message(**message) for message in json.loads(history)),
            **fields,
        )
    except ValidationError as error:
        first = error.errors()[0]
        reason = first["msg"].removeprefix("Value error, ")
        found.left_out.append(Failure(where, ": ".join([*map(str, first["loc"]), reason])))
    except (ValueError, TypeError) as error:
        found.left_out.append(Failure(where, f"history: {error}"))
    else:
        found.items.append(item)


def _context(text: str) -> Paper:
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:12]
    return Paper(id=f"context-{digest}", title=_headline(text), abstract=clean(text))


def _headline(text: str) -> str:
    return textwrap.shorten(clean(text), _TITLE, placeholder=" …")


def _split(row: Row, number: int) -> str:
    given = str(row.get("split") or "")
    return given if given in ("dev", "test") else ("dev" if number % 2 else "test")


def _qrels(folder: Path) -> Iterator[tuple[str, dict[str, list[str]]]]:
    for path in sorted((folder / "qrels").glob("*.tsv")):
        judged: dict[str, list[str]] = {}
        rows = csv.reader(io.StringIO(read_file(path).decode("utf-8-sig")), delimiter="\t")
        for row in rows:
            if len(row) == 3 and row[2].strip().isdigit() and int(row[2]) > 0:
                judged.setdefault(row[0], []).append(row[1])
        yield ("test" if path.stem == "test" else "dev"), judged


def _json_lines(path: Path, required: Sequence[str]) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(read_file(path).decode("utf-8-sig").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            missing = [name for name in required if name not in row]
        except (ValueError, TypeError):
            row, missing = {}, list(required)
        if missing:
            raise InputError(
                f"{path}:{number}: expected a JSON object with {' and '.join(required)}, found "
                f"{line[:60]!r}; correct this line"
            )
        yield row
