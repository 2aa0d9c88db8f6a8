"""Why retrieval found a paper: one line in plain words, and the figures behind it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rag.documents import Explanation, explain
from rag.types import Hit
from rag.words import content_words

_NEAR = 3
"""Up to this place a paper is among the nearest."""
_LIKELY, _HARDLY = 0.5, 0.05
_MOST = 3  # words that a line names


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a paper was found."""

    line: str
    """In words, to go on with after a colon or a dot."""
    figures: tuple[str, ...]
    """A short sentence for each way in which it was looked at."""


def reason(question: str, hit: Hit) -> Reason:
    """Why ``hit`` was found for ``question``."""
    why = explain(question, hit)
    spelled = {word.lower(): word for word in re.findall(r"\w+(?:['’]\w+)*", question)}
    why = replace(
        why,
        matched=tuple(spelled.get(word, word) for word in why.matched),
        missing=tuple(spelled.get(word, word) for word in why.missing),
    )
    parts = [_found(why), _about(why), _read(hit)]
    return Reason(", ".join(part for part in parts if part), tuple(_figures(why, hit)))


def _found(why: Explanation) -> str:
    near = 0 < why.dense.rank <= _NEAR
    worded = 0 < why.lexical.rank <= _NEAR
    words = _quoted(why.matched)
    if near and words:
        return f"near in meaning and has {words}"
    if near:
        return "near in meaning"
    if worded and words:
        return f"among the best for the words {words}"
    return f"has {words}" if words else "further off in meaning"


def _about(why: Explanation) -> str:
    """The topics that are more than words already named."""
    known = content_words(" ".join(why.matched))
    values = dict.fromkeys(topic.partition(":")[2] for topic in why.topics)
    named = [value for value in values if not content_words(value) <= known]
    return f"is about {_listed(named[:_MOST])}" if named else ""


def _read(hit: Hit) -> str:
    if hit.answered is None or _HARDLY <= hit.answered < _LIKELY:
        return ""
    return "reads like an answer" if hit.answered >= _LIKELY else "hardly reads like an answer"


def _figures(why: Explanation, hit: Hit) -> list[str]:
    told = [f"Meaning: cosine {why.dense.score:.2f}, place {why.dense.rank}."]
    if why.lexical.rank:
        told.append(f"Words: BM25+ {why.lexical.score:.1f}, place {why.lexical.rank}.")
    if hit.answered is not None:
        told.append(f"Reading: answers with {hit.answered:.0%}.")
    if why.topics:
        told.append(f"Topics: {', '.join(why.topics)}.")
    if why.missing:
        told.append(f"Lacks {_quoted(why.missing)}.")
    return told


def _quoted(words: Sequence[str]) -> str:
    return _listed([f"“{word}”" for word in words[:_MOST]])


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
