"""A run: one answer a line, as ``rag run`` writes it, and beside it what it was made with.

``RUN.jsonl`` may come from any system: of a line, ``id`` and ``text`` (or ``error``) will do.
``RUN.meta.json`` is written by Footnote's own runs only.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rag.documents import FailedLine
from rag.errors import InputError
from rag.render import to_json
from rag.types import Source, Usage

from .records import short
from .sets import Item

Document = dict[str, Any]


class Part(BaseModel):
    """A part of a line; what the evaluation does not read is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)


class GivenSource(Part):
    """A source; without a number it is the next one."""

    n: int | None = None
    paper_id: str = ""
    title: str = ""
    url: str = ""
    year: int | None = None
    text: str = ""


class GivenPaper(Part):
    """A row of what retrieval returned."""

    paper_id: str


class GivenNote(Part):
    """A remark beside the answer."""

    kind: str = ""
    text: str


class GivenRefusal(Part):
    """Why there is no answer."""

    cause: str = ""


class GivenRemoval(Part):
    """A sentence that was withheld."""

    text: str
    verdict: str = ""


class RunLine(Part):
    """A line of a run: an answer, or an ``error`` and nothing else."""

    id: str = Field(min_length=1)
    error: str = ""
    refused: bool = False
    text: str = ""
    sources: tuple[GivenSource, ...] = ()
    retrieved: tuple[GivenPaper, ...] | None = None
    """None: the run does not say; then the sources are what was retrieved, as far as known."""
    notes: tuple[GivenNote, ...] = ()
    refusal: GivenRefusal | None = None
    removed: tuple[GivenRemoval, ...] = ()
    model: str = ""
    timings: dict[str, float] = Field(default_factory=dict)
    usage: Usage = Usage()

    @property
    def numbered(self) -> tuple[Source, ...]:
        """The sources, numbered."""
        return tuple(
            Source(n if s.n is None else s.n, s.paper_id, s.title, s.url, s.year, s.text)
            for n, s in enumerate(self.sources, 1)
        )

    @property
    def ranked(self) -> tuple[str, ...]:
        """Ids of the papers that were retrieved, best first, each once."""
        rows = self.sources if self.retrieved is None else self.retrieved
        return tuple(dict.fromkeys(row.paper_id for row in rows if row.paper_id))


def read_run(path: Path) -> dict[str, RunLine]:
    """The lines of a run by their ids.

    Raises:
        InputError: names the line, what was expected and what was found.
    """
    lines: dict[str, RunLine] = {}
    for number, text in enumerate(_read(path).splitlines(), 1):
        if not text.strip():
            continue
        where = f"{path}:{number}"
        line = _parse(text, where)
        if line.id in lines:
            raise InputError(f"{where}: expected each id once, found {line.id!r} again; remove one")
        lines[line.id] = line
    return lines


def _parse(text: str, where: str) -> RunLine:
    try:
        record = json.loads(text)
        known = {k: v for k, v in record.items() if v is not None}
        line = RunLine.model_validate(known)
    except (ValueError, AttributeError, RecursionError) as error:
        if isinstance(error, ValidationError):
            first = error.errors()[0]
            reason = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        else:
            reason = "no JSON object"
        raise InputError(
            f"{where}: expected an answer as rag run writes it, found {short(text)} ({reason}); "
            "correct this line"
        ) from error
    if not line.error and "text" not in known:
        raise InputError(f"{where}: expected text or error, found neither; correct this line")
    return line


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}; give a run") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 (byte {error.start}); give a run") from error


def meta_path(run: Path) -> Path:
    """``RUN.meta.json``: what the run was made with."""
    return run.with_suffix(".meta.json")


def read_meta(run: Path) -> Document | None:
    """What a run was made with; None for one made elsewhere, or one whose meta is unreadable."""
    try:
        meta = json.loads(meta_path(run).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return meta if isinstance(meta, dict) else None


def write_run(
    out: Path, meta: Mapping[str, Any], items: Sequence[Item], ask: Callable[[Item], Document],
    on_progress: Callable[[int, int], None],
) -> None:  # fmt: skip
    """Write a run and its meta, a line as soon as it is known.

    A run of the same origin that broke off goes on: only what is missing or failed is asked.

    Args:
        out: the run; its folder is made.
        meta: the run's origin. ``finished``, ``hash`` and ``timings`` are added to it.
        items: what to ask, in order.
        ask: gives the line for one item.
        on_progress: called with (lines written, lines in all).

    Raises:
        InputError: ``out`` does not end in ``.jsonl``, or a file cannot be written.
    """
    if out.suffix != ".jsonl":
        raise InputError(f"--out {out}: expected a name that ends in .jsonl; rename it")
    known = _unfinished(out, meta)
    write(meta_path(out), {**meta, "finished": False})
    write_lines(out, list(known.values()))
    with out.open("a", encoding="utf-8") as file:
        for item in items:
            if item.id not in known:
                known[item.id] = ask(item)
                file.write(to_json(known[item.id], indent=None) + "\n")
                file.flush()
            on_progress(len(known), len(items))
    lines = [known[item.id] for item in items]
    write_lines(out, lines)
    seconds = sum(line.get("timings", {}).get("total", 0.0) for line in lines)
    timed = {"timings": {**meta.get("timings", {}), "answers": round(seconds, 3)}}
    write(meta_path(out), {**meta, "finished": True, "hash": content_hash(lines), **timed})


def _unfinished(out: Path, meta: Mapping[str, Any]) -> dict[str, Document]:
    """The good lines of a run of this origin that broke off, by their ids."""
    before = read_meta(out)
    if not before or before.get("finished") is not False or not out.exists():
        return {}
    if {**before, "finished": 0, "timings": 0} != {**meta, "finished": 0, "timings": 0}:
        return {}
    kept = {}
    for text in out.read_bytes().splitlines():
        try:
            line = json.loads(text)
        except ValueError:  # half a line
            continue
        if isinstance(line, dict) and "error" not in line and "id" in line:
            kept[line["id"]] = line
    return kept


def untimed(document: Any) -> Any:
    """A document without what stands under ``timings``, which no two runs share."""
    if isinstance(document, Mapping):
        return {key: untimed(value) for key, value in document.items() if key != "timings"}
    return (
        [untimed(value) for value in document] if isinstance(document, list | tuple) else document
    )


def content_hash(lines: Sequence[Any]) -> str:
    """SHA-256 over the lines of a file, ``timings`` left out."""
    rows = (json.dumps(untimed(line), sort_keys=True, ensure_ascii=False) for line in lines)
    return hashlib.sha256("\n".join(rows).encode("utf-8", "surrogatepass")).hexdigest()


def failed_line(item: Item, reason: str) -> Document:
    """What stands in a run where an item failed."""
    failed = FailedLine(item.id, reason)
    return {"id": failed.id, "error": failed.error}


def write_lines(path: Path, lines: Sequence[Any]) -> None:
    """Write a JSON Lines file at once: it is the old one or the new one.

    Raises:
        InputError: it cannot be written.
    """
    write_text(path, "".join(to_json(line, indent=None) + "\n" for line in lines))


def write(path: Path, document: Any) -> None:
    """Write a JSON file at once.

    Raises:
        InputError: it cannot be written.
    """
    write_text(path, to_json(document) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a file at once.

    Raises:
        InputError: it cannot be written.
    """
    beside = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        raise InputError(
            f"{path} cannot be written: {error.strerror}; name another place"
        ) from error
