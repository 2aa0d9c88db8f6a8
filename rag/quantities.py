"""Whether a source states the numbers of a claim.

Exact and without a model: a number that the source does not state is not supported, however
plausible the sentence. Value, unit and the words around it ("about", "more than") decide, and
where in the source it stands: the same figure in a sentence on something else is no support.
What a source does not write may follow from what it does: a share from two counts, a
difference or a factor from two figures of one sentence, where the claim's words say so.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from rag.derived import follows
from rag.numerals import code_names, plain, scan
from rag.sentences import sentence_spans
from rag.units import UNIT_OF, Quantity, states
from rag.words import content_words, stem

__all__ = ["Quantity", "asked_unit", "code_names", "quantities", "unstated"]

_ASKED_UNIT = re.compile(r"\b(?:how many|in)\s+([a-z]+)(?:\s+([a-z]+))?")
_AND = re.compile(r"(,?) (?:and|or|as well as) ")
_ITEM_WORDS = 7
# Who or what was studied: sources name them by other words, in a sentence of their own.
_STUDIED = re.compile(
    r"[\s-]+(?:[\w'-]+\s+){0,3}?(?:people|patients|adults|participants|child|children|women|men"
    r"|respondents|subjects|individuals|persons|infants|newborns|volunteers|students|cases|scans"
    r"|images|mothers|trials|studies|residents|families|girls|boys|adolescents|teenagers|babies"
    r"|physicians|doctors|members|pupils|mice|rats|animals|samples)\b",
    re.IGNORECASE,
)
_BOUND = re.compile(
    r"(?:\bCIs?|\bC\.I\.?|\b(?:confidence|credible) (?:interval|limit)s?)\W*(?:CI\W*)?(?:of |was )?"
    r"(?:\d[\d.]*(?:\s|-|to\b|,|and\b)*)?$"
    r"|\b[pP](?:[ -]values?)?\s*(?:[=<>≤≥]|of|was)+\s*$"
)
_NO_BASIS = {"bound", "confidence"}
_YEAR = re.compile(r"(?:19|20)\d\d")
_NEAR = 1.5
"""Rare words in common from which on a sentence is taken to be on the claim's matter."""
_FAR = 1.5
"""How many more another sentence must have for a number to be out of its place."""
_COUNTED = re.compile(
    r"[\s-]+((?:(?!(?:of|in|to|and|or|on|for|with|by|at|as|than|versus|vs|against|from|per|when|if"
    r"|was|were|is|are|had|has|have|did|does|do|the|a|an|that|who|which|but|while|after|out)\b)"
    r"[a-z'-]+\s*){1,4})",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Sentence:
    quantities: tuple[Quantity, ...]
    nouns: tuple[frozenset[str], ...]
    """Stems of the words that follow each quantity: what it counts."""
    words: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Index:
    """A source's sentences, in how many of them each word is, and the lengths of its lists."""

    sentences: tuple[_Sentence, ...]
    spread: dict[str, int]
    lists: frozenset[int]


def quantities(text: str) -> tuple[Quantity, ...]:
    """All quantities that ``text`` states, in digits or English words.

    A number of a list or range has the unit of the list: "92/78%", "2 to 3 hours".
    """
    return tuple(scan(text))


def asked_unit(question: str) -> str:
    """The unit that a question asks for ("how many hours", "in dollars"); empty if none."""
    words = (w for m in _ASKED_UNIT.finditer(question.lower()) for w in m.groups() if w)
    units = (UNIT_OF[word] for word in words if word in UNIT_OF and len(word) > 2)
    return next((unit for unit in units if unit not in ("times", "points")), "")


def unstated(claim: str, source: str) -> list[str]:
    """Quantities that ``claim`` states and ``source`` does not, as the claim writes them.

    A number counts as stated when the source has a value that its words allow, in the same
    unit or one that converts, in a sentence that is not plainly on something else; or when it
    follows from figures of one sentence as a share, a sum, a difference or a factor.
    """
    claimed = scan(claim)
    if not claimed:
        return []
    index, text = _index(source), plain(claim)
    figures = [[q for q in s.quantities if q.unit not in _NO_BASIS] for s in index.sentences]
    words = content_words(text)
    overlaps = [sum(1 / index.spread[w] for w in words & s.words) for s in index.sentences]
    missing = []
    for quantity in claimed:
        own = _holders(quantity, index)
        held = own and _is_in_place(quantity, own, index, claimed, text, overlaps)
        # Of a number without a unit too much follows: it must be in its place if it is there.
        if held or ((quantity.unit or not own) and follows(quantity, text, figures, index.lists)):
            continue
        missing.append(quantity.raw)
    return list(dict.fromkeys(missing))


@lru_cache(maxsize=512)
def _index(source: str) -> _Index:
    text, found = plain(source), scan(source)
    sentences = []
    lists: set[int] = set()
    for start, end in sentence_spans(text):
        here = [_unless_bound(q, text) for q in found if start <= q.start < end]
        parts = tuple(_with_parts(_with_ellipses(here, text)))
        nouns = tuple(_nouns(q, text) for q in parts)
        sentences.append(_Sentence(parts, nouns, content_words(text[start:end])))
        lists.update(Counter(q.unit for q in here).values(), _list_lengths(text[start:end]))
    spread = Counter(word for sentence in sentences for word in sentence.words)
    return _Index(tuple(sentences), dict(spread), frozenset(lists))


def _unless_bound(q: Quantity, text: str) -> Quantity:
    """``q``, or, for a p-value or the bound of an interval, with a unit that says so."""
    bound = not q.unit and _BOUND.search(text[max(0, q.start - 40) : q.start])
    return replace(q, unit="bound") if bound else q


def _with_parts(found: Iterable[Quantity]) -> Iterator[Quantity]:
    for quantity in found:
        yield quantity
        for part in quantity.parts or ():
            yield replace(quantity, value=part, unit="", soft=False, parts=None)


def _with_ellipses(found: Iterable[Quantity], text: str) -> Iterator[Quantity]:
    """``found``, and numbers that leave the unit before them out: "62 mm, compared with 71"."""
    unit = ""
    for quantity in found:
        yield quantity
        if not quantity.unit and unit and not _nouns(quantity, text):
            yield replace(quantity, unit=unit)
        elif quantity.unit not in ("percent", "points", "times", "confidence"):
            unit = quantity.unit


def _list_lengths(sentence: str) -> Iterator[int]:
    """How many items each list of ``sentence`` has: 3 for "A, B and C"."""
    for match in _AND.finditer(sentence):
        items = sentence[: match.start()].split(", ")
        length = 1
        while length < len(items) and len(items[-length].split()) <= _ITEM_WORDS:
            length += 1
        yield length + 1


def _nouns(q: Quantity, text: str) -> frozenset[str]:
    match = None if q.unit else _COUNTED.match(text, q.end, q.end + 60)
    return (
        frozenset(map(stem, re.findall(r"[a-z]{3,}", match[1].lower()))) if match else frozenset()
    )


def _holders(q: Quantity, index: _Index) -> list[int]:
    """The sentences that state ``q``."""
    return [n for n, s in enumerate(index.sentences) if any(states(x, q) for x in s.quantities)]


def _is_in_place(
    q: Quantity,
    own: Sequence[int],
    index: _Index,
    claimed: Sequence[Quantity],
    text: str,
    overlaps: Sequence[float],
) -> bool:
    """Whether one of the sentences ``own``, which hold ``q``, is on the matter of the claim.

    It is not if they share next to no words with the claim and another sentence, with a
    figure of this kind that the claim does not give, shares many.
    """
    if not q.unit and (_YEAR.fullmatch(q.raw) or _STUDIED.match(text, q.end, q.end + 60)):
        return True
    if _counts_else(q, index, text):
        return False
    best = max(overlaps[n] + (overlaps[n - 1] / 2 if n else 0) for n in own)
    if best > _NEAR:
        return True
    rivals = (
        overlaps[n]
        for n, sentence in enumerate(index.sentences)
        if overlaps[n] - best > _FAR and n not in own
        if any(s.unit == q.unit and not any(states(s, c) for c in claimed)
               for s in sentence.quantities)
    )  # fmt: skip
    return not any(rivals)


def _counts_else(q: Quantity, index: _Index, text: str) -> bool:
    """Whether the source gives another number for what ``q`` counts, and ``q`` for other things."""
    nouns = _nouns(q, text)
    if not nouns or q.rounding != "exact":
        return False
    counted = [
        (bool(nouns & theirs), states(s, q), bool(theirs))
        for sentence in index.sentences
        for s, theirs in zip(sentence.quantities, sentence.nouns, strict=True)
        if not s.unit
    ]
    same = any(shared and not fits for shared, fits, _ in counted)
    return same and all(named and not shared for shared, fits, named in counted if fits)
