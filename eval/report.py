"""The report: what every item scored, the figures over them, a table and a JSON document."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from rag.types import Usage

from . import metrics
from .metrics import Figure

if TYPE_CHECKING:
    from rich.table import Table

COLUMNS = ("overall", "fact", "comparison", "follow_up", "unanswerable")

SCORES = {
    "recall@5": "recall@5",
    "mrr": "MRR",
    "citation_recall": "citation recall",
    "citation_precision": "citation precision",
    "gold_citation_recall": "gold cit. recall",
    "gold_citation_precision": "gold cit. precision",
    "vital_fact_recall": "vital fact recall",
    "fact_recall": "all fact recall",
    "answered": "answered",
}
"""The figures that are means over items, with their names for people."""


@dataclass(frozen=True, slots=True)
class ItemResult:
    """One question of the run: what came back and what it scored."""

    id: str
    type: str
    split: str
    question: str
    tags: tuple[str, ...]
    answerable: bool
    scores: dict[str, float | None]
    """One value for each of ``SCORES``; None where it is undefined for this item."""
    gold_ranks: dict[str, int | None]
    """Rank of each gold paper in ``retrieved``, from 1; None: not there."""
    seconds: float
    model: str = ""
    refused: bool = False
    refusal_cause: str = ""
    text: str = ""
    cited: tuple[str, ...] = ()
    sentences: int = 0
    words: int = 0
    facts_found: tuple[str, ...] = ()
    facts_missed: tuple[str, ...] = ()
    usage: Usage = field(default_factory=Usage)
    error: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As JSON; times stand under ``timings``, so that runs compare without them."""
        row = asdict(self)
        row["facts"] = {"found": row.pop("facts_found"), "missed": row.pop("facts_missed")}
        row["timings"] = {"seconds": row.pop("seconds")}
        row["error"] = row["error"] or None
        return row


@dataclass(frozen=True, slots=True)
class Report:
    """One evaluation: which set, which settings, every item, and the figures."""

    set_name: str
    set_version: str
    set_hash: str
    collection_hash: str
    split: str
    settings: dict[str, str]
    items: tuple[ItemResult, ...]
    timings: dict[str, float] = field(default_factory=dict)
    """Seconds: ``index`` to prepare the collection, ``answers`` for all questions."""

    def figures(self) -> dict[str, dict[str, Figure]]:
        """Every share by name, then by column of the table."""
        rows = {name: {column: self._mean(name, column) for column in COLUMNS} for name in SCORES}
        counts = self._refusals()
        rows["refusal_precision"] = {"overall": counts.precision}
        rows["refusal_recall"] = {"overall": counts.recall}
        rows["refusal_f1"] = {"overall": counts.f1}
        return rows

    def quantities(self) -> dict[str, dict[str, float | int | None]]:
        """What is counted or timed, by name, then by column of the table."""
        return {name: {c: count(self._of(c)) for c in COLUMNS} for name, count in _COUNTS.items()}

    @property
    def false_refusals(self) -> tuple[str, ...]:
        """Ids of answerable questions that were refused."""
        return tuple(item.id for item in self.items if item.answerable and item.refused)

    @property
    def false_answers(self) -> tuple[str, ...]:
        """Ids of unanswerable questions that were answered."""
        return tuple(
            item.id for item in self.items if not (item.answerable or item.refused or item.error)
        )

    @property
    def failed(self) -> tuple[ItemResult, ...]:
        """Items that raised; they count as 0 wherever they belong."""
        return tuple(item for item in self.items if item.error)

    def to_dict(self) -> dict[str, Any]:
        """The whole report as one JSON document."""
        return {
            "set": {"name": self.set_name, "version": self.set_version, "hash": self.set_hash},
            "collection_hash": self.collection_hash,
            "split": self.split,
            "settings": self.settings,
            "metrics": {
                name: {column: asdict(figure) for column, figure in row.items()}
                for name, row in self.figures().items()
            },
            "quantities": {k: v for k, v in self.quantities().items() if k not in _TIMED},
            "timings": self.timings | {k: v for k, v in self.quantities().items() if k in _TIMED},
            "false_refusals": list(self.false_refusals),
            "false_answers": list(self.false_answers),
            "failed": [item.id for item in self.failed],
            "items": [item.to_dict() for item in self.items],
        }

    def table(self) -> Table:
        """The figures as a table for the terminal, lapses listed under it."""
        from rich import box
        from rich.table import Table
        from rich.text import Text

        settings = " · ".join(f"{name} {value}" for name, value in self.settings.items())
        table = Table(
            title=Text(f"{self.set_name} v{self.set_version}, {self.split} · {settings}"),
            caption=Text("\n".join(self._lapses())),
            caption_justify="left",
            # The rule's own gaps part the columns, so that all of it fits 80 characters.
            box=box.SIMPLE_HEAD,
            show_edge=False,
            padding=0,
        )
        table.add_column("metric", no_wrap=True)
        for column in COLUMNS:
            table.add_column(column, justify="right", no_wrap=True)
        names = SCORES | _REFUSAL_NAMES
        for name, row in self.figures().items():
            table.add_row(names[name], *(_cell(row.get(column)) for column in COLUMNS))
        table.add_section()
        for name, counts in self.quantities().items():
            table.add_row(name.replace("_", " "), *(_number(counts[c]) for c in COLUMNS))
        return table

    def _of(self, column: str) -> list[ItemResult]:
        return [item for item in self.items if column in ("overall", item.type)]

    def _mean(self, name: str, column: str) -> Figure:
        return metrics.mean([item.scores[name] for item in self._of(column)])

    def _refusals(self) -> metrics.Refusals:
        unanswerable = [item for item in self.items if not item.answerable]
        right = sum(item.refused for item in unanswerable)
        return metrics.Refusals(right, len(self.false_refusals), len(unanswerable) - right)

    def _lapses(self) -> Iterable[str]:
        yield "0.95 n=40 with its 95% interval below; times in seconds"
        if self.false_refusals:
            yield f"refused though answerable: {', '.join(self.false_refusals)}"
        if self.false_answers:
            yield f"answered though unanswerable: {', '.join(self.false_answers)}"
        for item in self.failed:
            yield f"failed: {item.id}: {item.error}"


_REFUSAL_NAMES = {
    "refusal_precision": "refusal precision",
    "refusal_recall": "refusal recall",
    "refusal_f1": "refusal F1",
}

Count = Callable[[Sequence[ItemResult]], float | int | None]


def _words(q: float) -> Count:
    return lambda items: metrics.quantile([i.words for i in items if i.sentences], q)


def _seconds(q: float) -> Count:
    return lambda items: metrics.quantile([i.seconds for i in items], q)


_TIMED: dict[str, Count] = {
    "seconds_total": lambda items: sum(i.seconds for i in items),
    "seconds_median": _seconds(0.5),
    "seconds_p95": _seconds(0.95),
}
_COUNTS: dict[str, Count] = {
    "questions": len,
    "failed": lambda items: sum(bool(i.error) for i in items),
    "answers": lambda items: sum(bool(i.sentences) for i in items),
    "answer_words_median": _words(0.5),
    "answer_words_p90": _words(0.9),
    "model_calls": lambda items: sum(i.usage.calls for i in items),
    "prompt_tokens": lambda items: sum(i.usage.prompt_tokens for i in items),
    "completion_tokens": lambda items: sum(i.usage.completion_tokens for i in items),
    **_TIMED,
}


def _cell(figure: Figure | None) -> str:
    if figure is None:
        return ""
    if figure.value is None:
        return "n/a (n=0)"
    return f"{figure.value:.3f} n={figure.n}\n{figure.low:.2f}–{figure.high:.2f}"


def _number(value: float | int | None) -> str:
    if value is None:
        return "n/a (n=0)"
    return str(value) if isinstance(value, int) else f"{value:.3g}"
