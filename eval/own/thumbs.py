"""Answers that readers gave a thumb, as rows of a table that a set is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rag.types import Paper

from .cells import Row
from .outgoing import FACT_SEPARATOR, LIST_SEPARATOR
from .salience import nearest_sentence

LIKED, DISLIKED = "liked", "disliked"
_TAGS = {"up": LIKED, "down": DISLIKED}


def is_judged(row: object) -> bool:
    """Whether it is a line of ``feedback.jsonl``: an answer's document and a thumb."""
    return isinstance(row, Mapping) and {"feedback", "query", "sentences", "sources"} <= row.keys()


def as_table(rows: Sequence[tuple[str, Any]], papers: Sequence[Paper]) -> list[tuple[str, Row]]:
    """The answers whose thumb stands, with their places, as a person would have put them down.

    A question is told as it was understood, so that it can do without its conversation. Its facts
    are what was answered, its papers those that were cited; of an answer that was disliked both are
    to be put right. A refusal that was liked is a question that no paper answers; one that was
    disliked asks the nearest paper, whose nearest sentence is the fact to begin with. Greetings and
    what was told from the records are no questions for papers.
    """
    latest = {str(row["id"]): (where, row) for where, row in rows if is_judged(row)}
    held = {paper.id: paper for paper in papers}
    return [
        (where, _row(row, _TAGS[row["feedback"]], held))
        for where, row in latest.values()
        if row["feedback"] in _TAGS and (row["refused"] or any(_answered(row)))
    ]


def _row(row: Mapping[str, Any], tag: str, held: Mapping[str, Paper]) -> Row:
    question = str(row["query"])
    cited, facts = _answered(row)
    if row["refused"] and tag == DISLIKED:
        cited = list((row["refusal"] or {}).get("nearest", ()))[:1]
        facts = [nearest_sentence(question, held[paper]) for paper in cited if paper in held]
    return {
        "id": str(row["id"]),
        "question": question,
        "papers": LIST_SEPARATOR.join(cited),
        "answer": FACT_SEPARATOR.join(facts),
        "tags": tag,
    }


def _answered(row: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """The ids of the papers that were cited, and the words of the papers that were quoted."""
    if row["refused"]:
        return [], []
    evidence = [item for sentence in row["sentences"] for item in sentence["evidence"]]
    paper = {source["n"]: str(source["paper_id"]) for source in row["sources"]}
    cited = dict.fromkeys(paper[item["source"]] for item in evidence)
    return list(cited), list(dict.fromkeys(str(item["quote"]) for item in evidence))
