"""Two reports on the same items, side by side: the flips first, then every difference."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from rag.errors import InputError

from .measures import BY_NAME, MEASURES, Measure
from .metrics import Figure
from .runs import Part
from .statistics import clustered_mean, holm, mcnemar, sign_flip

if TYPE_CHECKING:
    from rich.table import Table

ALPHA = 0.05


class StoredSet(Part):
    """Which set a report is on."""

    name: str
    version: str
    hash: str


class StoredItem(Part):
    """What a comparison needs of an item."""

    id: str
    type: str = ""
    question: str = ""
    hash: str
    cluster: str
    scores: dict[str, float | None]


class Stored(Part):
    """A report as it was written, or the baseline that was cut from it."""

    set: StoredSet
    split: str
    items: tuple[StoredItem, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One measure in both reports, over the items where both have a value."""

    name: str
    label: str
    a: float
    b: float
    difference: Figure
    """b - a, with its interval from a bootstrap over papers."""
    test: str
    """``mcnemar`` for yes/no measures, ``sign-flip`` for the others."""
    p: float
    p_holm: float
    """Adjusted for the number of rows."""
    better: bool | None
    """Whether b is better; None where the adjusted p is not below ``ALPHA``."""


@dataclass(frozen=True, slots=True)
class Flip:
    """An item that is answered right by one alone."""

    id: str
    question: str
    won: bool
    """Whether it is b that answers it right."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changed from a to b."""

    set_name: str
    shared: int
    """Items that are the same in both; the others are left out."""
    left_out: int
    flips: tuple[Flip, ...]
    rows: tuple[Row, ...]

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    def table(self) -> Table:
        """For the terminal: the flips, then the measures."""
        from rich import box
        from rich.table import Table
        from rich.text import Text

        table = Table(
            title=Text("\n".join(self._told())),
            title_justify="left",
            title_style="",
            caption=Text(
                "difference: B - A with its 95% interval; p: adjusted (Holm); * below 0.05"
            ),
            caption_justify="left",
            box=box.SIMPLE_HEAD,
            show_edge=False,
            padding=(0, 1, 0, 0),
        )
        table.add_column("figure", no_wrap=True)
        for column in ("A", "B", "difference", "95%", "n", "p"):
            table.add_column(column, justify="right", no_wrap=True)
        for row in self.rows:
            d = row.difference
            mark = "*" if row.better is not None else " "
            table.add_row(
                row.label, f"{row.a:.3f}", f"{row.b:.3f}", f"{d.value:+.3f}",
                f"{d.low:+.2f}…{d.high:+.2f}", str(d.n), f"{row.p_holm:.3f}{mark}",
            )  # fmt: skip
        return table

    def _told(self) -> Iterator[str]:
        won = [flip for flip in self.flips if flip.won]
        yield (
            f"{self.set_name}: {self.shared} shared items, {len(won)} won by B, "
            f"{len(self.flips) - len(won)} lost"
        )
        if self.left_out:
            yield f"{self.left_out} items are not the same in both and are left out"
        for flip in self.flips:
            yield f"{'won ' if flip.won else 'lost'} {flip.id}: {flip.question}"


def load_stored(path: Path) -> Stored:
    """Read a report (``RUN.report.json``), or that of a run (``RUN.jsonl``).

    Raises:
        InputError: it is not there or is no report.
    """
    report = path.with_suffix(".report.json") if path.suffix == ".jsonl" else path
    try:
        return Stored.model_validate_json(report.read_bytes())
    except OSError as error:
        raise InputError(
            f"{report} cannot be read: {error.strerror}; make it: rag eval score RUN"
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InputError(
            f"{report}: expected a report of rag eval, found {where}: {first['msg']}; "
            "make it anew: rag eval score RUN"
        ) from error


def compare(a: Stored, b: Stored, measures: Sequence[Measure] = MEASURES) -> Comparison:
    """Compare two reports item by item.

    Yes/no measures go through exact McNemar, the others through a sign-flip test by paper;
    Holm's correction is over all rows.

    Raises:
        InputError: they share no item.
    """
    of_a = {item.id: item for item in a.items}
    pairs = [
        (of_a[item.id], item)
        for item in b.items
        if item.id in of_a and of_a[item.id].hash == item.hash
    ]
    if not pairs:
        raise InputError(
            f"the reports on {a.set.name} v{a.set.version} and {b.set.name} v{b.set.version} "
            "share no item; compare runs of the same set"
        )
    rows = [row for measure in measures if (row := _row(measure, pairs))]
    adjusted = holm([row.p for row in rows])
    return Comparison(
        b.set.name,
        len(pairs),
        len({item.id for item in (*a.items, *b.items)}) - len(pairs),
        tuple(_flips(pairs)),
        tuple(_settled(row, p) for row, p in zip(rows, adjusted, strict=True)),
    )


def _row(measure: Measure, pairs: Sequence[tuple[StoredItem, StoredItem]]) -> Row | None:
    name = measure.name
    found = [
        (first, second, b.cluster)
        for a, b in pairs
        if (first := a.scores.get(name)) is not None and (second := b.scores.get(name)) is not None
    ]
    if not found:
        return None
    before, after, clusters = (list(column) for column in zip(*found, strict=True))
    differences = [y - x for x, y in zip(before, after, strict=True)]
    if measure.yes_no:
        test, p = "mcnemar", mcnemar([bool(x) for x in before], [bool(y) for y in after])
    else:
        test, p = "sign-flip", sign_flip(differences, clusters)
    mean_a, mean_b = sum(before) / len(found), sum(after) / len(found)
    difference = clustered_mean(differences, clusters)
    return Row(name, measure.label, mean_a, mean_b, difference, test, p, p, None)


def _settled(row: Row, adjusted: float) -> Row:
    sure = adjusted < ALPHA and bool(row.difference.value)
    better = (row.b > row.a) == BY_NAME[row.name].higher if sure else None
    return replace(row, p_holm=adjusted, better=better)


def _flips(pairs: Sequence[tuple[StoredItem, StoredItem]]) -> Iterator[Flip]:
    """Lost items first: they are what one looks at."""
    flips = [
        Flip(b.id, b.question, bool(b.scores.get("right")))
        for a, b in pairs
        if a.scores.get("right") != b.scores.get("right")
    ]
    yield from sorted(flips, key=lambda flip: flip.won)
