"""Write ``docs/schema/*.schema.json`` and ``docs/commands.md``: ``python -m rag.schemas docs``.

Both come from the code: the schemas from the types, the commands from their own help.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, get_args

import typer
from pydantic import TypeAdapter
from pydantic.json_schema import JsonSchemaMode
from typer.testing import CliRunner

from rag.cli import app
from rag.documents import (
    BatchReport,
    CheckCase,
    CheckedCase,
    ExplainedRow,
    FailedLine,
    LineId,
    RunQuestion,
    SearchRow,
)
from rag.progress import ProgressEvent
from rag.render import to_json
from rag.reports import ExportReport, Facet, PruneReport, RebuildReport, References, Removal
from rag.types import Answer, CheckedDraft, IngestReport, StoreStatus

READ: dict[str, tuple[str, Any]] = {
    "run-question": ("A line that rag run reads.", RunQuestion),
    "check-case": ("A line that rag check --batch reads.", CheckCase),
}
WRITTEN: dict[str, tuple[str, Any]] = {
    "ingest": ("rag ingest --json", IngestReport),
    "search": ("rag search --json", list[SearchRow] | list[ExplainedRow]),
    "ask": ("rag ask --json", Answer),
    "run-answer": ("A line that rag run writes.", Answer | FailedLine),
    "check": ("rag check FILE --json", CheckedDraft),
    "check-result": ("A line that rag check --batch writes.", CheckedCase | FailedLine),
    "batch": ("rag run --json and rag check --batch --json", BatchReport),
    "status": ("rag status --json", StoreStatus),
    "facets": ("rag facets --json", tuple[Facet, ...]),
    "remove": ("rag remove --json", Removal),
    "prune": ("rag prune --json", PruneReport),
    "rebuild": ("rag rebuild --json", RebuildReport),
    "export": ("rag export --out FILE --json", ExportReport),
    "cite": ("rag cite --json", References),
    "progress": ("A line of standard error while a command with --json works.", ProgressEvent),
}
UNIT = {"support", "contradiction", "score"}
"""Numbers in 0..1."""


def schemas() -> dict[str, dict[str, Any]]:
    """A JSON Schema (draft 2020-12) for each document, by name."""
    made = {name: _schema(*entry, mode="validation") for name, entry in READ.items()}
    made |= {name: _schema(*entry, mode="serialization") for name, entry in WRITTEN.items()}
    # A line of a run carries the id that its question came with.
    kinds = {str: "string", int: "integer"}
    answer = made["run-answer"]["$defs"]["Answer"]["properties"]
    answer["id"] = {"anyOf": [{"type": kinds[kind]} for kind in get_args(LineId)], "title": "Id"}
    return made


def _schema(title: str, kind: Any, mode: JsonSchemaMode) -> dict[str, Any]:
    schema = TypeAdapter(kind).json_schema(mode=mode)
    for part in [schema, *schema.get("$defs", {}).values()]:
        properties = part.get("properties", {})
        if properties and mode == "serialization":
            # What we write holds every field, default or not, and no other.
            part |= {"required": list(properties), "additionalProperties": False}
        for name in UNIT & properties.keys():
            properties[name] |= {"minimum": 0, "maximum": 1}
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": dialect, **schema, "title": title}


def commands() -> str:
    """``docs/commands.md``: the help of every command, as it prints it."""
    group = typer.main.get_group(app)
    names = [""]
    for name, command in group.commands.items():
        below = getattr(command, "commands", {})
        names += [name, *(f"{name} {each}" for each in below)]
    parts = ["# The rag command\n\nWritten by `python -m rag.schemas docs`; do not edit.\n"]
    for name in names:
        args = [*name.split(), "--help"]
        shown = CliRunner().invoke(app, args, prog_name="rag", terminal_width=80).stdout
        parts.append(f"## `rag {name}".rstrip() + f"`\n\n```\n{shown.strip()}\n```\n")
    return "\n".join(parts)


def write(docs: Path) -> None:
    """Write both under ``docs``."""
    for name, schema in schemas().items():
        path = docs / "schema" / f"{name}.schema.json"
        path.write_text(to_json(schema) + "\n", encoding="utf-8")
    (docs / "commands.md").write_text(commands(), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
