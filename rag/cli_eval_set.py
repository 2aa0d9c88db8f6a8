"""``rag eval new``, ``lint``, ``import`` and ``export``: a set over one's own papers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from rag import resources
from rag.errors import InputError
from rag.render import one_line, outbound, to_dict
from rag.session import Debug, Json, Session, Store, session, tell

if TYPE_CHECKING:
    from rag.library import Library

NewFolder = Annotated[
    Path, typer.Option("--out", metavar="DIR", readable=False, help="The set's folder; a new one.")
]
_MOST_TOLD = 5


def draft(
    out: NewFolder,
    papers: Annotated[
        int, typer.Option("--papers", min=1, metavar="N", help="Papers to ask about.")
    ] = 30,
    model: Annotated[
        str,
        typer.Option(
            "--model", metavar="NAME", help="Chat model that proposes; RAG_MODEL is not read."
        ),
    ] = "",
    store: Store = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Draft a set from the papers of a library.

    With a model: questions and facts are proposed, each fact verified against its abstract.
    Without: sentences with a gap and questions by topic. Either is to be edited.
    """
    with session(as_json, debug, store=store, model=model) as run:
        own = resources.module("eval.own")
        from rag.library import Library

        # As far as only the embedding goes; what a model is sent is told below.
        for line in outbound(run.settings.model_copy(update={"model": ""})):
            tell("notice", line)
        with Library.open(settings=run.settings) as library, run.progress("papers") as count:
            made = own.draft_set(library, papers, out, _propose(run, library), count)
        told = [f"{made.folder}: {len(made.items)} questions on {made.asked} papers"]
        told += [f"left out: {row.where}: {row.reason}" for row in made.rejected[:_MOST_TOLD]]
        if len(made.rejected) > _MOST_TOLD:
            told.append(f"… and {len(made.rejected) - _MOST_TOLD} more: {out / 'review.md'}")
        told += [f"failed: {row.where}: {row.reason}" for row in made.failed]
        told.append(f"next: read {out / 'review.md'}, edit {out / 'questions.jsonl'}, then run")
        told.append(f"rag eval lint {out}")
        _show(run, made.to_dict(), told)


def _propose(run: Session, library: Library) -> Callable[..., Any]:
    if not run.settings.model:
        writer = resources.module("eval.own.cloze").ClozeWriter(library.store.all_papers())
    else:
        from rag.chat import ChatWriter

        chat = ChatWriter.from_settings(run.settings)
        if chat.remote:
            tell("notice", f"Titles and abstracts of the papers go to {chat.endpoint}.")
        writer = resources.module("eval.own.asked").ModelWriter(chat)
    propose: Callable[..., Any] = writer.propose
    return propose


def lint(
    questions: Annotated[Path, typer.Argument(metavar="SET", readable=False, help="Its folder.")],
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Say what is wrong with a set, by file and line; status 1 where it cannot be used."""
    with session(as_json, debug) as run:
        found = resources.module("eval.own").lint_set(questions)
        told = [f"{fault.where}: {fault.level}: {fault.text}" for fault in found.faults]
        warnings = len(found.faults) - found.errors
        told.append(f"{found.questions} questions: {found.errors} errors, {warnings} warnings")
        _show(run, found.to_dict(), told)
        run.output.flush()
        if found.errors:
            raise typer.Exit(1)


def import_(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="FROM", readable=False,
            help="BEIR's folder, ragas' file, a table (CSV) or feedback.jsonl.",
        ),
    ],
    out: NewFolder,
    collection: Annotated[
        Path | None,
        typer.Option(
            "--collection", metavar="FILE", readable=False,
            help="Papers that a table or a thumb is about; default: the library.",
        ),
    ] = None,
    store: Store = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:  # fmt: skip
    """Make a set of one of ragas, of BEIR, of a table or of the page's thumbs."""
    with session(as_json, debug, store=store) as run:
        own = resources.module("eval.own")
        made = own.import_set(source, out, lambda: _papers(run, collection))
        told = [f"{made.folder}: {made.questions} questions of {made.form}, {made.papers} papers"]
        told += [f"left out: {row.where}: {row.reason}" for row in made.left_out]
        if made.to_review:
            told.append(f"the facts of {made.to_review} were proposed; read them: tag review")
        _show(run, to_dict(made), told)


def _show(run: Session, document: Any, lines: list[str]) -> None:
    """The document, or lines that stay whole: programs look for FILE:LINE in them."""
    if run.as_json:
        run.show(document, "")
    else:
        run.output.write("".join(f"{one_line(line)}\n" for line in lines))


def _papers(run: Session, collection: Path | None) -> Any:
    if collection is not None:
        return resources.module("eval.sets").collection_papers(collection)
    from rag.library import Library

    with Library.open(settings=run.settings) as library:
        return list(library.store.all_papers())


def export(
    questions: Annotated[Path, typer.Argument(metavar="SET", readable=False, help="Its folder.")],
    out: Annotated[
        Path,
        typer.Option("--out", metavar="PATH", readable=False, help="A file; for BEIR a folder."),
    ],
    form: Annotated[Literal["ragas", "beir", "csv"], typer.Option("--to", help="Its format.")],
    answers: Annotated[
        Path | None,
        typer.Option(
            "--run", metavar="RUN.jsonl", readable=False, help="For ragas: answers to put in."
        ),
    ] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Write a set for another tool."""
    if answers is not None and form != "ragas":
        raise typer.BadParameter("answers go with --to ragas only", param_hint="--run")
    with session(as_json, debug) as run:
        if form != "beir" and out.is_dir():
            raise InputError(f"--out {out}: expected a file to write, found a folder; name a file")
        harness = resources.module("eval")
        given = resources.module("eval.runs").read_run(answers) if answers else None
        made = resources.module("eval.own").export_set(
            harness.load_set(questions), form, out, given
        )
        told = [f"{made.out}: {made.questions} questions"]
        if made.left_out:
            told.append(f"no place there for {', '.join(made.left_out)}")
        _show(run, to_dict(made), told)
