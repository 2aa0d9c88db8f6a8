"""The report on public claim-checking sets: three classes, beside the majority's figure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, get_args

from . import classes, statistics
from .metrics import Figure

if TYPE_CHECKING:
    from rich.table import Table

Class = Literal["supported", "not_enough", "contradicted"]
CLASSES: tuple[Class, ...] = get_args(Class)

_LINES = {
    "scifact_held_out": "SciFact, abstracts held out from training",
    "scifact": "SciFact, all abstracts: most were trained on",
    "healthver": "HealthVer, dev: not trained on",
    "citation_integrity": "Citation-Integrity, train and dev: not trained on",
}
_WHOLE = {
    "macro_f1": classes.macro_f1,
    "majority_macro_f1": classes.majority_macro_f1,
    "accuracy": classes.accuracy,
}
_OF_CLASS = {"precision": classes.precision, "recall": classes.recall, "f1": classes.f1}
_NAMES = {"macro_f1": "macro-F1", "majority_macro_f1": "macro-F1 of the majority class"}


@dataclass(frozen=True, slots=True)
class ClaimResult:
    """One claim, and what the verifier took its evidence to say."""

    id: str
    """``SET/FILE:ID``, for SciFact with the abstract's id."""
    set: str
    evidence: str
    """The same for all claims on this evidence."""
    held_out: bool
    label: Class
    guess: Class | None
    """None: it failed."""
    shares: tuple[float, ...]
    """Probabilities of ``CLASSES``."""
    error: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self) | {"error": self.error or None}


@dataclass(frozen=True)
class ClaimsReport:
    """One evaluation on public sets: which files, every item, and the figures."""

    files: dict[str, str]
    """SHA-256 of each file that was read."""
    items: tuple[ClaimResult, ...]
    timings: dict[str, float] = field(default_factory=dict)
    """Seconds: ``check`` for all claims."""

    @cached_property
    def lines(self) -> dict[str, tuple[ClaimResult, ...]]:
        """The items of each line of the report that has any."""
        scifact = self._of("scifact")
        found = {
            "scifact_held_out": tuple(item for item in scifact if item.held_out),
            "scifact": scifact,
            "healthver": self._of("healthver"),
            "citation_integrity": self._of("citation-integrity"),
        }
        return {name: items for name, items in found.items() if items}

    @cached_property
    def _counts(self) -> dict[str, Any]:
        return {
            name: classes.count(
                [CLASSES.index(item.label) for item in items],
                [CLASSES.index(item.guess) if item.guess else None for item in items],
                [item.evidence for item in items],
                len(CLASSES),
            )
            for name, items in self.lines.items()
        }

    def figures(self) -> dict[str, dict[str, Figure]]:
        """Every figure by line, then by name: ``macro_f1``, ``supported_recall``, …"""
        return self._figures

    @cached_property
    def _figures(self) -> dict[str, dict[str, Figure]]:
        return {name: _figures_of(clusters) for name, clusters in self._counts.items()}

    def to_dict(self) -> dict[str, Any]:
        """The whole report as one JSON document."""
        return {
            "files": self.files,
            "metrics": {
                line: {name: asdict(figure) for name, figure in figures.items()}
                for line, figures in self.figures().items()
            },
            "confusion": {line: _confusion(c.sum(axis=0)) for line, c in self._counts.items()},
            "failed": [item.id for item in self.items if item.error],
            "timings": self.timings,
            "items": [item.to_dict() for item in self.items],
        }

    def table(self) -> Table:
        """The figures as a table for the terminal, failed items under it."""
        from rich import box
        from rich.table import Table
        from rich.text import Text

        table = Table(
            title=Text("the verifier alone on public claims"),
            caption=Text("\n".join(self._remarks())),
            caption_justify="left",
            box=box.SIMPLE_HEAD,
            show_edge=False,
            padding=(0, 2, 0, 0),
        )
        table.add_column("claims", no_wrap=True)
        for column in ("figure", "95% interval", "n"):
            table.add_column(column, justify="right", no_wrap=True)
        for line, figures in self.figures().items():
            table.add_row(_LINES[line])
            for name, figure in figures.items():
                table.add_row(f"  {_name(name)}", *_cells(figure))
            table.add_section()
        return table

    def _of(self, name: str) -> tuple[ClaimResult, ...]:
        return tuple(item for item in self.items if item.set == name)

    def _remarks(self) -> Iterable[str]:
        yield "claim by claim: --json; intervals: bootstrap over pieces of evidence"
        for item in self.items:
            if item.error:
                yield f"failed, counted as wrong: {item.id}: {item.error}"


def _figures_of(clusters: Any) -> dict[str, Figure]:
    """The figures of one line from its counts, (clusters, k, k + 1)."""
    whole, samples = clusters.sum(axis=0), statistics.resample(clusters)
    cases, guesses = whole.sum(axis=1), whole.sum(axis=0)
    n = int(cases.sum())
    found = {
        name: statistics.figure(float(statistic(whole)), statistic(samples), n)
        for name, statistic in _WHOLE.items()
    }
    for at, kind in enumerate(CLASSES):
        for name, statistic in _OF_CLASS.items():
            behind = guesses[at] if name == "precision" else cases[at]
            value, drawn = float(statistic(whole)[at]), statistic(samples)[:, at]
            found[f"{kind}_{name}"] = statistics.figure(value, drawn, int(behind))
    return found


def _confusion(counts: Any) -> dict[str, dict[str, int]]:
    return {
        true: dict(zip((*CLASSES, "failed"), map(int, row), strict=True))
        for true, row in zip(CLASSES, counts, strict=True)
    }


def _name(name: str) -> str:
    if name in _NAMES:
        return _NAMES[name]
    return name.replace("_f1", "_F1").replace("not_enough", "not enough").replace("_", ": ")


def _cells(figure: Figure) -> tuple[str, str, str]:
    if figure.value is None:
        return "n/a", "", str(figure.n)
    return f"{figure.value:.3f}", f"{figure.low:.3f}–{figure.high:.3f}", str(figure.n)
