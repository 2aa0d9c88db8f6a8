"""Footnote: cited, checked answers from collections of paper abstracts.

``Library`` holds a collection, ``Assistant`` answers over it and ``check`` judges a draft
against given sources. Everything is loaded at first use, so that importing ``rag`` is free.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rag.assistant import Assistant as Assistant
    from rag.checking import check as check
    from rag.errors import RagError as RagError
    from rag.library import Library as Library
    from rag.settings import Settings as Settings
    from rag.types import Answer as Answer
    from rag.types import CheckedDraft as CheckedDraft
    from rag.types import Filter as Filter
    from rag.types import Hit as Hit
    from rag.types import IngestReport as IngestReport
    from rag.types import Paper as Paper
    from rag.types import Passage as Passage
    from rag.types import Source as Source
    from rag.types import Turn as Turn

__version__ = "0.1.0"

_HOMES = {
    "Answer": "types",
    "Assistant": "assistant",
    "CheckedDraft": "types",
    "Filter": "types",
    "Hit": "types",
    "IngestReport": "types",
    "Library": "library",
    "Paper": "types",
    "Passage": "types",
    "RagError": "errors",
    "Settings": "settings",
    "Source": "types",
    "Turn": "types",
    "check": "checking",
}

__all__ = [*_HOMES, "__version__"]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'rag' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"rag.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
