"""The parts that live beside ``rag/`` in a checkout and inside it in an installed package."""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path
from types import ModuleType

_HERE = Path(__file__).parent


def path(relative: str) -> Path:
    """Find ``prompts/…``, ``eval/…`` or ``sample/…``.

    Raises:
        FileNotFoundError: the installation lacks it.
    """
    for base in (_HERE, _HERE.parent):
        if (base / relative).exists():
            return base / relative
    raise FileNotFoundError(f"{relative} is missing from this installation of Footnote")


@cache
def prompt(name: str) -> str:
    """The text of ``prompts/NAME.md``."""
    return path(f"prompts/{name}.md").read_text(encoding="utf-8")


def module(name: str) -> ModuleType:
    """Import ``eval``, a part of it or ``app``: ``rag.NAME`` once installed, else ``NAME``."""
    first = name.partition(".")[0]
    if (_HERE / first).exists() or (_HERE / f"{first}.py").exists():
        return importlib.import_module(f"rag.{name}")
    return importlib.import_module(name)
