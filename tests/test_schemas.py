"""The published schemas are true: of the types, the examples and what render.py writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from rag.documents import CheckedCase, FailedLine
from rag.render import to_dict
from rag.schemas import READ, WRITTEN, commands, schemas
from tests.test_render import ANSWER, REFUSED

DOCS = Path(__file__).parent.parent / "docs"
NAMES = [*READ, *WRITTEN]


def validate(name: str, document: Any) -> None:
    Draft202012Validator(schemas()[name]).validate(document)


@pytest.mark.parametrize("name", NAMES)
def test_the_schema_on_disk_is_the_one_of_the_types(name: str) -> None:
    published = json.loads((DOCS / "schema" / f"{name}.schema.json").read_text("utf-8"))
    Draft202012Validator.check_schema(published)
    assert published == json.loads(json.dumps(schemas()[name])), "run: python -m rag.schemas docs"


@pytest.mark.parametrize("name", NAMES)
def test_the_example_fits_its_schema(name: str) -> None:
    validate(name, json.loads((DOCS / "schema" / f"{name}.example.json").read_text("utf-8")))


def test_nothing_else_is_published() -> None:
    names = {path.name.split(".")[0] for path in (DOCS / "schema").iterdir()}
    assert names == set(NAMES)


@pytest.mark.parametrize("answer", [ANSWER, REFUSED], ids=["answered", "refused"])
def test_answers_fit(answer: object) -> None:
    validate("ask", to_dict(answer))
    validate("run-answer", to_dict(answer) | {"id": 7})


def test_failed_lines_fit() -> None:
    validate("run-answer", to_dict(FailedLine("line-3", "no question")))
    validate("check-result", to_dict(FailedLine(3, "no draft")))
    validate("check-result", to_dict(CheckedCase(3, ())))


@pytest.mark.parametrize("change", [{"extra": 1}, {"refused": "no"}, {"sources": None}])
def test_what_does_not_fit_is_told(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        validate("ask", to_dict(ANSWER) | change)


def test_every_command_is_documented() -> None:
    assert (DOCS / "commands.md").read_text("utf-8") == commands(), (
        "run: python -m rag.schemas docs"
    )
