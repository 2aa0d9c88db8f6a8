"""Gradio, imported without what it does at its import beside importing."""

from __future__ import annotations

import inspect
from typing import Any


def import_gradio() -> None:
    """Import Gradio; a third of its usual time is saved.

    At each import, Gradio parses the source of its 80 components to write type stubs for editors
    beside them, into the folder of the installed package. It leaves that for classes whose file
    is not known, which is therefore what it is told meanwhile.
    """
    look_up = inspect.getfile

    def unknown(thing: Any) -> str:
        if isinstance(thing, type) and thing.__module__.startswith("gradio."):
            raise OSError("no file is told while Gradio is imported")
        return look_up(thing)

    inspect.getfile = unknown  # type: ignore[assignment]
    try:
        import gradio  # noqa: F401
    finally:
        inspect.getfile = look_up
