"""Numbers in text, in digits or words, with their units and the words that qualify them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from rag.units import INVERSE, POWERS, SCALES, UNIT_OF, Quantity, rounding_before

_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_WORDS = (
    {word: value for value, word in enumerate(_SMALL)}
    | {word: 10 * n for n, word in enumerate(_TENS, 2)}
    | POWERS
)
_MONEY = re.compile(r"(?:US)?\$\s?(\d[\d,.]*\d|\d)((?:\s?(?:million|billion|[kMB]\b))?)(?![\d$])")
_LATEX = (
    (re.compile(r"\\(?=[%&$#_])"), ""),
    (re.compile(r"(?:\\(?:text)?pm|(?<=\d)\s?pm(?=\s?\d)|±|\+/-)"), " ± "),
    (_MONEY, r"\1\2 dollars "),
    (re.compile(r"\\times|\$"), " "),
    (re.compile(r"(?<=\d)\s?[x×]\s?(?=\d)"), " by "),
    (re.compile(r"(?<=\d)[–—−](?=\d)"), " - "),
    (re.compile(r"(?<=\d)-(?=\d)"), " - "),
    (re.compile(r"(?<![\d.,])(\d{1,3})[ \u2009\u202f\xa0](?=\d{3}(?![\d.]))"), r"\1,"),
    (re.compile(r"(?<=\d)·(?=\d)"), "."),
    (re.compile(r"\bper cent\b", re.IGNORECASE), "percent"),
)
# "1. " or "2)" opening a line and "(1)" are list numbers, not quantities.
_LIST_NUMBER = re.compile(r"(?m)^\s*\d{1,2}[.)]\s|\(\d\)")
# A token that mixes letters and digits is a name (DINOv2, GPT-4V, T2w, 3D), not a quantity.
_CODE_NAME = re.compile(
    r"(?<!\w)\w*(?:[^\W\d_]\+*(?:-|['’](?=\d))?\d|\d[^\W\d_])[\w+]*(?:-\w+)*(?:\.\d+)?"
)
_YEAR, _YEAR_DIGITS = re.compile(r"(?:19|20)\d\d"), 4
_LONGEST_CODE = 3  # letters glued to a number that make it a name: "3D", "T2w"

_ONES = "one|two|three|four|five|six|seven|eight|nine"
_SUB100 = (
    rf"(?:{'|'.join(_TENS)})(?:[ -](?:{_ONES})\b)?|{'|'.join(reversed(_SMALL[10:]))}|{_ONES}|zero"
)
_SUB1000 = rf"(?:(?:{_SUB100}|an?)\s+hundred(?:\s+(?:and\s+)?(?:{_SUB100})\b)?|(?:{_SUB100}))"
_SPELLED = (
    rf"(?:(?:half\s+an?|an?|{_SUB1000})\s+(?:thousand|million|billion|dozen)"
    rf"(?:\s+(?:and\s+)?{_SUB1000}\b)?|{_SUB1000}|(?<=per )(?:hundred|thousand)"
    r"|(?<=every )(?:hundred|thousand)|dozen)"
)
_DIGITS = r"(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
_NUMBER = re.compile(
    rf"(?:(?<![\w.])(?P<digits>{_DIGITS})\+?(?!\w*(?<=\d)(?:st|nd|rd|th)\b)"
    rf"|(?<!\w)(?P<spelled>{_SPELLED})(?!\w))"
    r"(?P<half>\s+and\s+a\s+half\b|½)?"
    r"(?:[ -]?(?P<scale>thousand|million|billion|trillion|hundred|dozen)\b"
    r"|(?-i:(?P<si>[kKMB]|bn))(?![\w]))?"
    r"(?:\s?\\?(?P<sign>[%×°])"
    r"|[\s-]?(?P<word>x(?![\w])|percentage points?\b|[A-Za-zµμ]+(?:-cent)?))?",
    re.IGNORECASE,
)
_PART_OF = {
    "half": 2, "halves": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6,
    "seventh": 7, "eighth": 8, "ninth": 9, "tenth": 10, "twelfth": 12, "twentieth": 20,
    "fiftieth": 50, "hundredth": 100, "thousandth": 1000,
}  # fmt: skip
_PARTS = "|".join(_PART_OF)
# "a third of", "two thirds", "nearly half": but no "third group", "top quarter", "half-life".
_FRACTION = re.compile(
    rf"(?<![\w-])(?:(?P<over>an?|{_SUB100}|\d+)[ -](?P<part>{_PARTS})s?\b(?!-)"
    r"|(?P<plain>half|quarter)(?![\w-]))"
    r"(?P<of>\s+(?:of\s+)?(?:an?|the)\s+(?P<unit>[a-z]+)\b)?",
    re.IGNORECASE,
)
_NO_FRACTION = re.compile(
    r"\b(?:top|bottom|first|second|last|latter|other|upper|lower|lowest|highest|best|worst|left"
    r"|right|each|every|leanest|better|former|later|early|late|time|and an?|-)\s*$",
    re.IGNORECASE,
)
_AFTER_ORDINAL = re.compile(
    r"\s*(?:$|[.,;:)?!]|(?:of|or|and|to|as|that|more|less|fewer|lower|higher|larger|smaller|faster"
    r"|slower|longer|shorter|better|worse|in|on|by|with|at|after|when|were|was|had|have|the|their"
    r"|its|those|against|for|from|below|above|over|were|did|do|needed|ended|through|during|while"
    r"|without|within|versus|vs|between|compared|if|among|but|per|could|would|can|are|is|said"
    r"|off)\b)",
    re.IGNORECASE,
)
_AMOUNTS = {
    "double": 2, "doubles": 2, "doubled": 2, "doubling": 2, "twice": 2, "thrice": 3,
    "triple": 3, "triples": 3, "tripled": 3, "tripling": 3, "treble": 3, "trebled": 3,
    "quadruple": 4, "quadruples": 4, "quadrupled": 4, "halve": 0.5, "halves": 0.5,
    "halved": 0.5, "halving": 0.5,
}  # fmt: skip
_FOLD = re.compile(
    rf"(?<!\w)({_ONES}|{'|'.join(_SMALL[10:])}|{'|'.join(_TENS)}|hundred)-?fold\b", re.IGNORECASE
)
_AMOUNT = re.compile(
    rf"(?<![\w-])(?:(?P<often>double|triple|treble)(?=\s+(?:the|that|those|its|what|their|as)\b)"
    rf"|(?P<word>{'|'.join(w for w in _AMOUNTS if w not in ('double', 'triple', 'treble'))}))"
    r"(?![\w-])",
    re.IGNORECASE,
)
_FACTOR = re.compile(
    r"(?:\bfactors? (?:of )?|\b(?:odds|hazards?|risk|rate) ratios?\b(?: (?:for|of) [a-z]+)?\W*"
    r"(?:(?:of|was|is|were|\[?\(?\w*\)?\]?)\W*){0,2}"
    r"|\b(?:a?OR|a?HR|a?RR|IRR|SIR|SMR)s?\)?\W{0,3}(?:of |was )?)$"
)
_CONFIDENCE = re.compile(
    r"\s*(?:-\s?)?\(?(?:CIs?\b|C\.I|confidence|credible|prediction interval|uncertainty|limits)",
    re.IGNORECASE,
)
_ORDERS = re.compile(
    rf"(?<!\w)(?:(?P<n>{_ONES}|an?|\d)\s+)orders?(?: of magnitude)?(?=[ ,.;]|$)(?! of\b)",
    re.IGNORECASE,
)
# What stands between the numbers of a list or range that share the unit of the last.
_LIST_GAP = re.compile(
    r"\s*(?:[,/–;±-]|\b(?:and|or|to|vs\.?|versus|by|against|through)\b)"
    r"(?:[\s,/–;±-]|and|or|to|vs\.?|versus|by|against|than|not)*"
)
_RATIO_GAP = re.compile(
    r"(?:\s+[a-z'-]+){0,3}?\s+(?:in(?: every)?|out of(?: every)?|of every|per)\s+"
    r"|(?:\s+of|\s+[a-z]+ of)(?: the| these| their| its)?\s+|\s?/\s?",
    re.IGNORECASE,
)

_TWO_NOUNS = re.compile(r"\s+[a-z'-]+\s.*\bin\s+", re.IGNORECASE)
_PLURAL = re.compile(r"\s+[a-z]{2,}s\b")


def plain(text: str) -> str:
    """``text`` with the debris of LaTeX and the signs of ranges written out."""
    for pattern, replacement in _LATEX:
        text = pattern.sub(replacement, text)
    return text


def code_names(text: str) -> tuple[str, ...]:
    """Names that contain digits, such as ``DINOv2`` or ``GPT-4V``."""
    names = (match[0] for match in _CODE_NAME.finditer(plain(text)))
    return tuple(name for name in names if not _reads_as_quantity(name))


def without_names(text: str) -> str:
    """``plain(text)`` with names and list numbers blanked, as long as it was."""
    text = _LIST_NUMBER.sub(lambda m: " " * len(m[0]), plain(text))
    return _CODE_NAME.sub(
        lambda m: m[0] if _reads_as_quantity(m[0]) else ";" + "_" * (len(m[0]) - 1), text
    )


def scan(text: str) -> list[Quantity]:
    """All quantities of ``text``, in order; ``start`` and ``end`` count into ``plain(text)``."""
    text = without_names(text)
    round_ones = [*_fractions(text), *_amounts(text)]
    for quantity in round_ones:
        text = _blanked(text, quantity.start, quantity.end)
    found = [*round_ones, *_ratios(_numbers(text), text)]
    # "One" is mostly no number, and "one day" a time to come.
    kept = (q for q in found if q.raw.lower() not in ("one", "one day"))
    return sorted(kept, key=lambda q: q.start)


def _blanked(text: str, start: int, end: int) -> str:
    return text[:start] + ";" * (end - start) + text[end:]


def _fractions(text: str) -> Iterator[Quantity]:
    for match in _FRACTION.finditer(text):
        before, after = text[max(0, match.start() - 12) : match.start()], text[match.end() :]
        over = (match["over"] or "1").lower()
        several = over not in ("a", "an", "1", "one")
        part = _PART_OF[(match["part"] or match["plain"]).lower()]
        unit = (match["unit"] or "").lower()
        if _NO_FRACTION.search(before) and not several:
            continue
        if unit in UNIT_OF or unit in POWERS:
            value = _value(over) / part * POWERS.get(unit, 1)
            rounding = rounding_before(text, match.start())
            yield Quantity(match[0], value, UNIT_OF.get(unit, ""), rounding,
                           match.start(), match.end())  # fmt: skip
        elif several or match["of"] or match["plain"] or _AFTER_ORDINAL.match(after):
            end = match.start("of") if match["of"] else match.end()
            yield Quantity(
                text[match.start() : end], 100 * _value(over) / part, "percent",
                rounding_before(text, match.start()), match.start(), end, soft=True,
            )  # fmt: skip


def _amounts(text: str) -> Iterator[Quantity]:
    for match in _AMOUNT.finditer(text):
        value = float(_AMOUNTS[(match["often"] or match["word"]).lower()])
        rounding = rounding_before(text, match.start())
        if value < 1:
            rounding = INVERSE.get(rounding, rounding)
        yield Quantity(match[0], value, "times", rounding, match.start(), match.end(), soft=True)
    for match in _ORDERS.finditer(text):
        value = 10.0 ** _value(match["n"].lower())
        rounding = rounding_before(text, match.start())
        yield Quantity(match[0], value, "times", rounding, match.start(), match.end(), soft=True)
    for match in _FOLD.finditer(text):
        rounding = rounding_before(text, match.start())
        value = _value(match[1])
        yield Quantity(match[0], value, "times", rounding, match.start(), match.end(), soft=True)


def _numbers(text: str) -> list[Quantity]:
    found: list[Quantity] = []
    matches = [(m, q) for m in _NUMBER.finditer(text) if (q := _quantity(m, text))]
    gap_end, unit = len(text), ""
    for match, quantity in reversed(matches):
        end = max(match.end("digits"), match.end("spelled"))
        shared = unit not in ("", "confidence") and _LIST_GAP.fullmatch(text, end, gap_end)
        if not shared or quantity.unit or _YEAR.fullmatch(quantity.raw):
            unit = quantity.unit
        gap_end = match.start()
        found.append(replace(quantity, unit=unit))
    return found[::-1]


def _quantity(match: re.Match[str], text: str) -> Quantity | None:
    number, start = match["digits"] or match["spelled"], match.start()
    scale = (match["scale"] or match["si"] or "").lower()
    unit = _unit(match, text)
    if match["word"] and not unit and match["digits"] and _glued(match, text):
        return None  # part of a name: "3D", "T2"
    end = match.end() if unit else max(map(match.end, ("digits", "spelled", "half", "scale", "si")))
    if not unit and _FACTOR.search(text[max(0, start - 40) : start]):
        unit = "times"
    value = (_value(number.lower()) + (0.5 if match["half"] else 0)) * SCALES.get(scale, 1)
    rounding = rounding_before(text, start)
    if scale and rounding == "exact":
        rounding = "shown"
    return Quantity(text[start:end].strip(), value, unit, rounding, start, end)


def _unit(match: re.Match[str], text: str) -> str:
    word, number = (match["sign"] or match["word"] or "").lower(), match["digits"] or ""
    unit = "points" if word.startswith("percentage point") else UNIT_OF.get(word, "")
    if unit == "percent" and _CONFIDENCE.match(text, match.end()):
        return "confidence"  # "95% CI" measures nothing
    if word == "s" and len(number) == _YEAR_DIGITS and match.end("digits") == match.start("word"):
        return "from year"  # the 1990s
    if word in ("second", "point") or (word == "x" and not number):
        return ""  # three second-line drugs, one X-ray
    return unit


def _value(number: str) -> float:
    if number[0].isdigit() or number[0] == ".":
        return float(number.replace(",", ""))
    total = current = 0.0
    for word in re.findall(r"[a-z]+", number.lower()):
        if word == "half":
            current = 0.5
        elif word == "hundred":
            current = max(current, 1) * 100
        elif word in POWERS:
            total, current = total + max(current, 0.5 if current else 1) * POWERS[word], 0
        else:
            current += _WORDS.get(word, 0)
    return total + current or (1.0 if number.lower() in ("a", "an") else 0.0)


def _ratios(numbers: list[Quantity], text: str) -> list[Quantity]:
    """``numbers``, with "nine of 14" and "one patient in seven" as one quantity each."""
    found: list[Quantity] = []
    for second in numbers:
        if not found or not _make_a_ratio(found[-1], second, text):
            found.append(second)
            continue
        first = found[-1]
        found[-1] = Quantity(
            text[first.start : second.end], 100 * first.value / second.value, "percent",
            first.rounding, first.start, second.end, True, (first.value, second.value),
        )  # fmt: skip
    return found


def _make_a_ratio(first: Quantity, second: Quantity, text: str) -> bool:
    if first.unit not in ("", "times") or second.unit or first.parts:
        return False
    if not (0 < first.value < second.value and first.value % 1 == 0):
        return False
    if first.raw.lower() == "one" and text.startswith(" of ", first.end):
        return False  # "one of the two cycles"
    if _TWO_NOUNS.fullmatch(text, first.end, second.start) and _PLURAL.match(text, second.end):
        return False  # "25 surveys in 60 countries"
    return bool(_RATIO_GAP.fullmatch(text, first.end, second.start))


def _glued(match: re.Match[str], text: str) -> bool:
    start, word = match.start("word"), match["word"]
    if match.end("digits") == start:
        return len(word) <= _LONGEST_CODE
    return text[start - 1] == "-" and len(word) <= 2 and word[0].isupper()


def _reads_as_quantity(name: str) -> bool:
    """``80x``, ``1.6TB``, ``25k``, ``10-fold``: a number with its unit or scale."""
    match = re.fullmatch(r"([\d.,]+)-?([A-Za-zµμ]+)", name)
    if match is None:
        return bool(re.fullmatch(r"[\d.,-]+", name))
    word = match[2].lower()
    return word in UNIT_OF or word in SCALES or len(word) > _LONGEST_CODE
