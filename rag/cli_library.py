"""Commands that look after a collection: remove, prune, export, cite, rebuild."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from rag.cli_names import Names, fields_of
from rag.errors import InputError, StoreError
from rag.render import one_line
from rag.reports import ExportReport, References
from rag.session import AGAIN, Debug, Json, Session, Store, session, tell
from rag.types import Paper

_NO_EXPORT = "a file that was to be written is as it was before; run the command again"
_REBUILT = (
    "nothing is lost; run rag rebuild again, or the next command that needs an index rebuilds it"
)


def remove(
    ids: Annotated[list[str], typer.Argument(metavar="ID", help="Ids, as rag search shows them.")],
    store: Store = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Take papers out of the collection."""
    with session(as_json, debug, AGAIN, store=store) as run:
        from rag.library import Library

        with Library.open(settings=run.settings) as library:
            report = library.remove(ids)
        for unknown in report.unknown:
            tell("notice", f"no paper has the id {unknown!r}")
        if not report.removed:
            raise InputError("nothing was removed; rag search and rag export show the ids")
        run.show(report, f"{len(report.removed)} removed, {len(report.unknown)} unknown")


def prune(
    missing_from: Annotated[
        list[Path],
        typer.Option("--missing-from", metavar="FILE", readable=False, help="May be repeated."),
    ],
    more: Annotated[
        list[Path] | None, typer.Argument(metavar="FILE", readable=False, help="Further files.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only name what would be taken out.")
    ] = False,
    skip_failed: Annotated[
        bool, typer.Option("--skip-failed", help="Go on though some records cannot be read.")
    ] = False,
    names: Names = "",
    store: Store = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Take out the papers that stand in none of the files."""
    fields = fields_of(names)
    with session(as_json, debug, AGAIN, store=store) as run:
        from rag.library import Library

        files = [*missing_from, *(more or ())]
        with Library.open(settings=run.settings) as library, run.progress("papers read") as count:
            report = library.prune(
                files, dry_run=dry_run, skip_failed=skip_failed, names=fields, on_progress=count
            )
        done = "would be removed" if dry_run else "removed"
        lines = [f"{len(report.removed)} {done}, {report.kept} kept"]
        lines += [f"  {one_line(paper_id)}" for paper_id in report.removed]
        run.show(report, "\n".join(lines))


def export(
    form: Annotated[
        Literal["jsonl", "bibtex", "ris"], typer.Option("--format", help="What to write.")
    ] = "jsonl",
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", readable=False, help="Default: standard output."),
    ] = None,
    store: Store = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Write all papers as JSON Lines, BibTeX or RIS; rag ingest takes them in again."""
    if as_json and out is None:
        raise typer.BadParameter("with --json, name a file for the papers: --out FILE")
    with session(as_json, debug, _NO_EXPORT, store=store) as run:
        from rag.library import Library

        with Library.open(settings=run.settings) as library, run.progress("papers") as count:
            pieces = library.export(form)
            total = library.store.counts()[0]
            if out is None:
                run.output.writelines(pieces)
                return
            report = ExportReport(_write(out, pieces, partial(count, total=total)), str(out))
        run.show(report, f"{report.papers} papers written to {out}")


def cite(
    answer: Annotated[
        Path,
        typer.Argument(metavar="ANSWER", readable=False, help="What rag ask --json wrote."),
    ] = Path("-"),
    form: Annotated[
        Literal["plain", "bibtex", "ris"], typer.Option("--format", help="What to write.")
    ] = "plain",
    store: Store = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Write the references of the sources that an answer cites.

    The answer is read from standard input unless a file is named. What its papers lack there
    (authors, venue, DOI) comes from the collection, if it holds them.
    """
    with session(as_json, debug, store=store) as run:
        from rag import references

        cited = _cited(_answer(answer))
        papers = _completed(run, cited)
        write = {"bibtex": references.to_bibtex, "ris": references.to_ris}
        if form == "plain":
            text = "".join(f"[{n}] {references.to_plain(papers[n])}\n" for n in papers)
        else:
            text = "".join(write[form](paper) for paper in papers.values())
        if as_json:
            run.show(References(form, text), "")
        else:
            run.output.write(text)


def rebuild(store: Store = None, as_json: Json = False, debug: Debug = False) -> None:
    """Make the search indexes anew from the ledger; nothing is embedded again."""
    with session(as_json, debug, _REBUILT, store=store) as run:
        from rag.library import Library

        with Library.open(settings=run.settings) as library, run.progress("passages") as count:
            report = library.rebuild(count)
        run.show(
            report,
            f"{report.papers} papers, {report.passages} passages indexed in {report.seconds:.1f} s",
        )


def _write(out: Path, pieces: Any, count: Any) -> int:
    done = 0
    fresh = out.with_name(f"{out.name}.part")  # a broken export is no export
    try:
        with fresh.open("w", encoding="utf-8") as file:
            for done, piece in enumerate(pieces, 1):
                file.write(piece)
                count(done)
        fresh.replace(out)
    except OSError as error:
        raise InputError(f"--out {out} cannot be written: {error.strerror}") from error
    finally:
        with suppress(OSError):
            fresh.unlink()
    return done


def _answer(path: Path) -> dict[str, Any]:
    try:
        data = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
        value = json.loads(data)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}; give a JSON file") from error
    except ValueError as error:
        raise InputError(f"{path} is no JSON: {error}; give what rag ask --json wrote") from error
    if not isinstance(value, dict) or not isinstance(value.get("sources"), list):
        raise InputError(f"{path} holds no answer with sources; give what rag ask --json wrote")
    return value


def _cited(answer: dict[str, Any]) -> dict[int, Paper]:
    """The cited sources by number, with what the answer says of them."""
    try:
        numbers = {n for sentence in answer["sentences"] for n in sentence["citations"]}
        sources = [source for source in answer["sources"] if source["n"] in numbers]
        papers = {
            source["n"]: Paper(
                str(source["paper_id"]), str(source["title"]), str(source["text"]),
                year=source.get("year"), url=str(source.get("url") or ""),
            )
            for source in sources
        }  # fmt: skip
    except (KeyError, TypeError) as error:
        raise InputError(
            f"expected an answer of rag ask, found one without {error}; run rag ask --json again"
        ) from error
    if not papers:
        raise InputError("the answer cites no source; there is nothing to write")
    return papers


def _completed(run: Session, cited: dict[int, Paper]) -> dict[int, Paper]:
    from rag.library import Library

    try:
        with Library.open(settings=run.settings) as library:
            held = library.papers([paper.id for paper in cited.values()])
    except StoreError as error:
        tell("notice", f"references are as brief as the answer: {error}")
        held = {}
    # Another collection may have another paper under the same id.
    return {
        n: held[paper.id] if paper.id in held and held[paper.id].title == paper.title else paper
        for n, paper in cited.items()
    }
