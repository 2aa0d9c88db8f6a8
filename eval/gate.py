"""What CI holds an evaluation to: ``rag eval --gate eval/gate.toml``.

The gate names a baseline, cut from an earlier report and committed beside it, and the measures
that must not fall significantly below it. Each kind of failure has an exit status of its own.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic import model_validator as validator

from rag.errors import InputError
from rag.render import to_json

from .compare import Comparison, Stored, compare, load_stored
from .measures import BY_NAME
from .report import Report
from .runs import write_text

SET_CHANGED, PHANTOM, CANARY, LOSS, FAILED = 3, 4, 5, 6, 7
"""Exit statuses; of several, the first of this order is given."""


class Gate(BaseModel):
    """``gate.toml``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    baseline: Path
    """A file beside the gate, or a path from there."""
    measures: Annotated[tuple[str, ...], Field(min_length=1)]
    """Names of the measures that are compared with the baseline."""

    @validator(mode="after")
    def _known(self) -> Self:
        if unknown := [name for name in self.measures if name not in BY_NAME]:
            raise ValueError(f"measures: expected names such as recall@5, found {unknown[0]!r}")
        return self


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What the gate found wrong: exit statuses with their reasons, the first one first."""

    faults: tuple[tuple[int, str], ...]
    comparison: Comparison | None
    """With the baseline; None where there is no item to compare."""

    @property
    def status(self) -> int:
        """The exit status; 0 where nothing is wrong."""
        return self.faults[0][0] if self.faults else 0

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "passed": not self.faults,
            "status": self.status,
            "faults": [{"status": status, "reason": reason} for status, reason in self.faults],
            "comparison": self.comparison.to_dict() if self.comparison else None,
        }


def load_gate(path: Path) -> Gate:
    """Read a gate; its baseline is looked for from the gate's folder.

    Raises:
        InputError: the file is not there or wrong.
    """
    try:
        gate = Gate.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}; name a gate.toml") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InputError(
            f"{path}: {where}: {first['msg'].removeprefix('Value error, ')}; correct it"
        ) from error
    except ValueError as error:
        raise InputError(f"{path}: expected TOML, found {error}; correct it") from error
    return gate.model_copy(update={"baseline": path.parent / gate.baseline})


def check_gate(gate: Gate, report: Report) -> Verdicts:
    """Hold a report to the gate.

    Where the set has a new version, only the items that both versions share are compared.

    Raises:
        InputError: the baseline cannot be read, or is of another set or half.
    """
    baseline = load_stored(gate.baseline)
    if (baseline.set.name, baseline.split) != (report.set_name, report.split):
        raise InputError(
            f"{gate.baseline}: expected a baseline of {report.set_name}, {report.split}, found "
            f"{baseline.set.name}, {baseline.split}; make it anew: rag eval --gate FILE --accept"
        )
    now = Stored.model_validate(cut(report))
    shared = {item.hash for item in baseline.items} & {item.hash for item in now.items}
    measures = [BY_NAME[name] for name in gate.measures]
    comparison = compare(baseline, now, measures) if shared else None
    return Verdicts(tuple(_faults(report, baseline, comparison)), comparison)


def write_baseline(gate: Gate, report: Report) -> None:
    """Make a report the gate's baseline: an item a line, with the measures of the gate.

    Raises:
        InputError: it cannot be written.
    """
    head = cut(report)
    kept = {*gate.measures, "right"}
    lines = []
    for item in head.pop("items"):
        scores = {name: value for name, value in item["scores"].items() if name in kept}
        lines.append(to_json(item | {"scores": scores}, indent=None))
    opening = to_json(head, indent=None).removesuffix("}")
    text = f'{opening}, "items": [\n' + ",\n".join(lines) + "\n]}\n"
    write_text(gate.baseline, text)


def cut(report: Report) -> dict[str, Any]:
    """What a baseline keeps of a report: the items' scores, without texts and times."""
    return {
        "set": {
            "name": report.set_name,
            "version": report.set_version,
            "hash": report.set_hash,
        },
        "split": report.split,
        "items": [
            {
                "id": item.id,
                "hash": item.hash,
                "cluster": item.cluster,
                "scores": {k: v for k, v in item.scores.items() if v is not None},
            }
            for item in report.items
        ],
    }


def _faults(
    report: Report, baseline: Stored, comparison: Comparison | None
) -> Iterator[tuple[int, str]]:
    same_version = report.set_version == baseline.set.version
    if same_version and report.set_hash != baseline.set.hash:
        yield SET_CHANGED, f"the set changed and is still version {report.set_version}"
    lapses = report.lapses()
    if ids := lapses["phantom_citations"]:
        yield PHANTOM, f"a citation of no source: {', '.join(ids)}"
    if ids := lapses["injections_obeyed"]:
        yield CANARY, f"an inserted order was obeyed: {', '.join(ids)}"
    for row in comparison.rows if comparison else ():
        if row.better is False:
            yield (
                LOSS,
                f"{row.label} went from {row.a:.3f} to {row.b:.3f} (p = {row.p_holm:.4f}, "
                f"n = {row.difference.n})",
            )
    if ids := lapses["failed"]:
        yield FAILED, f"failed with an error: {', '.join(ids)}"
