"""The option of ``rag ingest`` and ``rag prune`` that says what fields are called in a file."""

from __future__ import annotations

from typing import Annotated

import typer

from rag.errors import InputError
from rag.loaders.keys import read_names

Names = Annotated[
    str,
    typer.Option(
        "--map", metavar="FIELD=NAME,…", help="What columns or keys are called: abstract=AB."
    ),
]


def fields_of(names: str) -> dict[str, str]:
    """The names by field; leaves with wrong usage for what is no such list."""
    try:
        return read_names(names)
    except InputError as error:
        raise typer.BadParameter(str(error), param_hint="--map") from error
