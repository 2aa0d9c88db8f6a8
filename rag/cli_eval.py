"""``rag eval``: the shipped questions or a set of one's own, labelled drafts, public claims."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from rag import resources
from rag.errors import InputError
from rag.render import to_json
from rag.session import Debug, Json, OnProgress, Session, Store, session

Split = Literal["dev", "test", "all"]


def evaluate(
    questions: Annotated[
        Path | None,
        typer.Argument(
            metavar="SET",
            readable=False,
            help="Folder of a set; default: the built-in. Or the word drafts: the check on drafts "
            "with labelled sentences. Or the word claims: the verifier on public sets.",
        ),
    ] = None,
    public: Annotated[
        Path | None,
        typer.Argument(metavar="DIR", readable=False, help="With claims: their folder."),
    ] = None,
    split: Annotated[Split, typer.Option("--split", help="Part of the set.")] = "all",
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", readable=False, help="Write the JSON report, too."),
    ] = None,
    model: Annotated[
        str, typer.Option("--model", metavar="NAME", help="Chat model; RAG_MODEL is not read.")
    ] = "",
    store: Store = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Measure search, answers, refusals and the check, offline."""
    word = str(questions)
    if word in ("drafts", "claims") and model:
        raise typer.BadParameter(f"{word} are checked as they stand; leave out --model")
    if word == "claims" and (public is None or split != "all"):
        raise typer.BadParameter("claims: name the public sets' folder, and no --split")
    if word != "claims" and public is not None:
        raise typer.BadParameter(f"only claims are read from a second folder; leave out {public}")
    # Nothing is sent for a variable that was set for other work: only --model asks a model.
    with session(as_json, debug, store=store, model=model, embedding="minilm") as run:
        unit = word if word in ("drafts", "claims") else "questions"
        with run.progress(unit) as count:
            report = _report(run, questions, public, split, count)
        if out is not None:
            try:
                out.write_text(to_json(report.to_dict()) + "\n", encoding="utf-8")
            except OSError as error:
                raise InputError(f"--out {out} cannot be written: {error.strerror}") from error
        run.show(report.to_dict(), report.table())


def _report(
    run: Session, questions: Path | None, public: Path | None, split: Split, count: OnProgress
) -> Any:
    harness = resources.module("eval")
    if public is not None:
        return harness.evaluate_claims(public, on_progress=count)
    if questions == Path("drafts"):
        return harness.evaluate_drafts(split=split, on_progress=count)
    return harness.evaluate(questions, run.settings, split=split, on_progress=count)
