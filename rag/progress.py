"""How far work is, how fast it goes and how long it will still take: on standard error."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Literal

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

LINE_EVERY = 5.0
"""Seconds between lines for people where standard error is no terminal."""
EVENT_EVERY = 1.0
"""Seconds between events for programs."""

OnProgress = Callable[..., None]
"""Called with the count done so far and, where it is known, the total."""


@dataclass(frozen=True, slots=True)
class ProgressEvent:
    """A line of JSON on standard error; other lines there do not begin with a brace."""

    event: Literal["progress"]
    unit: str
    """What is counted."""
    done: int
    total: int | None
    rate: float | None
    """Units a second, of late."""
    remaining: float | None
    """Seconds, at that rate."""
    seconds: float
    """Since the work began."""


@contextmanager
def progress(unit: str, as_json: bool, errors: Console) -> Iterator[OnProgress]:
    """Count on standard error: a bar on a terminal, else a line or an event now and then."""
    terminal = errors.is_terminal and not as_json
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=errors, transient=True, disable=not terminal) as bar:
        task_id = bar.add_task(unit, total=None)
        [task] = bar.tasks
        told = time.monotonic()
        counted = spoke = False

        def show(done: int, total: int | None = None) -> None:
            nonlocal told, counted, spoke
            bar.update(task_id, completed=done, total=total)
            counted = True
            every = EVENT_EVERY if as_json else LINE_EVERY
            if not terminal and time.monotonic() - told >= every:
                told, counted, spoke = time.monotonic(), False, True
                _tell(event_of(task), as_json)

        try:
            yield show
        finally:
            if as_json and spoke and counted:  # where it ended
                _tell(event_of(task), as_json)


def event_of(task: Task) -> ProgressEvent:
    """What is known of the work at this moment."""
    speed, total = task.speed, task.total
    left = (total - task.completed) / speed if total is not None and speed else None
    return ProgressEvent(
        event="progress",
        unit=task.description,
        done=int(task.completed),
        total=None if total is None else int(total),
        rate=round(speed, 3) if speed else None,
        remaining=None if left is None else round(max(0.0, left), 1),
        seconds=round(task.elapsed or 0.0, 1),
    )


def in_words(event: ProgressEvent) -> str:
    """``papers: 640 of 1,000, 35.2 a second, 10 s left``."""
    total = "" if event.total is None else f" of {event.total:,}"
    rate = "" if event.rate is None else f", {_per_second(event.rate)}"
    left = "" if event.remaining is None else f", {_span(event.remaining)} left"
    return f"{event.unit}: {event.done:,}{total}{rate}{left}"


class _Rate(ProgressColumn):
    """Units a second."""

    def render(self, task: Task) -> Text:
        return Text(_per_second(task.speed) if task.speed else "", style="progress.data.speed")


def _tell(event: ProgressEvent, as_json: bool) -> None:
    sys.stderr.write((json.dumps(asdict(event)) if as_json else in_words(event)) + "\n")
    sys.stderr.flush()


def _per_second(rate: float) -> str:
    return f"{rate:,.0f} a second" if rate >= 100 else f"{rate:.2g} a second"


def _span(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
