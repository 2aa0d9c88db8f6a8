"""The report on a set of drafts: what was wrongly kept, what was wrongly dropped."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from rag.types import CheckedSentence, VerdictKind

from . import metrics
from .metrics import Figure
from .poisoned import PoisonResult

if TYPE_CHECKING:
    from rich.table import Table

_NAMES = {
    "false_support": "false support: faulty, yet kept",
    "false_drop": "false drop: supported, yet removed",
    "chatter_handled": "chatter taken for what it is",
    "injection": "poisoned abstracts: an order obeyed, its text shown",
    "injection_cost": "poisoned abstracts: the rest of them lost",
}


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of text that was checked by itself, and what became of it."""

    text: str
    kept: bool
    verdict: VerdictKind
    reason: str
    support: float

    @classmethod
    def of(cls, checked: CheckedSentence) -> Part:
        """What the report keeps of a checked sentence."""
        return cls(checked.text, checked.kept, checked.verdict, checked.reason, checked.support)


@dataclass(frozen=True, slots=True)
class SentenceResult:
    """One labelled sentence and the verdicts on it."""

    id: str
    """The draft's id and the sentence's number in it, from 1."""
    split: str
    label: str
    hard: bool
    text: str
    note: str
    parts: tuple[Part, ...]
    """What was checked of it; empty: it cannot be found among the checked sentences."""
    error: str = ""

    @property
    def right(self) -> bool:
        """Whether the check did what the label asks for; a sentence not found is never right.

        A supported sentence is to be supported whole (in an answer, one that is taken for no
        claim is trimmed), of a faulty one nothing is to be kept, and chatter is no claim. A
        heading that was cut off a claim does not count.
        """
        parts = [part for part in self.parts if part.verdict != "not_a_claim"]
        if self.label == "chatter":
            return bool(self.parts) and not parts
        if self.label == "supported":
            return bool(parts) and all(part.verdict == "supported" for part in parts)
        return bool(parts) and not any(part.kept for part in parts)

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self) | {"right": self.right, "error": self.error or None}


@dataclass(frozen=True, slots=True)
class DraftReport:
    """One evaluation of the check: which set, every sentence, and the figures."""

    set_name: str
    set_version: str
    set_hash: str
    collection_hash: str
    split: str
    faults: tuple[str, ...]
    """The kinds of fault, in the table's order."""
    items: tuple[SentenceResult, ...]
    poisoned: tuple[PoisonResult, ...] = ()
    """Empty for a set without poisoned abstracts."""
    timings: dict[str, float] = field(default_factory=dict)
    """Seconds: ``check`` for all drafts, ``poisoned`` for the poisoned abstracts."""

    def figures(self) -> dict[str, dict[str, Figure]]:
        """Every share by name, then by row of the table."""
        faulty = [item for item in self.items if item.label in self.faults]
        by_kind = {kind: [i for i in faulty if i.label == kind] for kind in self.faults}
        good = [item for item in self.items if item.label == "supported"]
        chatter = [item for item in self.items if item.label == "chatter"]
        dropped = {
            "easy": [item for item in good if not item.hard],
            "hard": [item for item in good if item.hard],
            "all": good,
        }
        return {
            "false_support": {k: _wrong(v) for k, v in (by_kind | {"all": faulty}).items()},
            "false_drop": {k: _wrong(v) for k, v in dropped.items()},
            "chatter_handled": {
                "all": metrics.proportion(sum(item.right for item in chatter), len(chatter))
            },
            **(_injection(self.poisoned) if self.poisoned else {}),
        }

    def lapses(self) -> dict[str, list[str]]:
        """Ids of the sentences that were judged wrongly, and of those that were not found."""
        wrong = [item for item in self.items if not item.right]
        return {
            "false_supports": [i.id for i in wrong if i.label in self.faults],
            "false_drops": [i.id for i in wrong if i.label == "supported"],
            "chatter_flagged": [i.id for i in wrong if i.label == "chatter"],
            "unaligned": [i.id for i in self.items if not i.parts],
            "injections": [item.id for item in self.poisoned if item.worked],
        }

    def to_dict(self) -> dict[str, Any]:
        """The whole report as one JSON document."""
        return {
            "set": {"name": self.set_name, "version": self.set_version, "hash": self.set_hash},
            "collection_hash": self.collection_hash,
            "split": self.split,
            "metrics": {
                name: {row: asdict(figure) for row, figure in rows.items()}
                for name, rows in self.figures().items()
            },
            **self.lapses(),
            "timings": self.timings,
            "items": [item.to_dict() for item in self.items],
            "poisoned": [item.to_dict() for item in self.poisoned],
        }

    def table(self) -> Table:
        """The figures as a table for the terminal, what could not be scored under it."""
        from rich import box
        from rich.table import Table
        from rich.text import Text

        table = Table(
            title=Text(f"{self.set_name} v{self.set_version}, drafts, {self.split}"),
            caption=Text("\n".join(self._remarks())),
            caption_justify="left",
            box=box.SIMPLE_HEAD,
            show_edge=False,
            padding=(0, 2, 0, 0),
        )
        table.add_column("sentences", no_wrap=True)
        for column in ("share", "95% interval", "count", "of"):
            table.add_column(column, justify="right", no_wrap=True)
        for name, rows in self.figures().items():
            table.add_row(_NAMES[name])
            for row, figure in rows.items():
                table.add_row(f"  {row}", *_cells(figure))
            table.add_section()
        return table

    def _remarks(self) -> Iterable[str]:
        yield "sentence by sentence, with the reasons: --json"
        if lost := self.lapses()["unaligned"]:
            yield f"not found among the checked sentences, counted as wrong: {', '.join(lost)}"
        errors = [item.error for item in self.items] + [item.error for item in self.poisoned]
        for error in dict.fromkeys(filter(None, errors)):
            yield f"failed: {error}"


def _injection(results: tuple[PoisonResult, ...]) -> dict[str, dict[str, Figure]]:
    obeyed = [kept for item in results for kept in item.obeyed_kept]
    lost = [flag for item in results for flag in item.clean_lost]
    quoted, changed = [i.quoted for i in results], [i.changed for i in results]
    return {
        "injection": {"checked": _share(obeyed), "quoted": _share(quoted)},
        "injection_cost": {"checked": _share(lost), "quoted": _share(changed)},
    }


def _share(flags: list[bool]) -> Figure:
    return metrics.proportion(sum(flags), len(flags))


def _wrong(items: list[SentenceResult]) -> Figure:
    return metrics.proportion(sum(not item.right for item in items), len(items))


def _cells(figure: Figure) -> tuple[str, str, str, str]:
    if figure.value is None:
        return "n/a", "", "", "0"
    interval = f"{figure.low:.3f}–{figure.high:.3f}"
    return f"{figure.value:.3f}", interval, str(round(figure.value * figure.n)), str(figure.n)
