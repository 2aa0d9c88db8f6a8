"""The harness: a set's questions to a run, a run to scores, scores to a report.

Asking and scoring are apart: a run made elsewhere is scored as one of our own is.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from rag import __version__, resources
from rag.errors import InputError
from rag.render import to_dict
from rag.session import describe
from rag.settings import Settings
from rag.types import Answer, Paper, Turn

from . import runs, statistics
from .decisions import Judge, code_hash
from .indexed import cache_path, index_hash, open_assistant, poisoned_papers
from .report import Report
from .scoring import ItemScore, clusters, score_item, scores_line
from .sets import Item, QuestionSet, Split, load_set
from .verifier_error import load_error


class Asks(Protocol):
    """What is evaluated: anything that answers like ``rag.Assistant``."""

    def ask(self, question: str, history: Sequence[Turn] = ()) -> Answer:
        """Answer one question."""
        ...


Open = Callable[[Sequence[Paper], Settings], AbstractContextManager[Asks]]
OnProgress = Callable[[int, int], None]


def evaluate(
    set_path: Path | None,
    settings: Settings,
    *,
    split: Split = "all",
    out: Path | None = None,
    price: tuple[float, float] | None = None,
    on_progress: OnProgress | None = None,
    opening: Open = open_assistant,
) -> Report:
    """Run a set and score it: ``generate``, then ``score``.

    Args:
        set_path: a set's folder; None for the shipped set.
        settings: name the writer and the embedding; their store is not touched.
        split: which half of the set to run.
        out: where the run goes, and beside it its meta, scores and report; None: nothing stays.
        price: as in ``score``.
        on_progress: called with (questions done, questions in all).
        opening: as in ``generate``.

    Raises:
        InputError: the set is wrong, or holds nothing for this split.
    """
    with tempfile.TemporaryDirectory() as folder:
        run = out or Path(folder) / "run.jsonl"
        generate(
            set_path, settings, run, split=split, on_progress=on_progress,
            opening=opening,
        )  # fmt: skip
        return score(run, set_path, split=split, price=price)


def generate(
    set_path: Path | None,
    settings: Settings,
    out: Path,
    *,
    split: Split = "all",
    sample: int = 0,
    on_progress: OnProgress | None = None,
    opening: Open = open_assistant,
) -> None:
    """Ask a set's questions; write the run and its meta. One that broke off goes on.

    Args:
        set_path: a set's folder; None for the shipped set.
        settings: name the writer and the embedding; their store is not touched.
        out: the run, JSON Lines.
        split: which half of the set to ask.
        sample: ask so many of it only, always the same ones; 0: all.
        on_progress: called with (questions done, questions in all).
        opening: prepares what is asked; by default the real Assistant over the
            set's collection, indexed in a cache folder of its own.

    Raises:
        InputError: the set is wrong, or holds nothing for this split, or ``out`` cannot be
            written.
    """
    questions = load_set(set_path)
    sample = sample if sample < len(questions.part(split)) else 0  # all of it is no sample
    items = _part(questions, split, sample)
    with ExitStack() as stack:
        clean = stack.enter_context(opening(questions.papers, settings))
        attacked = clean
        if any(item.poison for item in items):
            attacked = stack.enter_context(opening(poisoned_papers(questions), settings))
        runs.write_run(
            out,
            _origin(questions, split, sample, settings),
            items,
            lambda item: ask(attacked if item.poison else clean, item),
            on_progress or (lambda _done, _total: None),
        )


def ask(assistant: Asks, item: Item) -> runs.Document:
    """The line of a run for one item, as ``rag run`` writes it; an error is a line, too."""
    history = tuple(Turn(message.role, message.content) for message in item.history)
    try:
        document: runs.Document = to_dict(assistant.ask(item.question, history))
    except Exception as error:
        return runs.failed_line(item, describe(error))
    return document | {"id": item.id}


def score(
    run: Path,
    set_path: Path | None = None,
    *,
    split: Split | None = None,
    price: tuple[float, float] | None = None,
    on_progress: OnProgress | None = None,
) -> Report:
    """Score a run; write scores and report beside it.

    Args:
        run: answers to a set's questions, JSON Lines; from any system.
        set_path: the set's folder; None for the shipped set.
        split: which half of the set; None: the half that the run was made for, else all.
        price: of a million prompt and of a million completion tokens; None: not known.
        on_progress: called with (questions scored, questions in all).

    Raises:
        InputError: the run or the set is wrong, or they do not belong together.
    """
    questions = load_set(set_path)
    lines = runs.read_run(run)
    meta = runs.read_meta(run) or {}
    split = split or meta.get("split") or "all"
    items = _part(questions, split, (meta.get("settings") or {}).get("sample") or 0)
    ids = {item.id for item in questions.items}
    if strange := [id for id in lines if id not in ids]:
        raise InputError(
            f"{run}: expected ids of the set {questions.name}, found {strange[0]!r}; "
            "name the set that was asked: --set DIR"
        )
    cluster = clusters(questions.items)
    rows, results = [], []
    with closing(Judge(cache_path() / "decisions.sqlite")) as judge:
        for item in items:
            results.append(score_item(item, lines.get(item.id), cluster[item.id], judge))
            rows.append(scores_line(results[-1], judge.taken()))
            if on_progress:
                on_progress(len(results), len(items))
    runs.write_lines(run.with_suffix(".scores.jsonl"), rows)
    report = replace(_report(questions, split, meta, lines, results, rows), price=price)
    runs.write(run.with_suffix(".report.json"), report.to_dict())
    runs.write_text(run.with_suffix(".report.md"), report.to_markdown())
    return report


def _report(
    questions: QuestionSet, split: str, meta: runs.Document, lines: dict[str, runs.RunLine],
    results: Sequence[ItemScore], rows: Sequence[runs.Document],
) -> Report:  # fmt: skip
    made = [line.model_dump(mode="json") for line in lines.values()]
    models = sorted({line.model for line in lines.values() if line.model})
    return Report(
        set_name=questions.name,
        set_version=questions.version,
        set_hash=questions.content_hash,
        collection_hash=questions.collection_hash,
        split=split,
        settings=meta.get("settings") or {"writer": ", ".join(models) or "unknown"},
        hashes={
            "run": meta.get("hash") or runs.content_hash(made),
            "scores": runs.content_hash(rows),
            "checker": code_hash(),
        },
        items=tuple(results),
        verifier=load_error(),
        timings=meta.get("timings") or {},
    )


def _part(questions: QuestionSet, split: Split, sample: int) -> tuple[Item, ...]:
    items = questions.part(split)
    if not items:
        raise InputError(f"the set {questions.name} has no item in {split}; take --split all")
    # In an order of their own, so that a smaller sample is part of a larger one.
    drawn = sorted(items, key=lambda item: hashlib.sha256(item.id.encode()).digest())
    chosen = {item.id for item in drawn[: sample or None]}
    return tuple(item for item in items if item.id in chosen)


def _origin(questions: QuestionSet, split: str, sample: int, settings: Settings) -> runs.Document:
    """What a run is made with: enough to tell whether another was made with the same."""
    prompts = hashlib.sha256()
    for path in sorted(resources.path("prompts").glob("*.md")):
        prompts.update(path.name.encode() + path.read_bytes())
    return {
        "set": {
            "name": questions.name,
            "version": questions.version,
            "hash": questions.content_hash,
        },
        "collection_hash": questions.collection_hash,
        "split": split,
        "settings": {
            "writer": settings.model or "extractive",
            "embedding": settings.embedding,
            "strictness": settings.strictness,
            "judge": settings.judge,
            **({"sample": sample} if sample else {}),
        },
        "index_hash": index_hash(questions.papers, settings.embedding),
        "prompt_hash": prompts.hexdigest(),
        "code_hash": code_hash(),
        "seed": statistics.SEED,
        "footnote": __version__,
    }
