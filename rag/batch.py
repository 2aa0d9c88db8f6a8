"""JSON Lines in, JSON Lines out: a line that fails is reported in its place."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rag.documents import (
    BatchReport,
    FailedLine,
    Line,
    read_lines,
)
from rag.errors import InputError, RagError
from rag.render import to_json
from rag.session import OnProgress, describe

_log = logging.getLogger(__name__)


def run_batch(
    source: Path, out: Path, kind: type[Line], work: Callable[[Line], Any], on_progress: OnProgress
) -> BatchReport:
    """Write ``work`` of each line of ``source`` to ``out``, each line as soon as it is known.

    Raises:
        InputError: ``source`` cannot be read or holds no line, ``out`` cannot be written,
            or not one line succeeded (``out`` is written nevertheless).
    """
    started = time.monotonic()
    lines = list(read_lines(source, kind))
    if not lines:
        raise InputError(f"{source} holds no line; give one JSON object per line")
    if out.exists() and out.samefile(source):
        raise InputError(f"--out {out} is the file that is read; name another")
    failures = []
    try:
        file = out.open("w", encoding="utf-8")
    except OSError as error:
        raise InputError(f"--out {out} cannot be written: {error.strerror}") from error
    with file:
        for done, line in enumerate(lines, 1):
            document = line if isinstance(line, FailedLine) else _attempt(line, work)
            if isinstance(document, FailedLine):
                failures.append(document)
            file.write(to_json(document, indent=None) + "\n")
            file.flush()
            on_progress(done, len(lines))
    if len(failures) == len(lines):
        raise InputError(f"not one of {len(lines)} lines succeeded; first: {failures[0].error}")
    return BatchReport(len(lines) - len(failures), len(failures), time.monotonic() - started)


def _attempt(line: Line, work: Callable[[Line], Any]) -> Any:
    try:
        return work(line)
    except Exception as error:
        if not isinstance(error, RagError):
            _log.debug("line %s failed", line.id, exc_info=True)
        return FailedLine(line.id, describe(error))
