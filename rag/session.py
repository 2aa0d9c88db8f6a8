"""One run of a command: its settings, its two streams, and how it fails.

Standard output carries the result and nothing else; messages and progress go to standard
error. Every error of a command is caught here, once.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer
from rich.console import Console, RenderableType

from rag.errors import InputError, RagError
from rag.progress import OnProgress, progress
from rag.render import one_line, to_json
from rag.settings import Settings, load

# readable=False: typer would explain its usage; whoever opens the file says what is wrong.
Store = Annotated[
    Path | None,
    typer.Option("--store", metavar="DIR", readable=False, help="Folder of the collection."),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document, nothing else.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


AGAIN = "what was finished is kept; run the same command again for the rest"
NOTHING = "nothing was changed; run the command again"


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

    def progress(self, unit: str) -> AbstractContextManager[OnProgress]:
        """Count on standard error: a bar on a terminal, lines elsewhere, events with --json."""
        return progress(unit, self.as_json, console(sys.stderr))

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
def session(
    as_json: bool, debug: bool, resume: str = NOTHING, **overrides: object
) -> Iterator[Session]:
    """Run a command's body; ``overrides`` that are not None win over the settings.

    ``resume`` tells who interrupts it what is kept and how to go on.

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
        tell("interrupted", resume)
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


def read_text(path: Path) -> str:
    """The text of a file, or of standard input for ``-``.

    Raises:
        InputError: it cannot be read, is not UTF-8, or holds nothing but blanks.
    """
    try:
        data = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}; give a text file") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text (byte {error.start}); convert it") from error
    if not text.strip():
        raise InputError(f"{path} holds no text; there is nothing to read")
    return text


def describe(error: Exception) -> str:
    """One line: a ``RagError``'s own, else the type as well, since it may be a defect."""
    if isinstance(error, RagError):
        return one_line(str(error))
    return one_line(f"{type(error).__name__}: {error} (unexpected; --debug shows where)")
