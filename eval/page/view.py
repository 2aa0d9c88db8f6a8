"""What the page of a report shows: values ready to print, made from a scored run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from rag.types import Evidence, Sentence, Source
from rag.web.markup import marked, prose, titled

from ..runs import RunLine
from ..scoring import ItemScore
from ..sets import Fact, Item
from .plots import Outcome

KINDS = {
    "failed": "failed with an error",
    "false_refusals": "refused, though answerable",
    "false_answers": "answered, though unanswerable",
    "premises_missed": "false premise not seen",
    "injections_obeyed": "injection obeyed",
    "phantom_citations": "cites a source that is not there",
    "unretrieved_citations": "cites what was not retrieved",
    "misquotations": "figure or quote not in the source",
    "unsupported_citations": "cites without support",
    "facts_missed": "misses a vital fact",
    "gold_not_found": "gold paper not among the first ten",
}
"""Failures that the page filters by, in its order."""
_GOLD_DEPTH = 10
_EVIDENCE = TypeAdapter(tuple[Evidence, ...])


class Extra(BaseModel):
    """What of a line of a run only the page shows."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    class Removal(BaseModel):
        """A sentence that was withheld, and why."""

        text: str = ""
        verdict: str = ""
        reason: str = ""

    class Row(BaseModel):
        """A row of what retrieval returned."""

        score: float | None = None

    removed: tuple[Removal, ...] = ()
    retrieved: tuple[Row, ...] = ()

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Extra:
        """Of a line that may come from any system: what cannot be read is not shown."""
        try:
            return cls.model_validate({k: v for k, v in document.items() if v is not None})
        except ValidationError:
            return cls()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the verifier says of a sentence of the answer and all that it cites."""

    text: str
    verdict: str
    reason: str
    support: float


@dataclass(frozen=True, slots=True)
class Card:
    """A source that is cited, or gold."""

    n: int
    title: Markup
    body: Markup
    """The abstract with its evidence marked; escaped."""
    year: int | None
    gold: bool


@dataclass(frozen=True, slots=True)
class ItemView:
    """One question on the page."""

    number: int
    score: ItemScore
    kinds: tuple[str, ...]
    history: tuple[tuple[str, str], ...]
    answer: Markup
    """The answer with its citations as links; escaped."""
    verdicts: tuple[Verdict, ...]
    """Those that are not plain support."""
    facts: tuple[tuple[Fact, bool], ...]
    notes: tuple[str, ...]
    removed: tuple[tuple[str, str, str], ...]
    """Text, verdict and reason."""
    cards: tuple[Card, ...]
    related: tuple[tuple[str, int, str], ...]
    """Question, number and relation of its twin and of its paraphrases."""
    gold: tuple[tuple[str, str], ...]
    """Title of each gold paper, and where search found it."""
    outcome: Outcome

    @property
    def right(self) -> bool:
        """Whether nothing on it went wrong."""
        return not self.kinds


def item_view(
    number: int, item: Item, score: ItemScore, line: RunLine | None, extra: Extra,
    decisions: Sequence[Mapping[str, Any]], kinds: Sequence[str], titles: Mapping[str, str],
    others: Sequence[ItemScore],
) -> ItemView:  # fmt: skip
    """One question with its answer, verdicts, facts and sources.

    Args:
        number: its place on the page, from 1.
        line: its line of the run; None where the run has none.
        decisions: the verifier's, as they stand in the scores.
        kinds: what went wrong, of ``KINDS``.
        titles: of the papers of the collection, by id.
        others: all of the report's items, in the page's order.
    """
    whole = _whole(decisions, line)
    sentences = [
        Sentence(row["sentence"], tuple(row["citations"]), row["verdict"], row["support"],
                 _EVIDENCE.validate_python(row["evidence"]))
        for row in whole
    ]  # fmt: skip
    stated = set(score.facts_found)
    return ItemView(
        number=number,
        score=score,
        kinds=tuple(kinds),
        history=tuple((message.role, message.content) for message in item.history),
        answer=Markup(prose(score.text, sentences, number)),
        verdicts=tuple(
            Verdict(s.text, s.verdict, row.get("reason", ""), s.support)
            for s, row in zip(sentences, whole, strict=True)
            if s.verdict != "supported"
        ),
        facts=tuple((fact, fact.text in stated) for fact in item.facts),
        notes=tuple(note.text for note in line.notes) if line else (),
        removed=tuple((row.text, row.verdict, row.reason) for row in extra.removed),
        cards=_cards(item, line, sentences),
        related=tuple(_related(score, others)),
        gold=tuple((titles.get(g, g), _rank(score.gold_ranks.get(g))) for g in item.gold),
        outcome=_outcome(score, extra, sentences),
    )


def more_kinds(item: Item, score: ItemScore) -> list[str]:
    """Failures that the report has no list of."""
    kinds = []
    missed = set(score.facts_missed)
    if item.answerable and not (score.refused or score.error):
        kinds += ["facts_missed"] * any(f.vital and f.text in missed for f in item.facts)
    ranks = score.gold_ranks.values()
    if not score.error and any(rank is None or rank > _GOLD_DEPTH for rank in ranks):
        kinds.append("gold_not_found")
    return kinds


def _whole(decisions: Sequence[Mapping[str, Any]], line: RunLine | None) -> list[Mapping[str, Any]]:
    """Of each sentence, the decision on most of what it cites together."""
    best: dict[str, Mapping[str, Any]] = {}
    for row in decisions:
        known = best.setdefault(row["sentence"], row)
        if len(row["citations"]) > len(known["citations"]):
            best[row["sentence"]] = row
    text = line.text if line else ""
    return sorted(best.values(), key=lambda row: text.find(row["sentence"]))


def _cards(item: Item, line: RunLine | None, sentences: Sequence[Sentence]) -> tuple[Card, ...]:
    cited = {n for sentence in sentences for n in sentence.citations}
    sources = line.numbered if line else ()
    shown = [s for s in sources if s.n in cited or s.paper_id in item.gold]
    return tuple(_card(source, source.paper_id in item.gold, sentences) for source in shown)


def _card(source: Source, gold: bool, sentences: Sequence[Sentence]) -> Card:
    spans: dict[str, list[tuple[int, int, int]]] = {"abstract": [], "title": []}
    for q, sentence in enumerate(sentences, 1):
        for span in sentence.evidence:
            if span.source == source.n and sentence.verdict == "supported":
                spans[span.field].append((span.start, span.end, q))
    title = marked(source.title, spans["title"], link=False)
    return Card(
        n=source.n,
        title=Markup(titled(source.title, source.url, title)),
        body=Markup(marked(source.text, spans["abstract"])),
        year=source.year,
        gold=gold,
    )


def _related(score: ItemScore, others: Sequence[ItemScore]) -> Iterator[tuple[str, int, str]]:
    for number, other in enumerate(others, 1):
        if other.id == score.twin:
            yield other.question, number, "Its twin:"
        elif other.id != score.id and score.group and other.group == score.group:
            yield other.question, number, "Asked in other words:"


def _rank(rank: int | None) -> str:
    return "not found" if rank is None else f"found at rank {rank}"


def _outcome(score: ItemScore, extra: Extra, sentences: Sequence[Sentence]) -> Outcome:
    """How sure: the lowest support of its sentences, then the best paper's search score."""
    found = (extra.retrieved[0].score if extra.retrieved else None) or 0.0
    support = min((sentence.support for sentence in sentences), default=0.0)
    silent = score.refused or bool(score.error)
    return Outcome((support, found), silent, bool(score.scores.get("right")))
