"""JSON Lines in, JSON Lines out: a line that fails is reported in its place."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rag.documents import (
    BatchReport,
    FailedLine,
    Line,
    LineId,
    read_lines,
)
from rag.errors import InputError, RagError
from rag.progress import OnProgress
from rag.render import to_json
from rag.session import describe

_log = logging.getLogger(__name__)


def run_batch(
    source: Path,
    out: Path,
    kind: type[Line],
    work: Callable[[Line], Any],
    on_progress: OnProgress,
    resume: bool = False,
) -> BatchReport:
    """Write ``work`` of each line of ``source`` to ``out``, each line as soon as it is known.

    Args:
        source: the lines.
        out: one line for each.
        kind: what they are.
        work: what is to be done with one.
        on_progress: called with the lines done and their total.
        resume: keep the whole lines that ``out`` holds, and do those after them.

    Raises:
        InputError: ``source`` cannot be read or holds no line, ``out`` cannot be written or is
            not the beginning of this run, or not one line succeeded (``out`` is written
            nevertheless).
    """
    started = time.monotonic()
    lines = list(read_lines(source, kind))
    if not lines:
        raise InputError(f"{source} holds no line; give one JSON object per line")
    if out.exists() and out.samefile(source):
        raise InputError(f"--out {out} is the file that is read; name another")
    kept = _kept(out, [line.id for line in lines]) if resume else []
    try:
        file = out.open("w", encoding="utf-8")
    except OSError as error:
        raise InputError(f"--out {out} cannot be written: {error.strerror}") from error
    with file:
        file.writelines(f"{line}\n" for line in kept)
        failures = [FailedLine(**row) for row in map(json.loads, kept) if "error" in row]
        for done, line in enumerate(lines[len(kept) :], len(kept) + 1):
            document = line if isinstance(line, FailedLine) else _attempt(line, work)
            if isinstance(document, FailedLine):
                failures.append(document)
            file.write(to_json(document, indent=None) + "\n")
            file.flush()
            on_progress(done, len(lines))
    if len(failures) == len(lines):
        raise InputError(f"not one of {len(lines)} lines succeeded; first: {failures[0].error}")
    return BatchReport(len(lines) - len(failures), len(failures), time.monotonic() - started)


def _kept(out: Path, ids: Sequence[LineId]) -> list[str]:
    """The whole lines of ``out``, which are to be those of the first ``ids``."""
    try:
        whole = out.read_text(encoding="utf-8").split("\n")[:-1]  # the last may be half a line
        found = [json.loads(line)["id"] for line in whole]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise InputError(f"--out {out} cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, KeyError):
        found = [None]
    if found != list(ids[: len(found)]):
        raise InputError(
            f"--out {out} does not begin with the answers to these lines; run without --resume"
        )
    return whole


def kept_in(out: Path) -> str:
    """What to tell who interrupts a batch."""
    return f"the lines in {out} are kept; the same command with --resume does the rest"


def _attempt(line: Line, work: Callable[[Line], Any]) -> Any:
    try:
        return work(line)
    except Exception as error:
        if not isinstance(error, RagError):
            _log.debug("line %s failed", line.id, exc_info=True)
        return FailedLine(line.id, describe(error))
