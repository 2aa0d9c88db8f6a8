"""A set's folder as files: what is written, and nothing of a person's overwritten."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from rag.errors import InputError
from rag.references import to_jsonl
from rag.types import Paper

from ..sets import Item

PAPERS = "papers.jsonl"


def new_folder(out: Path) -> Path:
    """Make the folder of a set.

    Raises:
        InputError: it holds something, or cannot be made.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        taken = next(out.iterdir(), None)
    except OSError as error:
        raise InputError(
            f"--out {out}: expected a folder to write to ({error.strerror}); name another"
        ) from error
    if taken:
        raise InputError(
            f"--out {out}: expected an empty or a new folder, found {taken.name} in it; name "
            "another, so that nothing you edited is lost"
        )
    return out


def write_set(folder: Path, items: Sequence[Item], papers: Iterable[Paper]) -> None:
    """Write ``set.json``, ``questions.jsonl`` and the papers."""
    head = {"name": folder.resolve().name, "version": "1", "collection": PAPERS}
    write(folder / "set.json", json.dumps(head, ensure_ascii=False) + "\n")
    write(folder / "questions.jsonl", "".join(f"{to_line(item)}\n" for item in items))
    write(folder / PAPERS, "".join(f"{to_jsonl(paper).strip()}\n" for paper in papers))


def to_line(item: Item) -> str:
    """An item as a line of ``questions.jsonl``, what is empty by default left out."""
    return json.dumps(item.model_dump(mode="json", exclude_defaults=True), ensure_ascii=False)


def write(path: Path, text: str) -> None:
    """Write a text file.

    Raises:
        InputError: it cannot be written.
    """
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}") from error
