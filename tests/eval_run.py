"""A small set with a run whose answers fail in different ways, scored as any other run is."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.harness import score
from eval.report import Report
from eval.sets import QuestionSet, load_set
from tests.conftest import RECORDS

PAPERS = {record["id"]: record for record in RECORDS}
KELP = "Kelp cover rose from 8% to 61% on cleared reefs and stayed flat on control reefs"
BEES = "Lit meadows received 29% fewer bumblebee visits the next morning"


def question(key: str, kind: str, asked: str, gold: Sequence[str], **more: Any) -> dict[str, Any]:
    """A line of a set; ``any`` holds the wordings of its one fact."""
    wordings = more.pop("any", [])
    facts = [{"text": f"fact: {w}", "any": [w]} for w in wordings]
    line = {"id": key, "type": kind, "split": "dev", "question": asked, "gold": list(gold)}
    return {**line, "facts": facts, **more}


def answer(key: str, text: str, papers: Sequence[str], **more: Any) -> dict[str, Any]:
    """A line of a run whose sources are ``papers``, numbered from 1."""
    sources = [
        {"n": n, "paper_id": p, "title": PAPERS[p]["title"], "text": PAPERS[p]["abstract"],
         "url": PAPERS[p].get("url", ""), "year": PAPERS[p].get("year")}
        for n, p in enumerate(papers, 1)
    ]  # fmt: skip
    found = [{"paper_id": p, "title": p, "score": 1.0 - 0.1 * n} for n, p in enumerate(papers)]
    line = {"id": key, "refused": False, "text": text, "sources": sources, "retrieved": found}
    return {**line, "model": "extractive", "timings": {"total": 0.25}, **more}


QUESTIONS = [
    question("right", "fact", "How far did kelp come back?", ["kelp"], any=["61%"]),
    question("silent", "fact", "What darkens alpine glaciers?", ["glacier"], any=["dust"]),
    question("answered", "unanswerable", "What did the lamps cost?", []),
    question("phantom", "fact", "How many visits were lost at night?", ["bees"], any=["29%"]),
    question("missed", "fact", "Which loaf was liked best?", ["bread"], any=["12-hour"]),
    question("broken", "fact", "How were broken strands found?", ["bridge"], any=["microphone"]),
]
ANSWERS = [
    answer("right", f"{KELP} [1].", ["kelp", "bees"],
           removed=[{"text": "Kelp grew on the moon [1].", "citations": [1],
                     "verdict": "unsupported", "reason": "“moon” is not in source 1"}]),
    answer("silent", "No paper answers this.", ["glacier"], refused=True,
           refusal={"cause": "nothing_supported", "text": "No paper answers this.", "nearest": []}),
    answer("answered", f"{BEES} [1].", ["bees"]),
    answer("phantom", f"{BEES} [1][9].", ["bees"]),
    answer("missed", "Rye doughs were fermented for 4, 12 or 36 hours [1].", ["bread"],
           notes=[{"kind": "scope", "text": "Only rye was tried."}]),
    {"id": "broken", "error": "the model broke off"},
]  # fmt: skip


def scored(
    folder: Path,
    questions: Sequence[Mapping[str, Any]] = tuple(QUESTIONS),
    answers: Sequence[Mapping[str, Any]] = tuple(ANSWERS),
    papers: Sequence[Mapping[str, Any]] = tuple(RECORDS),
) -> tuple[Path, QuestionSet, Report]:
    """The run's file, its set and the report on it; the cache stays in ``folder``."""
    head = {"name": "reefs", "version": "2", "collection": "papers.jsonl"}
    write(folder / "set" / "set.json", [head])
    write(folder / "set" / "questions.jsonl", questions)
    write(folder / "set" / "papers.jsonl", papers)
    run = folder / "run.jsonl"
    write(run, answers)
    return run, load_set(folder / "set"), score(run, folder / "set")


def write(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """JSON Lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
