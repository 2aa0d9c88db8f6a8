"""``rag eval beir``: search, measured on a public benchmark or any folder of its format."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rag import resources
from rag.session import Debug, Json, session


def beir(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="PATH", readable=False, help="Has corpus.jsonl, queries.jsonl, qrels/*.tsv."
        ),
    ],
    split: Annotated[str, typer.Option("--split", metavar="NAME", help="File of qrels.")] = "test",
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, metavar="N", help="Questions at most.")
    ] = None,
    k: Annotated[int, typer.Option("-k", min=1, metavar="K", help="Papers a question.")] = 100,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Measure search alone on a folder in BEIR's format."""
    with session(as_json, debug, model="", embedding="minilm") as run:
        from rag.embedding import load_embedder

        with run.progress("papers and questions") as count:
            report = resources.module("eval.beir").evaluate_beir(
                path, load_embedder(run.settings), split=split, limit=limit, depth=k,
                on_progress=count,
            )  # fmt: skip
        run.show(report.to_dict(), report.table())
