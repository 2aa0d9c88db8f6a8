"""Whether a question gives something away, and whether two questions ask the same."""

from __future__ import annotations

import re

from rag.words import content_words

from ..metrics import normalise

_WORDS = re.compile(r"[^\W_]+")
_TITLE_RUN = 6
"""Words of a title in a row that give it away; of a shorter one all of them, but three at least."""
_SHORTEST_TITLE = 3
_TITLE_SHARE = 0.75
_TITLE_WORDS = 5
"""Content words that a title needs before their share says anything."""
_COPIED_RUN = 8
"""Words of an abstract in a row that make a question a copy of it."""
_ALIKE = 0.8
"""Jaccard overlap of content words from which two questions ask the same."""


def names_title(question: str, title: str) -> bool:
    """Whether ``question`` holds six words of the title in a row, or a short title whole."""
    length = min(_TITLE_RUN, len(plain(title).split()))
    return length >= _SHORTEST_TITLE and bool(_common_run(question, title, length))


def echoes_title(question: str, title: str) -> bool:
    """Whether ``question`` holds most content words of a title that has five or more."""
    words = content_words(title)
    return len(words) >= _TITLE_WORDS and len(
        words & content_words(question)
    ) >= _TITLE_SHARE * len(words)


def copied(question: str, abstract: str) -> str:
    """Eight words in a row that both have, else empty."""
    return _common_run(question, abstract, _COPIED_RUN)


def alike(first: str, second: str) -> bool:
    """Whether two questions share nearly all of their content words and figures."""
    one, other = _asked(first), _asked(second)
    return bool(one | other) and len(one & other) >= _ALIKE * len(one | other)


def same(first: str, second: str) -> bool:
    """Whether two questions are one, but for case, spaces and punctuation."""
    return plain(first) == plain(second)


def plain(text: str) -> str:
    """The words of ``text``, lower case, with single spaces."""
    return " ".join(_WORDS.findall(normalise(text)))


def _asked(text: str) -> frozenset[str]:
    return content_words(text) | frozenset(re.findall(r"\d[\d.,]*", text))


def _common_run(first: str, second: str, length: int) -> str:
    one, other = plain(first).split(), f" {plain(second)} "
    runs = (" ".join(one[at : at + length]) for at in range(len(one) - length + 1))
    return next((run for run in runs if f" {run} " in other), "")
