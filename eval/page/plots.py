"""Where the lines of a plot run: pure geometry, drawn by ``plots.html.j2`` as inline SVG."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

from ..metrics import Figure, quantile

WIDTH, HEIGHT = 360, 190
"""Of a plot with axes, in the units of its ``viewBox``."""
LEFT, RIGHT, TOP, BOTTOM = 40, 18, 10, 34
"""Margins around what is plotted."""

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A labelled point or line in a plot."""

    x: float
    y: float
    label: str
    lift: int
    """Down to the label's line from the point."""


@dataclass(frozen=True, slots=True)
class Plot:
    """Lines over two axes, as SVG paths."""

    lines: tuple[str, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    marks: tuple[Mark, ...]
    told: str
    """The plot in words, for those who do not see it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One question for the plot of risk against coverage."""

    confidence: tuple[float, ...]
    """Compared from left to right; more is surer."""
    refused: bool
    right: bool
    """Of a refusal it does not matter."""


def percent(share: float) -> float:
    """A share in 0..1 as a place on a bar of width 100, in tenths."""
    return round(100 * min(max(share, 0.0), 1.0), 1)


def risk_points(outcomes: Sequence[Outcome]) -> list[Point]:
    """(coverage, risk) as ever less sure answers are given.

    Coverage is answers / questions, risk wrong answers / answers (El-Yaniv & Wiener 2010,
    section 2). Answers of equal confidence come together: one point for all of them. The last
    point is what was answered in fact.
    """
    answered = sorted((o for o in outcomes if not o.refused), key=lambda o: o.confidence)
    points, given, wrong = [], 0, 0
    for _, together in groupby(reversed(answered), key=lambda o: o.confidence):
        for outcome in together:
            given, wrong = given + 1, wrong + (not outcome.right)
        points.append((given / len(outcomes), wrong / given))
    return points


def best_points(outcomes: Sequence[Outcome]) -> list[Point]:
    """The same where every right answer is surer than every wrong one: no order does better."""
    ideal = [Outcome((float(o.right), -n), o.refused, o.right) for n, o in enumerate(outcomes)]
    return risk_points(ideal)


def risk_plot(outcomes: Sequence[Outcome]) -> Plot | None:
    """Risk against coverage, the best order below it; nothing where nothing was answered."""
    points = risk_points(outcomes)
    if not points:
        return None
    top = _ceiling(max(risk for _, risk in points))
    coverage, risk = points[-1]
    lines = tuple(_path(line, 1.0, top) for line in (points, best_points(outcomes)))
    label = f"{coverage:.0%} answered, {risk:.0%} of these wrong"
    return Plot(
        lines=lines,
        x_ticks=_ticks(1.0, "x", _percent),
        y_ticks=_ticks(top, "y", _percent),
        marks=(Mark(*_place(points[-1], 1.0, top), label, -9),),
        told=f"Risk against coverage: {label}.",
    )


def latency_plot(seconds: Sequence[float]) -> Plot | None:
    """The share of questions that were done after so many seconds; nothing without times."""
    if not seconds:
        return None
    ordered = sorted(seconds)
    longest = _ceiling(ordered[-1])
    steps: list[Point] = [(0.0, 0.0)]
    for done, second in enumerate(ordered, 1):
        steps += [(second, (done - 1) / len(ordered)), (second, done / len(ordered))]
    steps.append((longest, 1.0))
    marks = []
    for q, name in ((0.5, "median"), (0.95, "95%")):
        value = quantile(ordered, q) or 0.0
        marks.append(Mark(*_place((value, q), longest, 1.0), f"{name} {seconds_label(value)}", 14))
    told = f"Latency of {len(ordered)} questions: {', '.join(mark.label for mark in marks)}."
    return Plot(
        lines=(_path(steps, longest, 1.0),),
        x_ticks=_ticks(longest, "x", seconds_label),
        y_ticks=_ticks(1.0, "y", _percent),
        marks=tuple(marks),
        told=told,
    )


def interval(figure: Figure) -> tuple[float, float, float] | None:
    """(value, low, high) of a figure as places on a bar; None where it is undefined."""
    if figure.value is None or figure.low is None or figure.high is None:
        return None
    return percent(figure.value), percent(figure.low), percent(figure.high)


def seconds_label(value: float) -> str:
    """Seconds for people: ``0.25 s``, ``90 s``."""
    return f"{value:.3g} s"


def _percent(value: float) -> str:
    return f"{value:.0%}" if value >= 0.01 or not value else f"{value:.1%}"


def _ceiling(value: float) -> float:
    """The next of 1, 2, 5 times a power of ten."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1.0, 2.0, 5.0, 10.0) if step * power >= value * 0.999)


def _ticks(top: float, axis: str, spell: Callable[[float], str]) -> tuple[Tick, ...]:
    shares = [top * part / 4 for part in range(5)]
    at = [_place((value, 0.0), top, 1.0)[0] if axis == "x" else _place((0.0, value), 1.0, top)[1]
          for value in shares]  # fmt: skip
    return tuple(Tick(place, spell(value)) for place, value in zip(at, shares, strict=True))


def _place(point: Point, right: float, top: float) -> Point:
    x = LEFT + (WIDTH - LEFT - RIGHT) * point[0] / right
    y = HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * point[1] / top
    return round(x, 1), round(y, 1)


def _path(points: Sequence[Point], right: float, top: float) -> str:
    places = (_place(point, right, top) for point in points)
    return "M" + "L".join(f"{x},{y}" for x, y in places)
