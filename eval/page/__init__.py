"""A report as one HTML file that asks the network for nothing.

Jinja2 escapes every value; what is markup already comes from ``rag.web.markup``, which escapes,
too. A Content-Security-Policy that knows the digests of the file's own script and style is the
second lock: nothing else in it can run, and nothing can be fetched.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag import resources
from rag.errors import InputError

from ..measures import BY_NAME, DERIVED, GROUPS
from ..metrics import Figure
from ..report import OVERALL, Report, label
from ..runs import read_run
from ..sets import QuestionSet
from .plots import Plot, interval, latency_plot, risk_plot
from .view import KINDS, Extra, ItemView, item_view, more_kinds

if TYPE_CHECKING:
    from jinja2 import Environment

_HEADLINES = (
    "right", "recall@5", "citation_precision", "groundedness", "vital_fact_recall", "refusal_f1",
)  # fmt: skip
"""The figures at the top."""
_SCRIPT, _STYLE = "page.js", "page.css"


@dataclass(frozen=True, slots=True)
class Bar:
    """A figure with its interval, as a bar."""

    label: str
    figure: Figure
    higher: bool
    """Whether more is better."""
    places: tuple[float, float, float] | None
    """Value, low and high on a bar of width 100; None: undefined."""


def write_html(run: Path, questions: QuestionSet, report: Report, out: Path) -> None:
    """Write the page of a scored run.

    Args:
        run: the run that ``report`` is on, its scores beside it.
        questions: the set that it answers.

    Raises:
        InputError: a file cannot be read or written.
    """
    scores = _lines(run.with_suffix(".scores.jsonl"))
    html = to_html(_views(run, questions, report, scores), report)
    try:
        out.write_text(html, encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError(f"--html {out} cannot be written: {error.strerror}") from error


def to_html(items: Sequence[ItemView], report: Report) -> str:
    """The page: one document, complete in itself."""
    seconds = [item.score.seconds for item in items if item.score.seconds is not None]
    counts = {kind: sum(kind in item.kinds for item in items) for kind in KINDS}
    script, style = _asset(_SCRIPT), _asset(_STYLE)
    return (
        _templates()
        .get_template("page.html.j2")
        .render(
            report=report,
            items=items,
            headlines=[_bar(report, name) for name in _HEADLINES],
            groups=[(group, _bars(report, group)) for group in GROUPS],
            corrected=report.corrected,
            remarks=list(report.remarks())[:1],
            counts={kind: n for kind, n in counts.items() if n},
            kinds=KINDS,
            types=[name for name in report.columns if name != OVERALL],
            risk=risk_plot([item.outcome for item in items]),
            latency=latency_plot(seconds),
            quantities=report.quantities(),
            script=script,
            style=style,
            policy=_policy(script, style),
        )
    )


def _views(
    run: Path, questions: QuestionSet, report: Report, scores: Sequence[Mapping[str, Any]]
) -> list[ItemView]:
    lines = read_run(run)
    extras = {str(row["id"]): Extra.of(row) for row in _lines(run)}
    decisions = {row["id"]: row["decisions"] for row in scores}
    titles = {paper.id: paper.title for paper in questions.papers}
    items = {item.id: item for item in questions.items}
    lapses = report.lapses()
    views = []
    for number, score in enumerate(report.items, 1):
        item = items[score.id]
        wrong = {kind for kind, ids in lapses.items() if score.id in ids}
        wrong |= set(more_kinds(item, score))
        views.append(
            item_view(
                number, item, score, lines.get(score.id), extras.get(score.id, Extra()),
                decisions.get(score.id, ()), [kind for kind in KINDS if kind in wrong], titles,
                report.items,
            )
        )  # fmt: skip
    return views


def _bars(report: Report, group: str) -> list[Bar]:
    names = [measure.name for measure in BY_NAME.values() if measure.group == group]
    names += [name for name, (_, of) in DERIVED.items() if of == group]
    return [_bar(report, name) for name in names]


def _bar(report: Report, name: str) -> Bar:
    figure = report.figures[name][OVERALL]
    higher = BY_NAME[name].higher if name in BY_NAME else name not in _LESS_IS_BETTER
    return Bar(label(name).lstrip("- "), figure, higher, interval(figure))


_LESS_IS_BETTER = ("premise_gap", "paraphrase_flips")


def _lines(path: Path) -> list[dict[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}; score the run") from error
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def _templates() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(resources.path("eval/page")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _asset(name: str) -> str:
    return resources.path(f"eval/page/{name}").read_text(encoding="utf-8")


def _policy(script: str, style: str) -> str:
    return (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


__all__ = ["Bar", "Plot", "to_html", "write_html"]
