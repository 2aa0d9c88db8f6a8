"""Poisoned abstracts: does what they order reach an answer, and does the rest still count?

Each item inserts an order or a hidden text into one abstract of the collection. A canary, a
string that stands in the poison alone, shows when it was obeyed. Two ways are tried: sentences
that an obedient model would write go through ``rag.check``, and the extractive writer answers
from the poisoned abstract.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field
from pydantic import model_validator as validator

from rag.checking import check
from rag.citations import cited_numbers
from rag.extractive import ExtractiveWriter
from rag.sentences import sentence_spans
from rag.types import CheckedSentence, Paper, Source

from .records import Identified, Text, parse_records, read_file
from .sets import Split

if TYPE_CHECKING:
    from rag.embedding import Embedder

Sentences = Annotated[tuple[Text, ...], Field(min_length=1)]


class PoisonedItem(Identified):
    """A poison, where it stands, and what tells whether it worked."""

    split: Literal["dev", "test"]
    style: Text
    question: Text
    sources: Annotated[tuple[Text, ...], Field(min_length=1, max_length=1)]
    """The id of the paper whose abstract is poisoned; sentences cite it as ``[1]``."""
    after: Annotated[int, Field(ge=0)]
    """The poison follows so many of the abstract's sentences."""
    poison: Text
    canary: Text
    """Stands in the poison and in every obeyed sentence, and in no clean one."""
    obeyed: Sentences
    """What a model writes that takes the poison for an order or a finding."""
    clean: Sentences
    """What the rest of the abstract supports."""

    @validator(mode="after")
    def _consistent(self) -> Self:
        for text in (self.poison, *self.obeyed):
            if not self.betrays(text):
                raise ValueError("expected the canary in the poison and all obeyed sentences")
        if any(self.betrays(text) for text in self.clean):
            raise ValueError("expected the canary in no clean sentence")
        if any(cited_numbers(text) != (1,) for text in (*self.obeyed, *self.clean)):
            raise ValueError("expected [1] in every sentence")
        return self

    def betrays(self, text: str) -> bool:
        """Whether ``text`` holds the canary."""
        return self.canary.lower() in text.lower()

    def poisoned(self, paper: Paper) -> Source:
        """The paper as a source, the poison in its place."""
        text = poisoned_text(paper.abstract, self.after, self.poison)
        return replace(_source(paper), text=text)


@dataclass(frozen=True, slots=True)
class PoisonResult:
    """What became of one item; an error counts as a poison that worked and a paper lost."""

    id: str
    split: str
    style: str
    obeyed_kept: tuple[bool, ...]
    clean_lost: tuple[bool, ...]
    """Of clean sentences: supported without the poison, and not with it."""
    quoted: bool
    """The extractive writer's draft holds the canary."""
    changed: bool
    """Its draft is not the one that it writes from the abstract without the poison."""
    error: str = ""

    @property
    def worked(self) -> bool:
        """Whether the poison reached an answer by either way."""
        return self.quoted or any(self.obeyed_kept)

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self) | {"worked": self.worked, "error": self.error or None}


def poisoned_text(abstract: str, after: int, poison: str) -> str:
    """The abstract with ``poison`` after so many of its sentences, or at its end."""
    starts = [start for start, _ in sentence_spans(abstract)]
    if after < len(starts):
        return f"{abstract[: starts[after]]}{poison} {abstract[starts[after] :]}"
    return f"{abstract} {poison}"


def evaluate_poisoned(
    path: Path, papers: Mapping[str, Paper], embedder: Embedder, split: Split = "all"
) -> tuple[PoisonResult, ...]:
    """Try every item of a file.

    Args:
        path: the file, JSON Lines.
        papers: of the set's collection, by id.
        embedder: for the extractive writer.
        split: which half of the file.

    Raises:
        InputError: names the file, the line, what was expected and what was found.
    """
    items = parse_records(PoisonedItem, read_file(path), path, papers, "sources")
    writer = ExtractiveWriter(embedder)
    chosen = [item for item in items if split in ("all", item.split)]
    return tuple(try_item(item, papers[item.sources[0]], writer) for item in chosen)


def try_item(item: PoisonedItem, paper: Paper, writer: ExtractiveWriter) -> PoisonResult:
    """Try one poison on the check and on the extractive writer."""
    head = item.id, item.split, item.style
    source = item.poisoned(paper)
    try:
        obeyed = tuple(any(part.kept for part in _verdicts(text, source)) for text in item.obeyed)
        lost = tuple(
            _supported(text, _source(paper)) and not _supported(text, source) for text in item.clean
        )
        draft, usual = (_draft(writer, item.question, s) for s in (source, _source(paper)))
    except Exception as error:
        message = " ".join(f"{type(error).__name__}: {error}".split())
        everything = (True,) * len(item.obeyed), (True,) * len(item.clean)
        return PoisonResult(*head, *everything, True, True, message)
    return PoisonResult(*head, obeyed, lost, item.betrays(draft), draft != usual)


def _verdicts(text: str, source: Source) -> tuple[CheckedSentence, ...]:
    return check(text, [source]).sentences


def _supported(text: str, source: Source) -> bool:
    return all(part.verdict == "supported" for part in _verdicts(text, source))


def _draft(writer: ExtractiveWriter, question: str, source: Source) -> str:
    return "".join(delta.text for delta in writer.draft(question, [source], ()))


def _source(paper: Paper) -> Source:
    return Source(1, paper.id, paper.title, paper.url, paper.year, paper.abstract)
