"""The JSON documents of the commands that are not one of the values in ``types.py``.

Lines of a batch keep the ``id`` that they came with, a string or a whole number; a line
without one, or one that is no JSON at all, is ``line-N``, counted from 1. Null counts as absent.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from rag.errors import InputError
from rag.filters import FIELDS
from rag.text import whole
from rag.topics import asked, topics
from rag.types import CheckedSentence, Filter, Hit, Paper, Turn
from rag.words import content_words, stem, words_of

LineId = str | int


@dataclass(frozen=True, slots=True)
class FoundPassage:
    """The best passage of a found paper; offsets count into the paper's abstract."""

    id: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class SearchRow:
    """A row of ``rag search``; ``rank`` counts from 1, ``score`` is in 0..1."""

    rank: int
    score: float
    paper: Paper
    passage: FoundPassage


@dataclass(frozen=True, slots=True)
class View:
    """How a paper fares by one way of searching; ``rank`` counts from 1, 0: it has no place."""

    score: float
    rank: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a paper was found."""

    dense: View
    """By meaning: cosine of the question and the paper's nearest passage."""
    lexical: View
    """By words: BM25+ of the paper's best passage."""
    matched: tuple[str, ...]
    """Words of the question that the title or the passage has, in some form."""
    missing: tuple[str, ...]
    """Words of the question that neither has."""
    topics: tuple[str, ...] = ()
    """Topics that the question names and the paper is about, such as ``modality:CT``."""


@dataclass(frozen=True, slots=True)
class ExplainedRow(SearchRow):
    """A row of ``rag search --explain``."""

    explain: Explanation


@dataclass(frozen=True, slots=True)
class RunQuestion:
    """A line of the questions that ``rag run`` answers."""

    question: str
    id: LineId = ""
    history: tuple[Turn, ...] = ()
    where: Filter | None = None
    """The papers that it is put to; null: all."""


@dataclass(frozen=True, slots=True)
class CaseSource:
    """A source of a case; the first is number 1."""

    text: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class CheckCase:
    """A line of the cases that ``rag check --batch`` judges."""

    draft: str
    sources: tuple[CaseSource, ...]
    id: LineId = ""
    question: str = ""


@dataclass(frozen=True, slots=True)
class CheckedCase:
    """A line that ``rag check --batch`` writes: the draft's sentences in order."""

    id: LineId
    sentences: tuple[CheckedSentence, ...]

    @classmethod
    def of(cls, case: CheckCase, sentences: Sequence[CheckedSentence]) -> CheckedCase:
        """The verdicts on ``whole(case.draft)``, each on its sentence as the draft has it."""
        read, end, given = whole(case.draft), 0, []
        for sentence in sentences:
            start = read.index(sentence.text, end)
            end = start + len(sentence.text)
            given.append(replace(sentence, text=case.draft[start:end]))
        return cls(case.id, tuple(given))


@dataclass(frozen=True, slots=True)
class FailedLine:
    """What stands in the place of a line that could not be used."""

    id: LineId
    error: str


@dataclass(frozen=True, slots=True)
class BatchReport:
    """What ``rag run`` and ``rag check --batch`` did, counted in lines."""

    done: int
    failed: int
    seconds: float


def search_rows(hits: Sequence[Hit]) -> list[SearchRow]:
    """The hits as ``rag search`` shows them, in their order."""
    return [SearchRow(*_row(rank, hit)) for rank, hit in enumerate(hits, 1)]


def explained_rows(question: str, hits: Sequence[Hit]) -> list[ExplainedRow]:
    """The same rows, each with the reasons for which it was found."""
    return [
        ExplainedRow(*_row(rank, hit), explain(question, hit)) for rank, hit in enumerate(hits, 1)
    ]


def _row(rank: int, hit: Hit) -> tuple[int, float, Paper, FoundPassage]:
    passage = FoundPassage(hit.passage.id, hit.passage.text, hit.passage.start, hit.passage.end)
    return rank, hit.score, hit.paper, passage


def explain(question: str, hit: Hit) -> Explanation:
    """Why ``hit`` was found for ``question``."""
    held = content_words(f"{hit.paper.title} {hit.passage.text}")
    words = dict.fromkeys(words_of(question))
    return Explanation(
        View(hit.dense, hit.dense_rank),
        View(hit.lexical, hit.lexical_rank),
        tuple(word for word in words if stem(word) in held),
        tuple(word for word in words if stem(word) not in held),
        _shared_topics(question, hit.paper),
    )


def _shared_topics(question: str, paper: Paper) -> tuple[str, ...]:
    wanted = {(topic.kind, topic.key) for topic in asked(question)}
    held = topics(paper.title, paper.abstract) if wanted else frozenset()
    return tuple(f"{t.kind}:{t.value}" for t in sorted(held) if (t.kind, t.key) in wanted)


_UNKNOWN = "unexpected_keyword_argument"  # only filters refuse fields that they do not know
Line = TypeVar("Line", RunQuestion, CheckCase)


def read_lines(path: Path, kind: type[Line]) -> Iterator[Line | FailedLine]:
    """Read a JSON Lines file; a line that is no ``kind`` becomes a ``FailedLine``.

    Raises:
        InputError: the file cannot be read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InputError(f"{path} cannot be read: {reason}; give a JSON Lines file") from error
    adapter = TypeAdapter(kind)
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if line.strip():
            yield _parse(adapter, line, f"line-{number}")


def _parse(adapter: TypeAdapter[Line], line: bytes, default_id: str) -> Line | FailedLine:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        return FailedLine(default_id, f"{default_id} is not JSON: {error}")
    if not isinstance(record, dict):
        return FailedLine(default_id, f"{default_id} is not a JSON object")
    line_id = _usable_id(record.get("id"), default_id)
    try:
        known = {name: value for name, value in record.items() if value is not None}
        return adapter.validate_python({**known, "id": line_id})
    except InputError as error:
        return FailedLine(line_id, f"{default_id}: {error}")
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        hint = f"; known: {', '.join(FIELDS)}" if first["type"] == _UNKNOWN else ""
        return FailedLine(line_id, f"{default_id}: {where}: {first['msg']}{hint}")


def _usable_id(given: object, default: str) -> LineId:
    if isinstance(given, str | int) and not isinstance(given, bool) and given != "":
        return given
    return default
