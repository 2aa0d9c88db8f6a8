"""``rag eval``: ask and score a set, score a run, compare two, labelled drafts, public claims."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from rag import resources
from rag.cli_eval_beir import beir
from rag.cli_eval_set import draft, export, import_, lint
from rag.errors import InputError
from rag.render import to_json
from rag.session import Debug, Json, Session, Store, session, tell

Split = Literal["dev", "test", "all"]

Set = Annotated[
    Path | None,
    typer.Argument(metavar="SET", readable=False, help="Folder of a set; default: the built-in."),
]
SetOption = Annotated[
    Path | None,
    typer.Option("--set", metavar="SET", readable=False, help="Folder; default: the built-in."),
]
Half = Annotated[Split, typer.Option("--split", help="Part of the set.")]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out", metavar="RUN.jsonl", readable=False,
        help="Keep the run; meta, scores and report go beside it. One that broke off goes on.",
    ),
]  # fmt: skip
JsonOut = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE", readable=False, help="Write the JSON report, too."),
]
Model = Annotated[
    str, typer.Option("--model", metavar="NAME", help="Chat model; RAG_MODEL is not read.")
]
Price = Annotated[
    tuple[float, float] | None,
    typer.Option(
        "--price", metavar="IN OUT", help="Of a million prompt and completion tokens, for the cost."
    ),
]
GateFile = Annotated[
    Path | None,
    typer.Option(
        "--gate", metavar="FILE", readable=False,
        help="Hold it to a gate.toml: leaves with status 3 to 7 where it fails.",
    ),
]  # fmt: skip
Html = Annotated[
    Path | None,
    typer.Option("--html", metavar="FILE", readable=False, help="Write the report as a web page."),
]
Accept = Annotated[
    bool, typer.Option("--accept", help="With --gate: make this report its baseline.")
]


class _SetByDefault(TyperGroup):
    """``rag eval [SET]`` is ``rag eval all [SET]``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        first = args[0] if args else ""
        if first not in {*self.commands, "--help"}:
            args = ["all", *args]
        return super().parse_args(ctx, args)


eval_app = typer.Typer(
    cls=_SetByDefault,
    help="Measure search, answers, refusals and the check, offline. Without a command: all.",
    rich_markup_mode=None,
    add_completion=False,
)


@eval_app.command("all")
def evaluate(
    questions: Set = None,
    split: Half = "all",
    out: Out = None,
    model: Model = "",
    price: Price = None,
    html: Html = None,
    gate: GateFile = None,
    accept: Accept = False,
    store: Store = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Ask a set's questions, score the answers, report."""
    _usage(gate, accept)
    with _session(as_json, debug, store, model) as run:
        harness, rules = resources.module("eval"), _rules(gate)
        with _kept(out, html) as kept:
            with run.progress("questions") as count:
                report = harness.evaluate(
                    questions, run.settings, split=split, out=kept, price=price, on_progress=count
                )
            _write_html(html, kept, questions, report)
        _show(run, report, rules, accept)


@eval_app.command("run")
def generate(
    out: Annotated[
        Path, typer.Option("--out", metavar="RUN.jsonl", readable=False, help="The answers.")
    ],
    questions: Set = None,
    split: Half = "all",
    model: Model = "",
    store: Store = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Ask a set's questions; score nothing yet."""
    with _session(as_json, debug, store, model) as run:
        harness = resources.module("eval")
        with run.progress("questions") as count:
            harness.generate(questions, run.settings, out, split=split, on_progress=count)
        run.show({"run": str(out)}, f"{out}; score it: rag eval score {out}")


@eval_app.command()
def score(
    answers: Annotated[
        Path, typer.Argument(metavar="RUN.jsonl", readable=False, help="From any system.")
    ],
    questions: SetOption = None,
    split: Annotated[Split | None, typer.Option("--split", help="Part of the set.")] = None,
    price: Price = None,
    html: Html = None,
    gate: GateFile = None,
    accept: Accept = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Score answers that were given before, here or elsewhere."""
    _usage(gate, accept)
    with _session(as_json, debug) as run:
        harness, rules = resources.module("eval"), _rules(gate)
        with run.progress("answers") as count:
            report = harness.score(answers, questions, split=split, price=price, on_progress=count)
        _write_html(html, answers, questions, report)
        _show(run, report, rules, accept)


@eval_app.command()
def compare(
    a: Annotated[Path, typer.Argument(metavar="A", readable=False, help="A run or a report.")],
    b: Annotated[Path, typer.Argument(metavar="B", readable=False, help="Another one.")],
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Say what changed from A to B, the flips first."""
    with _session(as_json, debug) as run:
        harness = resources.module("eval")
        found = harness.compare(harness.load_stored(a), harness.load_stored(b))
        run.show(found.to_dict(), found.table())


@eval_app.command()
def drafts(
    split: Half = "all", out: JsonOut = None, as_json: Json = False, debug: Debug = False
) -> None:
    """Check drafts whose every sentence is labelled."""
    with _session(as_json, debug) as run:
        with run.progress("drafts") as count:
            report = resources.module("eval").evaluate_drafts(split=split, on_progress=count)
        _show_document(run, report, out)


@eval_app.command()
def claims(
    public: Annotated[
        Path, typer.Argument(metavar="DIR", readable=False, help="The public sets' folder.")
    ],
    out: JsonOut = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Ask the verifier about public sets of claims."""
    with _session(as_json, debug) as run:
        with run.progress("claims") as count:
            report = resources.module("eval").evaluate_claims(public, on_progress=count)
        _show_document(run, report, out)


@contextmanager
def _kept(out: Path | None, html: Path | None) -> Iterator[Path | None]:
    """Where the run goes: a page is made of it even if it is not to be kept."""
    if out is not None or html is None:
        yield out
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "run.jsonl"


def _write_html(
    html: Path | None, answers: Path | None, questions: Path | None, report: Any
) -> None:
    if html is not None and answers is not None:
        found = resources.module("eval").load_set(questions)
        resources.module("eval.page").write_html(answers, found, report, html)


def _session(as_json: bool, debug: bool, store: Path | None = None, model: str = "") -> Any:
    # Nothing is sent for a variable that was set for other work: only --model asks a model.
    return session(as_json, debug, store=store, model=model, embedding="minilm")


def _usage(gate: Path | None, accept: bool) -> None:
    if accept and gate is None:
        raise typer.BadParameter("--accept needs --gate FILE")


def _rules(gate: Path | None) -> Any:
    """The gate, read before a minute is spent; None without one."""
    return resources.module("eval").load_gate(gate) if gate else None


def _show(run: Session, report: Any, rules: Any, accept: bool) -> None:
    """Show a report and hold it to the gate, if there is one."""
    document: dict[str, Any] = report.to_dict()
    if rules is None:
        run.show(document, report.table())
        return
    harness = resources.module("eval")
    if accept:
        harness.write_baseline(rules, report)
    verdicts = harness.check_gate(rules, report)
    run.show(document | {"gate": verdicts.to_dict()}, report.table())
    for _, reason in verdicts.faults:
        tell("gate", reason)
    run.output.flush()
    if verdicts.status:
        raise typer.Exit(verdicts.status)


def _show_document(run: Session, report: Any, out: Path | None) -> None:
    if out is not None:
        try:
            out.write_text(to_json(report.to_dict()) + "\n", encoding="utf-8")
        except OSError as error:
            raise InputError(f"--out {out} cannot be written: {error.strerror}") from error
    run.show(report.to_dict(), report.table())


eval_app.command()(beir)
for name, command in (("new", draft), ("lint", lint), ("import", import_), ("export", export)):
    eval_app.command(name)(command)
