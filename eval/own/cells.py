"""Cells of other tools' sets as lists and facts: what was given, and what has to be proposed."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any

from rag.sentences import sentence_spans
from rag.text import clean
from rag.types import Paper

from ..metrics import states
from ..sets import Fact
from .outgoing import FACT_SEPARATOR, TEXT_SEPARATOR, WORDING_SEPARATOR
from .salience import wordings

Row = Mapping[str, Any]
_SHORT_ANSWER = 5
"""Words up to which an answer is its own accepted wording."""


def told_facts(
    cell: str, vital: bool, gold: Sequence[Paper], question: str
) -> list[tuple[Fact, bool]]:
    """The facts of a cell, each with whether its wordings were proposed and not given."""
    facts: list[tuple[Fact, bool]] = []
    for line in filter(str.strip, cell.split(FACT_SEPARATOR)):
        text, given, accepted = line.strip().partition(TEXT_SEPARATOR)
        words = tuple(as_list(accepted if given else text, WORDING_SEPARATOR))
        if given or len(words) > 1 or len(text.split()) <= _SHORT_ANSWER:
            facts.append((Fact(text=text, any=words, vital=vital), False))
        else:
            facts += [
                (_revital(fact, vital), True) for fact, _ in proposed_facts(text, gold, question)
            ]
    return facts


def proposed_facts(answer: str, gold: Sequence[Paper], question: str) -> list[tuple[Fact, bool]]:
    """A fact for each sentence of an answer in free words: a person has to look at them.

    Accepted are its figures and names that the question does not have, rather those that stand
    in a gold paper; without any, the sentence itself.
    """
    text = "\n".join(f"{paper.title}\n{paper.abstract}" for paper in gold)
    facts = []
    for start, end in sentence_spans(answer):
        sentence = " ".join(answer[start:end].split())
        fair = [one for one in wordings(sentence) if not states(question, [one])]
        held = [one for one in fair if states(text, [one])]
        accepted = tuple(held or fair) or (sentence.rstrip(".!? "),)
        facts.append((Fact(text=sentence, any=accepted), True))
    return facts


def _revital(fact: Fact, vital: bool) -> Fact:
    return fact.model_copy(update={"vital": vital})


def first_of(row: Row, names: Sequence[str]) -> Any:
    """The first of these fields that holds something, else an empty string."""
    return next((row[name] for name in names if row.get(name)), "")


def as_list(value: Any, separator: str = "") -> list[str]:
    """A list, the text of one as a table holds it, or a text cut at ``separator``."""
    if isinstance(value, str) and value.startswith("[") and not separator:
        try:
            value = ast.literal_eval(value)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            value = [value]
    parts = value if isinstance(value, list | tuple) else [value]
    if separator and isinstance(value, str):
        parts = value.split(separator)
    return [clean(str(part)).strip() for part in parts if str(part).strip()]


def unmarked(cell: Any) -> Any:
    """A cell without the mark that keeps a spreadsheet from running it."""
    marked = isinstance(cell, str) and cell[:1] == "'" and cell[1:2] in ("=", "+", "-", "@", "\t")
    return cell[1:] if marked else cell
