"""Drafts whose every sentence is labelled: read, validated, checked and scored.

A draft is what a chat model might write; its labels say which sentences its sources support
and what is wrong with the others. Scoring asks whether ``rag.check`` tells them apart.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, Self, get_args

from pydantic import Field
from pydantic import model_validator as validator

from rag import resources
from rag.checking import check
from rag.citations import cited_numbers
from rag.minilm import MiniLM
from rag.types import CheckedSentence, Paper

from .drafts_report import DraftReport, Part, SentenceResult
from .poisoned import PoisonResult, evaluate_poisoned
from .records import Identified, Record, Text, parse_record, parse_records, read_file
from .sets import (
    SHIPPED,
    Header,
    Split,
    collection_hash,
    collection_papers,
    collection_path,
)

Fault = Literal[
    "number", "entity", "negation", "overclaim", "outside", "misattributed",
    "phantom", "uncited", "injected",
]  # fmt: skip
Label = Literal["supported", "chatter"] | Fault

_OWN_LINE = re.compile(r"(?:[-*+•–]|\d{1,2}[.)]|#{1,6})\s|\||\*\*[^*]+\*\*:?$")
_SHARE = 0.5


class LabelledSentence(Record):
    """One sentence of a draft, and the truth about it."""

    text: Text
    label: Label
    hard: bool = False
    """Of supported ones: a strong paraphrase, a synthesis, a number expressed anew."""
    note: str = ""
    """What is wrong, in a few words."""


class Draft(Identified):
    """A draft over numbered sources."""

    split: Literal["dev", "test"]
    question: Text
    sources: Annotated[tuple[Text, ...], Field(min_length=1)]
    """Ids of papers; citations count them from 1."""
    sentences: Annotated[tuple[LabelledSentence, ...], Field(min_length=1)]

    @property
    def text(self) -> str:
        """The sentences joined; bullets, headings and table rows stand on lines of their own."""
        parts = [self.sentences[0].text]
        for before, here in pairwise(sentence.text for sentence in self.sentences):
            own_line = _OWN_LINE.match(before) or _OWN_LINE.match(here)
            parts.append(("\n" if own_line else " ") + here)
        return "".join(parts)

    @validator(mode="after")
    def _consistent(self) -> Self:
        if len(set(self.sources)) < len(self.sources):
            raise ValueError("expected each source once")
        for number, sentence in enumerate(self.sentences, 1):
            cited = cited_numbers(sentence.text)
            phantom = any(n > len(self.sources) for n in cited)
            where = f"sentence {number} ({sentence.label})"
            if "\n" in sentence.text:
                raise ValueError(f"{where}: expected one line")
            if sentence.hard and sentence.label != "supported":
                raise ValueError(f"{where}: expected hard for supported sentences only")
            if phantom != (sentence.label == "phantom"):
                raise ValueError(f"{where}: expected a missing source cited by phantom ones only")
            if bool(cited) == (sentence.label in {"uncited", "chatter"}):
                raise ValueError(f"{where}: expected citations in all but uncited and chatter")
        return self


@dataclass(frozen=True, slots=True)
class DraftSet:
    """A validated set of drafts, and the papers that they cite, by id."""

    name: str
    version: str
    content_hash: str
    """SHA-256 of ``drafts.jsonl``."""
    collection_hash: str
    drafts: tuple[Draft, ...]
    papers: dict[str, Paper]

    def part(self, split: Split) -> tuple[Draft, ...]:
        """The drafts of one half, or all of them."""
        return tuple(draft for draft in self.drafts if split in ("all", draft.split))


def load_drafts(path: Path | None = None) -> DraftSet:
    """Read ``drafts.jsonl`` of a set's folder, or of the shipped set.

    Raises:
        InputError: names the file, the line, what was expected and what was found.
    """
    folder = path or resources.path(SHIPPED)
    head_path, drafts_path = folder / "set.json", folder / "drafts.jsonl"
    head = parse_record(Header, read_file(head_path).strip(), f"{head_path}:1")
    papers = collection_papers(collection_path(folder, head.collection, head_path))
    content = read_file(drafts_path)
    by_id = {paper.id: paper for paper in papers}
    drafts = parse_records(Draft, content, drafts_path, by_id, "sources")
    digest = hashlib.sha256(content).hexdigest()
    return DraftSet(head.name, head.version, digest, collection_hash(papers), drafts, by_id)


def evaluate_drafts(
    set_path: Path | None = None,
    *,
    split: Split = "all",
    on_progress: Callable[[int, int], None] | None = None,
) -> DraftReport:
    """Check every draft of a set and score each sentence; try its poisoned abstracts, if any.

    Args:
        set_path: a set's folder; None for the shipped set.
        split: which half of the set to run.
        on_progress: called with (drafts done, drafts in all).

    Raises:
        InputError: the set is wrong.
    """
    drafts = load_drafts(set_path)
    part = drafts.part(split)
    started = time.perf_counter()
    results: list[SentenceResult] = []
    for done, draft in enumerate(part, 1):
        results.extend(run_draft(draft, drafts.papers))
        if on_progress:
            on_progress(done, len(part))
    checked = time.perf_counter()
    poisoned = _poisoned(set_path or resources.path(SHIPPED), drafts.papers, split)
    return DraftReport(
        set_name=drafts.name,
        set_version=drafts.version,
        set_hash=drafts.content_hash,
        collection_hash=drafts.collection_hash,
        split=split,
        faults=get_args(Fault),
        items=tuple(results),
        poisoned=poisoned,
        timings={"check": checked - started, "poisoned": time.perf_counter() - checked},
    )


def _poisoned(folder: Path, papers: dict[str, Paper], split: Split) -> tuple[PoisonResult, ...]:
    path = folder / "poisoned.jsonl"
    return evaluate_poisoned(path, papers, MiniLM(), split) if path.exists() else ()


def run_draft(draft: Draft, papers: dict[str, Paper]) -> list[SentenceResult]:
    """Check and score one draft; whatever is raised counts against each of its sentences."""
    sources = [{"title": papers[id].title, "text": papers[id].abstract} for id in draft.sources]
    try:
        return score_draft(draft, check(draft.text, sources).sentences)
    except Exception as error:
        message = " ".join(f"{type(error).__name__}: {error}".split())
        return score_draft(draft, (), message)


def score_draft(
    draft: Draft, checked: Sequence[CheckedSentence], error: str = ""
) -> list[SentenceResult]:
    """Set the verdicts against the labels, sentence by sentence.

    Args:
        draft: the labelled draft.
        checked: what became of its text; sentences may be cut otherwise than in the draft.
        error: why nothing was checked.
    """
    located = list(_locate(draft.text, [sentence.text for sentence in checked]))
    results = []
    labelled = _locate(draft.text, [sentence.text for sentence in draft.sentences])
    for number, (sentence, (start, end)) in enumerate(zip(draft.sentences, labelled, strict=True)):
        parts, covered = [], 0
        for verdict, (low, high) in zip(checked, located, strict=True):
            overlap = min(end, high) - max(start, low)
            if overlap >= _SHARE * (end - start) or 0 < overlap >= _SHARE * (high - low):
                parts.append(Part.of(verdict))
                covered += overlap
        results.append(
            SentenceResult(
                id=f"{draft.id}.{number + 1}",
                split=draft.split,
                label=sentence.label,
                hard=sentence.hard,
                text=sentence.text,
                note=sentence.note,
                parts=tuple(parts) if covered >= _SHARE * (end - start) else (),
                error=error,
            )
        )
    return results


def _locate(text: str, sentences: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Where each sentence stands in ``text``, in order; (0, 0) if it does not."""
    done = 0
    for sentence in sentences:
        start = text.find(sentence, done)
        if start >= 0:
            done = start + len(sentence)
        yield (start, done) if start >= 0 else (0, 0)
