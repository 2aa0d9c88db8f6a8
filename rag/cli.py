"""The ``rag`` command. Imports nothing heavy: ``rag --help`` answers at once."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rag import __version__
from rag.batch import kept_in, run_batch
from rag.cli_chat import Model, chat
from rag.cli_eval import eval_app
from rag.cli_facets import facets
from rag.cli_fetch import fetch
from rag.cli_filters import Ids, Keyword, PaperId, Since, Topic, Until, Venue, filter_of, tell_of
from rag.cli_library import cite, export, prune, rebuild, remove
from rag.cli_mcp import mcp
from rag.cli_names import Names, fields_of
from rag.cli_users import user_app
from rag.documents import CheckCase, CheckedCase, RunQuestion, explained_rows, search_rows
from rag.errors import InputError, RagError
from rag.render import (
    checked_to_markdown,
    checked_to_terminal,
    found_to_terminal,
    ingested_to_terminal,
    status_to_terminal,
    to_dict,
    to_terminal,
)
from rag.session import AGAIN, NOTHING, Debug, Json, Session, Store, read_text, session, tell
from rag.settings import Settings
from rag.text import clean, whole
from rag.types import Answer, Filter, Status, Turn

if TYPE_CHECKING:
    from rag.assistant import Assistant
    from rag.library import Library

app = typer.Typer(
    name="rag",
    help="Cited, checked answers from your own collection of paper abstracts.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Question = Annotated[str, typer.Argument(metavar="QUESTION", help="In plain words.")]
Out = Annotated[
    Path, typer.Option("--out", metavar="FILE", readable=False, help="Where the results go.")
]

Resume = Annotated[
    bool, typer.Option("--resume", help="Keep the lines that OUT holds, and do the rest.")
]


def main() -> None:
    """Run the command line; leaves with exit status 0, 1 (error) or 2 (wrong usage)."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    app(prog_name="rag")


@contextmanager
def open_assistant(settings: Settings) -> Iterator[Assistant]:
    """The assistant over the settings' collection, closed afterwards."""
    from rag.assistant import Assistant

    with open_library(settings) as library:
        yield Assistant(library)


def open_library(settings: Settings) -> Library:
    """The settings' collection, or the sample for a newcomer who has none."""
    from rag import sample

    return sample.open_library(settings, lambda line: tell("notice", line))


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        typer.echo(f"footnote-rag {__version__}")
        raise typer.Exit


@app.command()
def ingest(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH",
            readable=False,
            help="Files in any format, folders and archives of them; - for standard input.",
        ),
    ],
    names: Names = "",
    store: Store = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Take papers into the collection.

    A paper that is there unchanged is left alone, a changed one is replaced.
    """
    fields = fields_of(names)
    with session(as_json, debug, AGAIN, store=store) as run:
        from rag.library import Library

        with Library.open(settings=run.settings) as library, run.progress("papers") as count:
            report = library.ingest(paths, on_progress=count, names=fields)
        run.show(report, ingested_to_terminal(report))
        if report.failed and not report.added + report.updated + report.unchanged:
            first = report.failed[0]
            raise InputError(f"nothing was taken in; first: {first.where}: {first.reason}")


app.command()(fetch)


@app.command()
def search(
    question: Question,
    k: Annotated[int, typer.Option("-k", min=1, metavar="K", help="Papers at most.")] = 10,
    since: Since = None,
    until: Until = None,
    venue: Venue = None,
    keyword: Keyword = None,
    paper_id: PaperId = None,
    ids: Ids = None,
    topic: Topic = None,
    explain: Annotated[bool, typer.Option("--explain", help="Say why each was found.")] = False,
    store: Store = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """List the papers nearest to a question, best first."""
    with session(as_json, debug, store=store) as run:
        where = filter_of(since, until, venue, keyword, paper_id, ids, topic)
        with open_library(run.settings) as library:
            hits = library.search(question, k, where)
            rows = explained_rows(question, hits) if explain else search_rows(hits)
            if where:
                tell_of(library, where, found=bool(rows))
        run.show(rows, found_to_terminal(rows))


@app.command()
def ask(
    question: Question,
    since: Since = None,
    until: Until = None,
    venue: Venue = None,
    keyword: Keyword = None,
    paper_id: PaperId = None,
    ids: Ids = None,
    topic: Topic = None,
    model: Model = None,
    store: Store = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Answer a question; every sentence is cited and checked."""
    with session(as_json, debug, store=store, model=model) as run:
        where = filter_of(since, until, venue, keyword, paper_id, ids, topic)
        with open_assistant(run.settings) as assistant:
            answer = _ask(run, assistant, question, where)
            if where and not answer.refused:  # a refusal tells it itself
                tell_of(assistant.library, where, found=True)
        run.show(answer, to_terminal(answer, run.settings))


def _ask(run: Session, assistant: Assistant, question: str, where: Filter | None) -> Answer:
    with run.waiting() as stage:
        for event in assistant.stream(question, where=where):
            if isinstance(event, Status):
                stage(event.text)
            if isinstance(event, Answer):
                return event
    raise RagError("the assistant ended without an answer; run again with --debug")


@app.command()
def run(
    questions: Annotated[
        Path, typer.Argument(metavar="QUESTIONS", readable=False, help="JSON Lines.")
    ],
    out: Out,
    resume: Resume = False,
    model: Model = None,
    store: Store = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Answer a file of questions, a line of JSON for each."""
    with (
        session(as_json, debug, kept_in(out), store=store, model=model) as run,
        run.progress("questions") as n,
    ):
        with open_assistant(run.settings) as assistant:

            def answer(line: RunQuestion) -> dict[str, Any]:
                history = tuple(Turn(turn.role, clean(turn.content)) for turn in line.history)
                document: dict[str, Any] = to_dict(
                    assistant.ask(line.question, history, line.where)
                )
                return document | {"id": line.id}

            report = run_batch(questions, out, RunQuestion, answer, n, resume=resume)
        run.show(report, f"{report.done} answered, {report.failed} failed: {out}")


@app.command()
def check(
    draft: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE", readable=False, help="Your own text; - reads standard input."
        ),
    ] = None,
    batch: Annotated[
        Path | None,
        typer.Option("--batch", metavar="CASES", readable=False, help="Drafts with their sources."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", readable=False, help="Where the verdicts go."),
    ] = None,
    resume: Resume = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="With FILE: as Markdown.")] = False,
    store: Store = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Check a text against the collection, or drafts against their sources."""
    if markdown and (batch is not None or as_json):
        raise typer.BadParameter("--markdown is for FILE, without --json")
    if (draft is None) == (batch is None) or (batch is None) != (out is None):
        raise typer.BadParameter("give either FILE, or --batch CASES with --out FILE")
    if resume and batch is None:
        raise typer.BadParameter("--resume is for --batch")
    with session(as_json, debug, kept_in(out) if out else NOTHING, store=store) as run:
        if batch is not None and out is not None:
            _check_batch(run, batch, out, resume)
        elif draft is not None:
            text = read_text(draft)
            with open_assistant(run.settings) as assistant, run.progress("sentences") as count:
                checked = assistant.check(text, on_progress=count)
            if markdown:
                run.output.write(checked_to_markdown(checked))
            else:
                run.show(checked, checked_to_terminal(checked))


def _check_batch(run: Session, batch: Path, out: Path, resume: bool) -> None:
    from rag.checking import check as verdicts_on
    from rag.judge import rules_of

    rules = rules_of(run.settings)

    def verdicts(case: CheckCase) -> CheckedCase:
        sources = [{"title": whole(s.title), "text": whole(s.text)} for s in case.sources]
        return CheckedCase.of(case, verdicts_on(whole(case.draft), sources, rules).sentences)

    with run.progress("drafts") as count:
        report = run_batch(batch, out, CheckCase, verdicts, count, resume=resume)
    run.show(report, f"{report.done} checked, {report.failed} failed: {out}")


app.add_typer(eval_app, name="eval")


app.command()(chat)
app.command()(mcp)
app.add_typer(user_app, name="user")


@app.command()
def status(store: Store = None, as_json: Json = False, debug: Debug = False) -> None:
    """Say what the collection holds and what would leave this machine."""
    with session(as_json, debug, store=store) as run:
        from rag import sample

        state = sample.status(run.settings, lambda line: tell("notice", line))
        run.show(state, status_to_terminal(state, run.settings))


for command in (facets, remove, prune, export, cite, rebuild):
    app.command()(command)


if __name__ == "__main__":
    main()
