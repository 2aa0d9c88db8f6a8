"""Quantities as text states them, their units, and whether one states another."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Rounding = Literal["exact", "shown", "near", "over", "just_over", "under", "just_under"]


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number as text states it."""

    raw: str
    value: float
    """In ``unit``: 25 for "a quarter", whose unit is ``percent``."""
    unit: str
    """``percent``, ``points``, ``times``, a unit's symbol such as ``GB``, or empty."""
    rounding: Rounding
    """How the words before it, or a scale word after it, qualify the number."""
    start: int = 0
    end: int = 0
    soft: bool = False
    """Words that are round by nature: "half", "one in seven", "doubled"."""
    parts: tuple[float, float] | None = None
    """The two numbers of "nine of 14", which may be counts as well as a share."""


POWERS = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9,
           "trillion": 10**12, "dozen": 12}  # fmt: skip
SCALES = {"k": 10**3, "m": 10**6, "b": 10**9, "bn": 10**9} | POWERS
_UNITS = {
    "percent": "% percent per-cent percentage",
    "points": "pp points point",
    "times": "x × times fold",
    "TB": "tb terabyte terabytes", "GB": "gb gigabyte gigabytes", "MB": "mb megabyte megabytes",
    "ms": "ms millisecond milliseconds", "s": "s sec secs second seconds",
    "min": "min mins minute minutes",
    "h": "h hr hrs hour hours", "d": "day days", "week": "week weeks wk wks",
    "month": "month months mo mos", "year": "year years y yr yrs",
    "decade": "decade decades", "century": "century centuries",
    "nm": "nm nanometer nanometers nanometre nanometres",
    "um": "μm µm um microm micro-m micrometer micrometers micrometre micrometres micron microns",
    "mm": "mm millimeter millimeters millimetre millimetres",
    "cm": "cm centimeter centimeters centimetre centimetres",
    "km": "km kilometer kilometers kilometre kilometres",
    "ul": "μl µl ul microliter microlitre microliters microlitres",
    "ml": "ml milliliter millilitre milliliters millilitres cc", "l": "liter litre liters litres",
    "ng": "ng nanogram nanograms", "ug": "μg µg ug mcg microg microgram micrograms",
    "mg": "mg milligram milligrams", "g": "g gram grams", "kg": "kg kilogram kilograms",
    "nM": "nm_ nanomolar", "uM": "μm_ micromolar", "mM": "millimolar",
    "mmol": "mmol", "IU": "iu", "mmHg": "mmhg", "kcal": "kcal",
    "Hz": "hz", "kHz": "khz", "MHz": "mhz", "Gy": "gy", "mSv": "msv",
    "dB": "db decibel decibels", "T": "tesla", "degree": "° °c degrees degree",
    "USD": "usd dollar dollars", "EUR": "eur euro euros", "GBP": "gbp pounds", "HU": "hu",
    "K": "kelvin",
}  # fmt: skip
UNIT_OF = {word: unit for unit, words in _UNITS.items() for word in words.split()}
_PERIODS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "week": 604800.0,
            "month": 2629800.0, "year": 31557600.0, "decade": 315576000.0,
            "century": 3155760000.0}  # fmt: skip
_BASES = {unit: ("s", size) for unit, size in _PERIODS.items()} | {
    "nm": ("m", 1e-9), "um": ("m", 1e-6), "mm": ("m", 1e-3), "cm": ("m", 1e-2), "km": ("m", 1e3),
    "ul": ("l", 1e-6), "ml": ("l", 1e-3), "l": ("l", 1.0), "ng": ("g", 1e-9), "ug": ("g", 1e-6),
    "mg": ("g", 1e-3), "g": ("g", 1.0), "kg": ("g", 1e3), "nM": ("M", 1e-9), "uM": ("M", 1e-6),
    "mM": ("M", 1e-3), "MB": ("B", 1e6), "GB": ("B", 1e9), "TB": ("B", 1e12),
    "Hz": ("Hz", 1.0), "kHz": ("Hz", 1e3), "MHz": ("Hz", 1e6),
}  # fmt: skip
_BEFORE: tuple[tuple[Rounding, re.Pattern[str]], ...] = (
    ("exact", re.compile(r"\b(?:no|not) (?:more|less|fewer|higher|lower) than(?: an?)?\s*$",
                         re.IGNORECASE)),
    ("just_over", re.compile(r"(?:\b(?:just|slightly|barely|little|somewhat) (?:over|above|more"
                             r" than|longer than))(?: an?| the)?\s*$", re.IGNORECASE)),
    ("just_under", re.compile(r"(?:\b(?:(?:just|slightly|somewhat|little) (?:under|below|less than"
                              r"|fewer than)|almost|nearly|close to|not quite|up to|at most"
                              r"|little more than|barely|as (?:many|much) as)(?: an?| the)?)\s*$",
                              re.IGNORECASE)),
    ("over", re.compile(r"(?:\b(?:over|(?:more|greater|better|higher|larger|longer|older) than"
                        r"|at least|exceed\w*|above|upwards of|past|beyond)(?: an?| the)?"
                        r"|>|≥|>\s?=|⩾|>\s?or\s?=)\s*$", re.IGNORECASE)),
    ("under", re.compile(r"(?:\b(?:under|(?:less|fewer|lower|smaller|younger|shorter) than|below"
                         r"|within)(?: an?| the)?|<|≤|<\s?=|⩽|<\s?or\s?=)\s*$", re.IGNORECASE)),
    ("near", re.compile(r"(?:\b(?:about|around|approx\w*\.?|roughly|some|circa|something like"
                        r"|near|order of|or so)(?: an?| the)?|~|≈|∼)\s*$", re.IGNORECASE)),
)  # fmt: skip
INVERSE: dict[Rounding, Rounding] = {
    "over": "under", "under": "over", "just_over": "just_under", "just_under": "just_over",
}  # fmt: skip
# How far below and above its number a value may lie, as shares of it; spelled fractions and
# the like are round by nature.
_PLAIN: dict[Rounding, tuple[float, float]] = {
    "exact": (0, 0), "shown": (0, 0), "near": (0.04, 0.04), "over": (0, 0.12),
    "just_over": (0, 0.06),
    "under": (0.12, 0), "just_under": (0.06, 0),
}  # fmt: skip
_SOFT: dict[Rounding, tuple[float, float]] = {
    "exact": (0.08, 0.08), "shown": (0.08, 0.08), "near": (0.12, 0.12), "over": (0, 0.3),
    "just_over": (0, 0.14),
    "under": (0.28, 0), "just_under": (0.14, 0),
}  # fmt: skip
_RATIO, _COUNTS = 0.06, 0.012  # for "three in ten", for "nine of the 14"
_OF_COUNTS = re.compile(r"\d|\bof (?:the|these|their|its)\b")
_SAME_PERIOD = 0.02  # 180 days are half a year, 52 weeks a year
_NEARLY_EXACT = 1e-12
_OVER: tuple[Rounding, ...] = ("over", "just_over")
_UNDER: tuple[Rounding, ...] = ("under", "just_under")


def rounding_before(text: str, start: int) -> Rounding:
    """How the words that end at ``start`` qualify the number that begins there."""
    before = text[max(0, start - 24) : start]
    return next((kind for kind, words in _BEFORE if words.search(before)), "exact")


def states(source: Quantity, claimed: Quantity) -> bool:
    """Whether ``source`` has a value that the words of ``claimed`` allow, in a unit that fits."""
    low, high = allowed(claimed)
    if _base(source.unit) == _base(claimed.unit) == "s" and source.unit != claimed.unit:
        low, high = low * (1 - _SAME_PERIOD), high * (1 + _SAME_PERIOD)
    return any(
        (low <= value <= high and not (value == claimed.value and _are_opposed(source, claimed)))
        or _rounds_to(value, claimed)
        for value in readings(source, claimed.unit)
    )  # fmt: skip


def allowed(q: Quantity) -> tuple[float, float]:
    """The least and the greatest value that the words of ``q`` allow."""
    below, above = (_SOFT if q.soft else _PLAIN)[q.rounding]
    if q.parts and q.rounding == "exact":
        below = above = _COUNTS if _OF_COUNTS.search(q.raw) else _RATIO
    low, high = q.value * (1 - below), q.value * (1 + above)
    step = last_digit(q.value)
    if q.rounding == "shown":
        low, high = q.value - step / 2, q.value + step / 2
    elif not q.soft and q.value < min(10, 10 * step):  # one digit claims no more than that
        low = q.value - step * {"near": 0.5, "just_under": 0.5, "under": 1}.get(q.rounding, 0)
        high = q.value + step * {"near": 0.5, "just_over": 0.5, "over": 1}.get(q.rounding, 0)
    return low * (1 - _NEARLY_EXACT), high * (1 + _NEARLY_EXACT)


def readings(q: Quantity, unit: str) -> Iterator[float]:
    """``q`` in ``unit``, in each way that it can be read so; in any unit if that is empty."""
    match q.unit, unit:
        case (same, wanted) if same == wanted or not wanted:
            yield q.value
            if (q.unit, unit) == ("percent", ""):
                yield q.value / 100
        case ("percent", "times"):
            yield q.value / 100
        case ("percent", "points") | ("points", "percent") | ("", "points" | "times"):
            yield q.value
        case ("" | "times", "percent") if q.value <= 1:
            yield 100 * q.value
        case ("", "from year"):
            yield q.value - q.value % 10
        case _ if _base(q.unit) == _base(unit):
            yield q.value * _size(q.unit) / _size(unit)


def last_digit(value: float) -> float:
    """The unit of the last digit that ``value`` shows: 100 for 3,700, 0.01 for 0.25."""
    whole, _, fraction = f"{value:.6f}".rstrip("0").partition(".")
    return 10.0 ** (-len(fraction) if fraction else len(whole) - len(whole.rstrip("0")))


def _base(unit: str) -> str:
    return _BASES.get(unit, (unit, 1.0))[0]


def _size(unit: str) -> float:
    return _BASES.get(unit, (unit, 1.0))[1]


def _are_opposed(a: Quantity, b: Quantity) -> bool:
    """Whether one is over and the other under its number: p < 0.05 and p > 0.05."""
    return (a.rounding in _OVER and b.rounding in _UNDER) or (
        a.rounding in _UNDER and b.rounding in _OVER
    )


def _rounds_to(value: float, q: Quantity) -> bool:
    """Whether the figures that ``q`` shows, two or more, are those of the longer ``value``."""
    step = last_digit(q.value)
    if q.soft or q.rounding not in ("exact", "near") or step > 1 or q.value < 10 * step:
        return False
    return value % 1 != 0 and abs(value - q.value) <= step / 2 * (1 + _NEARLY_EXACT)
