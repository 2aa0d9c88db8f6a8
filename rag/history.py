"""A follow-up question made independent of the conversation before it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.citations import strip_markers
from rag.types import Turn, Usage
from rag.words import content_words
from rag.writers import Writer

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


def resolve(question: str, history: Sequence[Turn], writer: Writer) -> tuple[str, Usage]:
    """The question as it should be searched.

    A model rewrites a follow-up in one call; without one, the question that it depends on
    is put before it. A question that stands alone is left as it is.
    """
    asked = [turn.content for turn in history if turn.role == "user" and turn.content.strip()]
    if not asked or not depends_on_history(question):
        return question, Usage()
    condensed = writer.condense(question, history)
    if condensed is not None and condensed.text.strip():
        return condensed.text.strip(), condensed.usage
    usage = condensed.usage if condensed else Usage()
    return f"{strip_markers(asked[-1]).strip()} {question}", usage


def depends_on_history(question: str) -> bool:
    """Whether a question points back ("it", "they", "and what about …") or says too little."""
    return bool(
        _ANAPHORA.search(question)
        or _CONTINUES.search(question)
        or len(content_words(question)) <= _FEW_WORDS
    )
