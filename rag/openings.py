"""How a sentence opens: what joins it to the one before, or leaves it hanging without it."""

from __future__ import annotations

import re

# A sentence that leans on the one before it says little when it stands alone.
_LEANS = re.compile(
    r"^(?:it|its|they|their|this|these|those|such|both|here|there|moreover|furthermore|additionally|also|"
    r"however|thus|hence|therefore|in addition|as a result|consequently|then)\b", re.I
)  # fmt: skip
_OPENING = re.compile(
    r"(?:moreover|furthermore|additionally|in addition|besides|also|however|nevertheless"
    r"|nonetheless|thus|hence|therefore|consequently|as a result|accordingly|finally|lastly|then"
    r"|first(?:ly)?|second(?:ly)?|third(?:ly)?|next|notably|importantly|specifically|in particular"
    r"|overall|in summary|in conclusion|to this end|more importantly),\s+(?=\w)", re.I
)  # fmt: skip


def leans(sentence: str) -> bool:
    """Whether a sentence opens with a word that refers to the one before."""
    return _LEANS.match(sentence) is not None


def without_opening(sentence: str) -> str:
    """The sentence without the word that joins it to the one before: it states the same."""
    if not (match := _OPENING.match(sentence)):
        return sentence
    rest = sentence[match.end() :]
    return rest[0].upper() + rest[1:]
