"""One run of a command: its settings, its two streams, and how it fails.

Standard output carries the result and nothing else; messages and progress go to standard
error. Every error of a command is caught here, once.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer
from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from rag.errors import RagError
from rag.render import one_line, to_json
from rag.settings import Settings, load

LINE_EVERY = 5.0
"""Seconds between progress lines where standard error is no terminal."""

OnProgress = Callable[..., None]
"""Called with the count done so far and, where it is known, the total."""

# readable=False: typer would explain its usage; whoever opens the file says what is wrong.
Store = Annotated[
    Path | None,
    typer.Option("--store", metavar="DIR", readable=False, help="Folder of the collection."),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document, nothing else.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


@dataclass(frozen=True)
class Session:
    """What a command works with."""

    settings: Settings
    as_json: bool
    output: TextIO

    def show(self, document: Any, human: RenderableType) -> None:
        """Write the result: ``document`` as JSON, or ``human`` for a reader."""
        if self.as_json:
            self.output.write(to_json(document) + "\n")
        else:
            screen = console(self.output)
            with screen.capture() as capture:
                screen.print(human)
            # Tables and indents are padded with blanks, which spoil text that is copied.
            self.output.write(re.sub(r" +$", "", capture.get(), flags=re.MULTILINE))

    @contextmanager
    def progress(self, unit: str) -> Iterator[OnProgress]:
        """Count on standard error: a bar on a terminal, else a line now and then."""
        errors = console(sys.stderr)
        if not errors.is_terminal:
            yield _lines(unit)
            return
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, TimeElapsedColumn(), console=errors, transient=True) as bar:
            task = bar.add_task(unit, total=None)
            yield lambda done, total=None: bar.update(task, completed=done, total=total)

    @contextmanager
    def waiting(self) -> Iterator[Callable[[str], None]]:
        """Show the stage of the work while a person waits at a terminal."""
        errors = console(sys.stderr)
        if not errors.is_terminal:
            yield lambda _stage: None
            return
        with errors.status("") as status:
            yield lambda stage: status.update(f"{one_line(stage)}…")


def console(stream: TextIO) -> Console:
    """A console that never reads text as markup, emoji codes or numbers to colour."""
    return Console(file=stream, markup=False, emoji=False, highlight=False)


def tell(kind: str, message: str) -> None:
    """One line on standard error: ``rag: KIND: MESSAGE``."""
    sys.stderr.write(f"rag: {kind}: {one_line(message)}\n")


@contextmanager
def session(as_json: bool, debug: bool, **overrides: object) -> Iterator[Session]:
    """Run a command's body; ``overrides`` that are not None win over the settings.

    Leaves with exit status 1 for an error, and 130 for an interrupt, after one line on
    standard error; with ``debug``, the error is raised as it is.
    """
    if debug:
        logging.basicConfig(stream=sys.stderr)
        logging.getLogger("rag").setLevel(logging.DEBUG)
    output = sys.stdout
    try:
        # A library that prints must not spoil the one document on standard output.
        with redirect_stdout(sys.stderr), warnings.catch_warnings():
            warnings.showwarning = lambda message, *_rest, **_named: tell("warning", str(message))
            yield Session(load(**overrides), as_json, output)
        output.flush()
    except KeyboardInterrupt:
        tell("interrupted", "what was finished before is kept")
        raise typer.Exit(130) from None
    except BrokenPipeError:
        # The reader left; Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), output.fileno())
        raise typer.Exit(1) from None
    except typer.Exit:
        raise
    except Exception as error:
        if debug:
            raise
        tell("error", describe(error))
        raise typer.Exit(1) from None


def describe(error: Exception) -> str:
    """One line: a ``RagError``'s own, else the type as well, since it may be a defect."""
    if isinstance(error, RagError):
        return one_line(str(error))
    return one_line(f"{type(error).__name__}: {error} (unexpected; --debug shows where)")


def _lines(unit: str) -> OnProgress:
    last = time.monotonic()

    def show(done: int, total: int | None = None) -> None:
        nonlocal last
        if time.monotonic() - last >= LINE_EVERY:
            last = time.monotonic()
            sys.stderr.write(f"{unit}: {done}{f' of {total}' if total else ''}\n")

    return show
