"""Evaluations that were run from the page: their sets, their folders, what they found."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from platformdirs import user_data_path

from rag import resources
from rag.errors import InputError
from rag.settings import Settings
from rag.web.jobs import Job

SAMPLES = {"20 questions": 20, "60 questions": 60, "all questions": 0}
"""How much of a set may be asked; 0 is all of it."""
SPLITS = {"all of it": "all", "the dev half": "dev", "the test half": "test"}
_STAMP = "%Y-%m-%d %H.%M.%S"


@dataclass(frozen=True, slots=True)
class Choice:
    """What is to be evaluated."""

    questions: Path
    """The set's folder."""
    split: str
    sample: int
    """So many questions of it; 0: all."""


@dataclass(frozen=True, slots=True)
class Run:
    """A finished evaluation: its folder holds run, scores, report and page."""

    folder: Path
    meta: Mapping[str, Any]

    @property
    def answers(self) -> Path:
        """The run itself; all else stands beside it."""
        return self.folder / "run.jsonl"

    def beside(self, suffix: str) -> Path:
        """The file of that suffix beside the run, such as ``.report.json``."""
        return self.answers.with_suffix(suffix)

    def __str__(self) -> str:
        """For people: when, which set, how much of it, and what answered."""
        about, settings = self.meta.get("set", {}), self.meta.get("settings", {})
        split = self.meta.get("split", "all")
        parts = [
            self.folder.name,
            f"{about.get('name', '?')} v{about.get('version', '?')}",
            "" if split == "all" else f"{split} half",
            f"{settings['sample']} questions" if settings.get("sample") else "",
            str(settings.get("writer", "")),
        ]
        return " · ".join(part for part in parts if part)


def sets_path() -> Path:
    """Where a person's own sets are looked for: a folder for each."""
    return user_data_path("footnote") / "sets"


def runs_path() -> Path:
    """Where the runs of the page are kept: a folder for each."""
    return user_data_path("footnote") / "evaluations"


def question_sets() -> dict[str, Path]:
    """The shipped sets and a person's own, by what they are called for people."""
    found: dict[str, Path] = {}
    for base, whose in ((resources.path("eval/sets"), ""), (sets_path(), "own: ")):
        for head in sorted(base.glob("*/set.json")):
            with suppress(OSError, ValueError, KeyError, TypeError):
                told = json.loads(head.read_text(encoding="utf-8"))
                label = f"{whose}{told['name']} v{told['version']}"
                found.setdefault(label, head.parent)
    return found


def earlier() -> dict[str, Run]:
    """The finished runs by their folders' names, newest first."""
    found = {}
    for path in sorted(runs_path().glob("*/run.meta.json"), reverse=True):
        with suppress(OSError, ValueError):
            run = Run(path.parent, json.loads(path.read_text(encoding="utf-8")))
            if run.beside(".html").exists():
                found[run.folder.name] = run
    return found


def evaluate(choice: Choice, settings: Settings, job: Job[str]) -> str:
    """Ask, score, and write the report; a run that breaks off leaves nothing.

    Returns:
        The name of the run's folder.

    Raises:
        InputError: the set is wrong, or holds nothing for this split.
    """
    harness = resources.module("eval")
    folder = _fresh()
    run = folder / "run.jsonl"
    try:
        job.enter("preparing the collection")
        harness.generate(
            choice.questions, settings, run, split=choice.split, sample=choice.sample,
            on_progress=_counting(job, "questions asked"),
        )  # fmt: skip
        counting = _counting(job, "answers scored")
        report = harness.score(run, choice.questions, split=choice.split, on_progress=counting)
        page = run.with_suffix(".html")
        questions = harness.load_set(choice.questions)
        resources.module("eval.page").write_html(run, questions, report, page)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder.name


def _counting(job: Job[str], stage: str) -> Any:
    def count(done: int, total: int) -> None:
        if job.progress.stage != stage:
            job.enter(stage)
        job.tell(done, total)

    return count


def _fresh() -> Path:
    folder = runs_path() / datetime.now().astimezone().strftime(_STAMP)
    try:
        folder.mkdir(parents=True)
    except FileExistsError as error:
        raise InputError("an evaluation began this very second; run it again") from error
    except OSError as error:
        raise InputError(f"{folder} cannot be made: {error.strerror}") from error
    return folder


def compared(before: Run, after: Run) -> dict[str, Any]:
    """What changed between two runs, as ``rag eval compare --json`` says it.

    Raises:
        InputError: they share no item.
    """
    harness = resources.module("eval")
    a, b = (harness.load_stored(run.answers) for run in (before, after))
    document: dict[str, Any] = harness.compare(a, b).to_dict()
    return document


def drop(run: Run) -> None:
    """Delete a run for good."""
    shutil.rmtree(run.folder, ignore_errors=True)
