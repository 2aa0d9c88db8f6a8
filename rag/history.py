"""A follow-up question made independent of the conversation before it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from rag.citations import strip_markers
from rag.language import foreign
from rag.types import Delta, Turn, Usage
from rag.words import content_words

_ANAPHORA = re.compile(
    r"\b(?:it|its|itself|they|them|their|theirs|he|she|his|her|this|that|these|those|there|such"
    r"|same|former|latter|the (?:authors?|paper|papers|study|method|model|models|dataset|approach"
    r"|system|framework|results?|first|second|third|other|others|two|both|latter|former))\b",
    re.IGNORECASE,
)
_CONTINUES = re.compile(
    r"^\W*(?:and|but|so|also|what about|how about|why|how so|which one)\b", re.I
)
_FEW_WORDS = 2


def resolve(
    question: str,
    history: Sequence[Turn],
    condense: Callable[[str, Sequence[Turn]], Delta | None],
) -> tuple[str, Usage]:
    """The question as it should be searched, and what rewriting it took.

    A follow-up, and a question that is not in English, is rewritten by ``condense`` (one call to
    a model; None: there is none), else as ``standalone`` puts it. An English question that stands
    alone is left as it is.
    """
    follows = _asked(history) and depends_on_history(question)
    if not follows and not foreign(question):
        return question, Usage()
    condensed = condense(question, history)
    if condensed is None:
        return standalone(question, history), Usage()
    return condensed.text.strip() or standalone(question, history), condensed.usage


def standalone(question: str, history: Sequence[Turn]) -> str:
    """The question after the one it depends on; itself if it depends on none."""
    asked = _asked(history)
    if not asked or not depends_on_history(question):
        return question
    return f"{strip_markers(asked[-1]).strip()} {question}"


def _asked(history: Sequence[Turn]) -> list[str]:
    return [turn.content for turn in history if turn.role == "user" and turn.content.strip()]


def depends_on_history(question: str) -> bool:
    """Whether a question points back ("it", "they", "and what about …") or says too little."""
    return bool(
        _ANAPHORA.search(question)
        or _CONTINUES.search(question)
        or len(content_words(question)) <= _FEW_WORDS
    )
