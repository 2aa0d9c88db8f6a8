"""Numbers in text, with their units, and whether a source states them.

Exact and without a model: a number that the source does not state is not supported, however
plausible the sentence. Value, unit and the words around it ("about", "more than") decide.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Literal

from text_to_num import alpha2digit

from rag.text import whole

Rounding = Literal["exact", "near", "at_least", "at_most"]


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number as text states it."""

    raw: str
    value: Decimal
    unit: str
    """``percent``, ``times``, a unit's symbol such as ``GB``, or empty."""
    rounding: Rounding
    """How the words before it, or a scale word after it, qualify the number."""


_SCALES = {"k": 3, "thousand": 3, "m": 6, "million": 6, "b": 9, "bn": 9, "billion": 9,
           "trillion": 12, "hundred": 2}  # fmt: skip
_UNITS = {
    "percent": "% percent per-cent percentage pp",
    "times": "x × times fold",
    "TB": "tb terabyte terabytes", "GB": "gb gigabyte gigabytes", "MB": "mb megabyte megabytes",
    "ms": "ms millisecond milliseconds", "s": "s sec second seconds", "min": "minute minutes",
    "h": "h hour hours", "d": "day days", "week": "week weeks", "month": "month months",
    "year": "year years", "mm": "mm millimeter millimeters millimetre millimetres",
    "cm": "cm centimeter centimeters centimetre centimetres", "ml": "ml milliliter millilitre",
    "Hz": "hz", "kHz": "khz", "MHz": "mhz", "Gy": "gy", "mSv": "msv", "dB": "db", "T": "tesla",
    "USD": "usd dollar dollars", "EUR": "eur euro euros", "HU": "hu",
    "K": "kelvin", "mg": "mg", "kg": "kg",
}  # fmt: skip
_UNIT_OF = {word: unit for unit, words in _UNITS.items() for word in words.split()}

_DIGITS = r"(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
_NUMBER = re.compile(
    rf"(?<![\w.])(?P<number>{_DIGITS})\+?"
    r"(?:[ -]?(?P<scale>thousand|million|billion|trillion|hundred)\b|(?P<si>[kKMB]|bn)(?![\w]))?"
    r"(?:\s?\\?(?P<sign>[%×])|[\s-]?(?P<word>x(?![\w])|[A-Za-z]+(?:-cent)?))?"
)
_LATEX = (
    (re.compile(r"\\(?=[%&$#_])"), ""),
    (re.compile(r"(?:\\(?:text)?pm|(?<=\d)\s?pm(?=\s?\d)|±|\+/-)"), " ± "),
    (re.compile(r"\\times|\$"), " "),
    (re.compile(r"(?<=\d)\s?[x×]\s?(?=\d)"), " by "),
    (re.compile(r"(?<=\d)[–—−](?=\d)"), " - "),
    (re.compile(r"(?<=\d)-(?=\d)"), " - "),
    (re.compile(r"\bper cent\b", re.IGNORECASE), "percent"),
)
_BEFORE: tuple[tuple[Rounding, re.Pattern[str]], ...] = (
    ("at_least", re.compile(r"(?:\b(?:over|more than|at least|exceed\w*|above)|>|≥)\s*$", re.I)),
    ("at_most", re.compile(r"(?:\bunder|\bless than|\bfewer than|\balmost|\bnearly|\bclose to"
                           r"|\bup to|\bbelow|<|≤)\s*$", re.I)),
    ("near", re.compile(r"(?:\b(?:about|around|approx\w*\.?|roughly|some|circa)|~|≈)\s*$", re.I)),
)  # fmt: skip
_FACTOR = re.compile(r"\bfactors? (?:of )?$", re.I)
_AMOUNTS = {
    "2 times": "twice double doubles doubled doubling twofold two-fold",
    "3 times": "thrice triple triples tripled tripling threefold",
    "4 times": "quadruple quadruples quadrupled fourfold", "10 times": "tenfold",
    "50 percent": "half halve halves halved halving", "25 percent": "quarter",
}  # fmt: skip
_AMOUNT_OF = {word: amount for amount, words in _AMOUNTS.items() for word in words.split()}
_PAIRS = frozenset("both dual pair pairs couple".split())
# What stands between the numbers of a list or range that share the unit of the last.
_LIST_GAP = re.compile(r"(?:[\s,/–;±(-]|and|or|to|vs\.?|versus|by)*")
_HYPHENATED = re.compile(
    r"\b(two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|hundred)-(?=[a-z])", re.I
)
# "1. " or "2)" opening a line and "(1)" are list numbers, not quantities.
_LIST_NUMBER = re.compile(r"(?m)^\s*\d{1,2}[.)]\s|\(\d\)")
# A token that mixes letters and digits is a name (DINOv2, GPT-4V, T2w, 3D), not a quantity.
_CODE_NAME = re.compile(
    r"(?<!\w)\w*(?:[^\W\d_]\+*(?:-|['’](?=\d))?\d|\d[^\W\d_])[\w+]*(?:-\w+)*(?:\.\d+)?"
)
_ASKED_UNIT = re.compile(r"\b(?:how many|in)\s+([a-z]+)(?:\s+([a-z]+))?")
_LONGEST_CODE = 3  # letters glued to a number that make it a name: "3D", "T2w"


def quantities(text: str) -> tuple[Quantity, ...]:
    """All quantities that ``text`` states, in digits or English words.

    A number of a list or range has the unit of the list: "92/78%", "2 to 3 hours".
    """
    text = _LIST_NUMBER.sub(" ", _plain(text))
    text = _CODE_NAME.sub(lambda m: m[0] if _reads_as_quantity(m[0]) else " ; ", text)
    found = _in_digits(text)
    words = _HYPHENATED.sub(r"\1 ", _NUMBER.sub(" ; ", text))
    spelled = alpha2digit(whole(words), "en", 2.0)
    if spelled != words:
        known = set(_NUMBER.findall(words))
        found += [q for q in _in_digits(spelled) if q.raw not in known]
    return tuple(found)


def amounts(text: str) -> tuple[Quantity, ...]:
    """Quantities that words such as "twice", "halved" or "a quarter" state."""
    words = dict.fromkeys(w for w in re.findall(r"[a-z-]+", text.lower()) if w in _AMOUNT_OF)
    return tuple(replace(q, raw=word) for word in words for q in quantities(_AMOUNT_OF[word]))


def asked_unit(question: str) -> str:
    """The unit that a question asks for ("how many hours", "in dollars"); empty if none."""
    words = (w for m in _ASKED_UNIT.finditer(question.lower()) for w in m.groups() if w)
    units = (_UNIT_OF[word] for word in words if word in _UNIT_OF and len(word) > 2)
    return next((unit for unit in units if unit != "times"), "")


def code_names(text: str) -> tuple[str, ...]:
    """Names that contain digits, such as ``DINOv2`` or ``GPT-4V``."""
    names = (match[0] for match in _CODE_NAME.finditer(_plain(text)))
    return tuple(name for name in names if not _reads_as_quantity(name))


def unstated(claim: str, source: str) -> list[str]:
    """Quantities that ``claim`` states and ``source`` does not, as the claim writes them.

    A number counts as stated when the source has the same value (with the same unit, if the
    claim names one), or, where the words or a scale word allow rounding, one that rounds to
    it in the direction that they name. "Two" is stated by "both" and by "a pair", too.
    """
    claimed = [*quantities(claim), *amounts(claim)]
    if not claimed:
        return []
    stated = [*quantities(source), *amounts(source)]
    if not _PAIRS.isdisjoint(source.lower().split()):
        stated.append(Quantity("both", Decimal(2), "", "exact"))
    missing = [q.raw for q in claimed if not any(_states(s, q) for s in stated)]
    return list(dict.fromkeys(missing))


def _plain(text: str) -> str:
    for pattern, replacement in _LATEX:
        text = pattern.sub(replacement, text)
    return text


def _in_digits(text: str) -> list[Quantity]:
    found: list[Quantity] = []
    matches = [(m, q) for m in _NUMBER.finditer(text) if (q := _quantity(m, text))]
    end, unit = len(text), ""
    for match, quantity in reversed(matches):
        gap = text[match.end("number") : end]
        shares = not quantity.unit and unit and _LIST_GAP.fullmatch(gap)
        unit = unit if shares else quantity.unit
        end = match.start()
        found.append(replace(quantity, unit=unit))
    return found[::-1]


def _quantity(match: re.Match[str], text: str) -> Quantity | None:
    try:
        value = Decimal(match["number"].replace(",", ""))
    except InvalidOperation:
        return None
    scale = (match["scale"] or match["si"] or "").lower()
    word = (match["sign"] or match["word"] or "").lower()
    unit = _UNIT_OF.get(word, "")
    before = text[: match.start()][-24:]
    if not unit and _FACTOR.search(before):
        unit = "times"
    if match["word"] and not unit and _glued(match, text):
        return None  # part of a name: "3D", "T2"
    end = match.end() if unit else (match.end("scale") if scale else match.end("number"))
    raw = text[match.start() : max(end, match.end("si"))].strip()
    rounding = next((r for r, p in _BEFORE if p.search(before)), None)
    return Quantity(
        raw, value * Decimal(10) ** _SCALES.get(scale, 0), unit,
        rounding or ("near" if scale else "exact"),
    )  # fmt: skip


def _glued(match: re.Match[str], text: str) -> bool:
    start, word = match.start("word"), match["word"]
    if match.end("number") == start:
        return len(word) <= _LONGEST_CODE
    return text[start - 1] == "-" and len(word) <= 2 and word[0].isupper()


def _reads_as_quantity(name: str) -> bool:
    """``80x``, ``1.6TB``, ``25k``, ``10-fold``: a number with its unit or scale."""
    match = re.fullmatch(r"([\d.,]+)-?([A-Za-z]+)", name)
    if match is None:
        return bool(re.fullmatch(r"[\d.,-]+", name))
    word = match[2].lower()
    return word in _UNIT_OF or word in _SCALES or len(word) > _LONGEST_CODE


def _states(stated: Quantity, claimed: Quantity) -> bool:
    if claimed.unit and stated.unit != claimed.unit:
        return False
    if stated.value == claimed.value:
        return True
    if claimed.rounding == "exact" or claimed.value == 0:
        return False
    ratio = stated.value / claimed.value
    return {
        "near": _rounds_to(stated.value, claimed.value),
        "at_least": 1 <= ratio <= Decimal("1.1"),
        "at_most": Decimal("0.9") <= ratio <= 1,
    }[claimed.rounding]


def _rounds_to(value: Decimal, claimed: Decimal) -> bool:
    """Whether ``value``, rounded to the last digit that ``claimed`` shows, is ``claimed``."""
    step = Decimal(1).scaleb(int(claimed.normalize().as_tuple().exponent))
    return abs(value - claimed) <= step / 2
