"""The report: what every item scored, the figures over them, as JSON, Markdown and a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from rag.types import Usage

from . import metrics
from .measures import BY_NAME, DERIVED, GROUPS, MEASURES
from .metrics import Figure
from .scoring import ItemScore
from .statistics import clustered, clustered_mean
from .verifier_error import VerifierError

if TYPE_CHECKING:
    from rich.table import Table

OVERALL = "overall"
_SHORT = {
    "fact": "fact", "comparison": "comp", "list": "list", "follow_up": "next",
    "unanswerable": "none", "false_premise": "false", "injection": "inj",
}  # fmt: skip
"""Columns of the terminal's table."""

Figures = dict[str, dict[str, Figure]]


@dataclass(frozen=True)
class Report:
    """One evaluation: which set, which settings, every item, and the figures."""

    set_name: str
    set_version: str
    set_hash: str
    collection_hash: str
    split: str
    settings: dict[str, Any]
    hashes: dict[str, str]
    """SHA-256 of the ``run`` and the ``scores``, times left out, and of the ``checker``."""
    items: tuple[ItemScore, ...]
    verifier: VerifierError
    timings: dict[str, float] = field(default_factory=dict)
    price: tuple[float, float] | None = None
    """Of a million prompt and of a million completion tokens."""

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """``overall`` and the types of questions that occur."""
        present = {item.type for item in self.items}
        return (OVERALL, *(name for name in _SHORT if name in present))

    @cached_property
    def figures(self) -> Figures:
        """Every figure by name, then by column; those over pairs and groups overall only."""
        rows: Figures = {
            measure.name: {column: self._mean(measure.name, column) for column in self.columns}
            for measure in MEASURES
        }
        derived = {**self._refusals(), **self._twins(), **self._paraphrases()}
        return rows | {name: {OVERALL: derived[name]} for name in DERIVED}

    @cached_property
    def corrected(self) -> Figure:
        """The share of shown sentences that are supported, the verifier's own error considered."""
        shown = sum(item.sentences for item in self.items)
        supported = sum(item.supported for item in self.items)
        return self.verifier.corrected(shown, supported, sum(item.removed for item in self.items))

    def quantities(self) -> dict[str, float | int | None]:
        """What is counted or timed, over all items; ``cost`` in the currency of the price."""
        counted = {name: count(self.items) for name, count in _COUNTS.items()}
        return counted | {"cost": self._cost()}

    def _cost(self) -> float | None:
        spent = sum((item.usage for item in self.items), Usage())
        if not spent.calls:
            return 0.0
        if self.price is None:
            return None
        return (self.price[0] * spent.prompt_tokens + self.price[1] * spent.completion_tokens) / 1e6

    def lapses(self) -> dict[str, list[str]]:
        """Ids of the items that went wrong, by what went wrong."""
        return {
            name: [item.id for item in self.items if lapse(item)] for name, lapse in _LAPSES.items()
        }

    def to_dict(self) -> dict[str, Any]:
        """The whole report as one JSON document."""
        counted = self.quantities()
        return {
            "set": {"name": self.set_name, "version": self.set_version, "hash": self.set_hash},
            "collection_hash": self.collection_hash,
            "split": self.split,
            "settings": self.settings,
            "hashes": self.hashes,
            "metrics": {
                name: {column: asdict(figure) for column, figure in row.items()}
                for name, row in self.figures.items()
            },
            "quantities": {k: v for k, v in counted.items() if k not in _TIMED},
            "refusal_causes": dict(Counter(i.refusal_cause for i in self.items if i.refused)),
            "verifier": asdict(self.verifier)
            | {
                "sensitivity": asdict(self.verifier.sensitivity),
                "specificity": asdict(self.verifier.specificity),
                "current": self.verifier.current,
                "corrected_support": asdict(self.corrected),
            },
            "timings": self.timings | {k: v for k, v in counted.items() if k in _TIMED},
            **self.lapses(),
            "items": [item.to_dict() for item in self.items],
        }

    def to_markdown(self) -> str:
        """The figures for a pull request."""
        lines = [f"## {self.title()}", ""]
        lines += ["| figure | value | 95% interval | n |", "|---|---|---|---|"]
        for group in GROUPS:
            lines.append(f"| **{group}** | | | |")
            for name, row in self._rows(group):
                value, interval, n = cells(row[OVERALL])
                lines.append(f"| {label(name)} | {value} | {interval} | {n} |")
        lines += ["", *(f"* {line}" for line in self.remarks()), ""]
        counted = self.quantities().items()
        lines.append("; ".join(f"{name.replace('_', ' ')}: {_number(v)}" for name, v in counted))
        return "\n".join(lines) + "\n"

    def title(self) -> str:
        """Which set, and what answered it."""
        settings = " · ".join(f"{name} {value}" for name, value in self.settings.items())
        return f"{self.set_name} v{self.set_version}, {self.split} · {settings}"

    def table(self) -> Table:
        """The figures as a table for the terminal, lapses listed under it."""
        from rich import box
        from rich.table import Table
        from rich.text import Text

        types = self.columns[1:]
        table = Table(
            title=Text(self.title()),
            caption=Text("\n".join(self.remarks())),
            caption_justify="left",
            # The rule's own gaps part the columns, so that all of it fits 80 characters.
            box=box.SIMPLE_HEAD,
            show_edge=False,
            padding=0,
        )
        table.add_column("figure", no_wrap=True)
        for column in ("all", "95%", "n", *(_SHORT[name] for name in types)):
            table.add_column(column, justify="right", no_wrap=True)
        for group in GROUPS:
            for name, row in self._rows(group):
                table.add_row(label(name), *cells(row[OVERALL]), *(_brief(row, t) for t in types))
            table.add_section()
        for name, count in self.quantities().items():
            table.add_row(name.replace("_", " "), _number(count))
        return table

    def remarks(self) -> Iterable[str]:
        """What has to be read beside the figures: the verifier's error, and every lapse."""
        good, bad, true = self.verifier.sensitivity, self.verifier.specificity, self.corrected
        stale = "" if self.verifier.current else " (measured with other weights)"
        yield (
            f"the verifier keeps {good.value:.3f} of {good.n} supported sentences and catches "
            f"{bad.value:.3f} of {bad.n} faulty ones{stale}; so of the {true.n} sentences shown "
            f"{_value(true)} are truly supported ({cells(true)[1]})"
        )
        for name, ids in self.lapses().items():
            if ids and name != "failed":
                yield f"{name.replace('_', ' ')}: {', '.join(ids)}"
        for item in self.items:
            if item.error:
                yield f"failed: {item.id}: {item.error}"

    def _rows(self, group: str) -> list[tuple[str, dict[str, Figure]]]:
        names = [m.name for m in MEASURES if m.group == group]
        names += [name for name, (_, of) in DERIVED.items() if of == group]
        return [(name, self.figures[name]) for name in names]

    def _mean(self, name: str, column: str) -> Figure:
        chosen = [item for item in self.items if column in (OVERALL, item.type)]
        return clustered_mean([i.scores[name] for i in chosen], [i.cluster for i in chosen])

    def _refusals(self) -> dict[str, Figure]:
        """A failed item is no refusal; one that ought to be refused is then missed."""
        chosen = [item for item in self.items if item.answerable or item.type == "unanswerable"]
        rows = [
            (
                float(not item.answerable and item.refused),
                float(item.answerable and item.refused),
                float(not item.answerable and not item.refused),
            )
            for item in chosen
        ]
        papers = [item.cluster for item in chosen]
        right, false, missed = (int(sum(row[k] for row in rows)) for k in range(3))
        statistics = {
            "refusal_precision": (metrics.refusal_precision, right + false),
            "refusal_recall": (metrics.refusal_recall, right + missed),
            "refusal_f1": (metrics.refusal_f1, right + false + missed),
        }
        return {k: clustered(rows, papers, s, n) for k, (s, n) in statistics.items()}

    def _twins(self) -> dict[str, Figure]:
        by_id = {item.id: item for item in self.items}
        pairs = [(by_id[i.twin], i) for i in self.items if i.twin in by_id]
        false = [(a, b) for a, b in pairs if b.type == "false_premise"]
        attacked = [(a, b) for a, b in pairs if b.type == "injection"]
        right = [(bool(a.scores["right"]), bool(b.scores["right"])) for a, b in false]
        facts = "vital_fact_recall"
        values: dict[str, tuple[list[float | None], list[tuple[ItemScore, ItemScore]]]] = {
            "paired_accuracy": ([float(metrics.paired(a, b)) for a, b in right], false),
            "premise_gap": ([float(a) - float(b) for a, b in right], false),
            "utility_clean": ([a.scores[facts] for a, _ in attacked], attacked),
            "utility_attacked": ([b.scores[facts] for _, b in attacked], attacked),
        }
        return {k: clustered_mean(v, [b.cluster for _, b in of]) for k, (v, of) in values.items()}

    def _paraphrases(self) -> dict[str, Figure]:
        groups: dict[str, list[ItemScore]] = {}
        for item in self.items:
            if item.group and not item.error:
                groups.setdefault(item.group, []).append(item)
        papers = [items[0].cluster for items in groups.values()]
        flips = [metrics.decision_flip([i.refused for i in g]) for g in groups.values()]
        values: dict[str, list[float | None]] = {
            "paraphrase_flips": [None if flip is None else float(flip) for flip in flips],
            "paraphrase_jaccard": [
                metrics.mean_jaccard([i.cited for i in g]) for g in groups.values()
            ],
            "paraphrase_worst": [
                metrics.worst([i.scores["vital_fact_recall"] for i in g]) for g in groups.values()
            ],
        }
        return {name: clustered_mean(each, papers) for name, each in values.items()}


def label(name: str) -> str:
    """What a figure is called for people."""
    return BY_NAME[name].label if name in BY_NAME else DERIVED[name][0]


def cells(figure: Figure) -> tuple[str, str, str]:
    """Value, interval and number of cases, for people."""
    if figure.value is None or figure.low is None or figure.high is None:
        return "n/a (n=0)", "", ""
    return f"{figure.value:.3f}", f"{figure.low:.2f}–{figure.high:.2f}", str(figure.n)


def _brief(row: dict[str, Figure], column: str) -> str:
    figure = row.get(column)
    return f"{figure.value:.2f}" if figure and figure.value is not None else ""


def _value(figure: Figure) -> str:
    return cells(figure)[0]


Count = Callable[[Sequence[ItemScore]], float | int | None]


def _words(q: float) -> Count:
    return lambda items: metrics.quantile([i.words for i in items if i.sentences], q)


def _seconds(q: float) -> Count:
    return lambda items: metrics.quantile([i.seconds for i in items if i.seconds is not None], q)


def _flawed(name: str) -> Callable[[ItemScore], bool]:
    return lambda item: bool(item.scores[name])


_TIMED: dict[str, Count] = {"seconds_median": _seconds(0.5), "seconds_p95": _seconds(0.95)}
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
_LAPSES: dict[str, Callable[[ItemScore], bool]] = {
    "false_refusals": lambda i: i.answerable and i.refused,
    "false_answers": lambda i: i.type == "unanswerable" and not (i.refused or i.error),
    "premises_missed": lambda i: i.scores["premise_handled"] == 0,
    "injections_obeyed": _flawed("injected"),
    "phantom_citations": _flawed("phantom"),
    "unretrieved_citations": _flawed("not_retrieved"),
    "misquotations": _flawed("misquoted"),
    "unsupported_citations": _flawed("unsupported"),
    "failed": lambda i: bool(i.error),
}


def _number(value: float | int | None) -> str:
    if value is None:
        return "n/a (n=0)"
    return str(value) if isinstance(value, int) else f"{value:.3g}"
