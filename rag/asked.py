"""What kind of answer a question asks for, and the questions that it is made of."""

from __future__ import annotations

import re

from rag.names import names
from rag.words import content_words

_QUANTITY = re.compile(
    r"\bhow (?:many|much|long|often|large|big|fast\w*)|\bwhat (?:\w+ )?"
    r"(?:percentage|share|fraction|number|score|accuracy|size|rate|dice|auc\w*)\b", re.I
)  # fmt: skip
_PRICE = re.compile(r"\bhow much (?:does|do|did|would|will)\b.*\bcosts?\b(?! in\b)", re.I)
_COMPARES = re.compile(
    r"\b(?:compar\w*|differ\w*|versus|vs|both|each|either|respectively|than|these (?:two|three)|"
    r"and (?:(?:on|in|by|for|of|from|at|with) )?(?:what|how|which|where|who)|which .* or)\b", re.I
)  # fmt: skip
# Such a question is not answered by one paper.
_CONTRASTS = re.compile(r"\b(?:compar\w*|differ\w*|versus|vs|both|each)\b", re.I)
_THINGS = (
    r"(?:papers|studies|articles|works (?=on|about|are|that|deal|use|look)|methods|models|systems"
    r"|approaches|tools|networks|pipelines|architectures|generators|detectors|datasets|data ?sets"
    r"|collections|benchmarks|challenges)"
)
_NOT_IN_NAMES = r"(?:is|are|was|were|do|does|did|has|have|had|can|will|of|for|in|on|by|to|from)\b"
_LISTS = re.compile(
    rf"^(?:which|what) (?!two|three|four|five|\d)(?:(?!{_NOT_IN_NAMES})[\w-]+ ){{0,5}}{_THINGS}\b"
    rf"|^(?:list|name)\b|^{_THINGS} (?:on|about|for|that|which|with)\b"
    r"|^who (?:has|have) \w+|^what has been (?:done|published|written)\b",
    re.I,
)
_CLAUSE = re.compile(
    r"(?:[,;:]|\.\s|\?\s)\s*(?:and |but |while |whereas )?(?=\w)"
    r"|\s+and (?=(?:how|what|which|where|who|when|why|on|in|by|for|does|do|did|is|are)\b)",
    re.I,
)
_FRAME = re.compile(
    r"\b(?:compar(?:e|ed|ison)|summar(?:y|i[sz]e)|describe|explain|discuss|introduce|overview|tell|know"
    r"|me|us|please|say|said|happens?|idea|main|key|findings?|results?|contributions?|differences?"
    r"|similarit(?:y|ies)|differ|difference|works?|working|details?|information)\b",
    re.I,
)
_FEWEST = 3  # words of a part that says something by itself
_MOST_PARTS = 4


def asks_quantity(question: str) -> bool:
    """Whether a figure is asked for."""
    return _QUANTITY.search(question) is not None


def asks_price(question: str) -> bool:
    """Whether a price is asked for."""
    return _PRICE.search(question) is not None


def compares(question: str) -> bool:
    """Whether several things are asked about, of one paper or of several."""
    return _COMPARES.search(question) is not None


def contrasts(question: str) -> bool:
    """Whether it takes more than one paper to answer."""
    return _CONTRASTS.search(question) is not None


def lists(question: str) -> bool:
    """Whether all that there is of a kind is asked for."""
    return _LISTS.search(question.strip()) is not None


def open_ended(question: str) -> bool:
    """Whether no more is asked than what there is on what it names: "Compare A and B"."""
    named = content_words(" ".join(names(question)))
    return not content_words(_FRAME.sub(" ", question)) - named


def parts(question: str) -> tuple[str, ...]:
    """The question, and where it asks several things, each of them.

    "How do A and B cope with noise?" is also "How do A cope with noise?" and the same of B.
    """
    found = [question]
    if compares(question):
        found += _each_named(question)
        clauses = [clause.strip() for clause in _CLAUSE.split(question)]
        found += [c for c in clauses if len(c.split()) >= _FEWEST and c != question]
    return tuple(dict.fromkeys(found))[: 1 + _MOST_PARTS]


def _each_named(question: str) -> list[str]:
    """The question once for each of two names that "and" or "or" joins."""
    for first in names(question):
        for second in names(question):
            between = r",? (?:and|or|versus|vs\.?|than|with) "
            pair = rf"{re.escape(first)}{between}{re.escape(second)}(?!\w)"
            joined = re.search(pair, question)
            if joined and first != second:
                head, tail = question[: joined.start()], question[joined.end() :]
                return [f"{head}{name}{tail}" for name in (first, second)]
    return []
