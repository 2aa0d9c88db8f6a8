"""A draft to claims: sentence boundaries, citation markers and the numbers cited."""

from __future__ import annotations

import itertools
import re

from rag.chatter import is_talk, refers_back, states_nothing
from rag.sentences import boundaries, find_markers, numbered_part, settled
from rag.types import Claim

__all__ = [
    "ClaimStream", "cited_numbers", "ends_sentence", "find_markers", "parse_claims",
    "rewrite_markers", "split_at_markers", "strip_markers",
]  # fmt: skip

_DIGITS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_RANGE = re.compile(r"(\d{1,4})\]?\s*(?:[-‐‑–—−]|to)\s*\[?(?:[A-Za-z]+\.?\s?)?\^?(\d{1,4})")
_WIDEST_RANGE = 50
# "[1], [2]" is read as one, and so are the brackets of "([1], [2])" and "**[1]**".
_JOINT = re.compile(r"\s?[,;]?\s?")
_WRAPPER = re.compile(r"([(\[]|\*{1,3})(?:e\.g\.,?\s|see\s|cf\.\s)?$")
_CLOSING = {"(": ")", "[": "]", "*": "*", "**": "**", "***": "***"}

_LEAD = re.compile(r"^\s*(?:(?:[-*+•–]|\d{1,2}[.)]|#{1,6}|>)\s+)+")
_FENCE = re.compile(r"^\s*```\w*\s*$")
_BOLD = re.compile(r"\*\*[^*]+\*\*:?|__[^_]+__:?")
_MOST_CONTEXT = 3
_LONGEST_RULE = 500
_EMPHASIS = re.compile(r"(\*\*|__|(?<!\w)[*_](?=\S)|(?<=\S)[*_](?!\w)|`)")


def parse_claims(text: str) -> list[Claim]:
    """Split a draft into claims; their ``raw`` strings, joined, give the draft back."""
    edges = [0, *boundaries(text), len(text)]
    reader = _Reader()
    return [
        reader.read(text[start:end], start, _next_line(text, end))
        for start, end in itertools.pairwise(edges)
        if start < end
    ]


def cited_numbers(text: str) -> tuple[int, ...]:
    """The numbers cited in ``text``, in order of appearance, each once."""
    numbers: dict[int, None] = {}
    for marker in find_markers(text):
        for number in _expand(marker[0]):
            numbers[number] = None
    return tuple(numbers)


def strip_markers(text: str) -> str:
    """``text`` without its citation markers and without the white space before them."""
    return _replace_markers(text, ())


def ends_sentence(text: str) -> bool:
    """Whether ``text`` ends with a full stop or its like, citation markers aside."""
    return strip_markers(text).rstrip(" \n\"'”’)*_")[-1:] in set(".!?。！？")


def split_at_markers(text: str) -> list[str]:
    """What stands before, between and after the citation markers of ``text``."""
    parts, start = [], 0
    for match in find_markers(text):
        parts.append(text[start : match.start()])
        start = match.end()
    return [*parts, text[start:]]


def rewrite_markers(text: str, keep: tuple[int, ...]) -> str:
    """``text`` with each marker as ``[n][m]``, and only the numbers in ``keep``."""
    return _replace_markers(text, keep)


def _replace_markers(text: str, keep: tuple[int, ...]) -> str:
    parts, done = [], 0
    for start, end, numbers in _runs(text):
        marks = "".join(f"[{n}]" for n in numbers if n in keep)
        before = text[done:start]
        parts += [before if marks else before.rstrip(), marks]
        done = end
    return "".join([*parts, text[done:]])


def _runs(text: str) -> list[tuple[int, int, list[int]]]:
    """Markers that stand together, as (start, end, numbers), with brackets around them."""
    runs: list[tuple[int, int, list[int]]] = []
    for match in find_markers(text):
        numbers = _expand(match[0])
        if runs and _JOINT.fullmatch(text, runs[-1][1], match.start()):
            start, _, before = runs.pop()
            numbers = [*before, *(n for n in numbers if n not in before)]
        else:
            start = match.start()
        runs.append((start, match.end(), numbers))
    return [(*_with_wrapper(text, start, end), numbers) for start, end, numbers in runs]


def _with_wrapper(text: str, start: int, end: int) -> tuple[int, int]:
    opening = _WRAPPER.search(text[max(0, start - 12) : start])
    if opening and text.startswith(_CLOSING[opening[1]], end):
        return start - len(opening[0]), end + len(_CLOSING[opening[1]])
    return start, end


class ClaimStream:
    """Claims of a draft that arrives in pieces, each as soon as it is certainly complete.

    However the draft is cut, the claims are those of ``parse_claims`` on the whole.
    """

    def __init__(self) -> None:
        self._text = ""
        self._done = 0
        self._look_at = 0
        self._reader = _Reader()

    def feed(self, text: str) -> list[Claim]:
        """Add a piece; return the claims that are complete now."""
        self._text += text
        if len(self._text) < self._look_at:
            return []
        edges = boundaries(self._text, self._done)
        claims = self._take(settled(self._text, edges, self._done))
        # A draft without an end in sight is read again as it grows, not at every piece.
        self._look_at = len(self._text) + (len(self._text) - self._done) // 32
        return claims

    def close(self) -> list[Claim]:
        """The claims that remain at the draft's end."""
        return self._take([*boundaries(self._text, self._done), len(self._text)])

    def _take(self, ends: list[int]) -> list[Claim]:
        claims = []
        for end in ends:
            if self._done < end:
                raw = self._text[self._done : end]
                claims.append(self._reader.read(raw, self._done, _next_line(self._text, end)))
                self._done = end
        return claims


class _Reader:
    """Makes claims of a draft's sentences, in order: what stood before decides, too."""

    def __init__(self) -> None:
        self._in_table = False
        self._before: list[str] = []
        """The claims of this paragraph that a reference back may mean."""

    def read(self, raw: str, start: int, following: str) -> Claim:
        """The claim of one sentence; ``following`` is the line after it."""
        body = _FENCE.sub("", _LEAD.sub("", raw))
        bare = _EMPHASIS.sub("", strip_markers(body))
        bare = re.sub(r"\s+", " ", bare.strip().strip("|")).strip().lstrip(":,; ")
        cited = cited_numbers(raw)
        heading = self._is_heading(raw.strip(), body.strip(), following)
        checkable = not states_nothing(bare, bool(cited), heading)
        context = self._context(bare, checkable)
        if re.search(r"\n[ \t]*\n\s*$", raw) or raw.lstrip().startswith("#"):
            self._before = []
        return Claim(raw, start, cited, bare, checkable, context)

    def _is_heading(self, raw: str, body: str, following: str) -> bool:
        """Whether it has the shape of one: the first row of a table is one, the others not."""
        is_row = raw.startswith("|") or " | " in raw
        is_first, self._in_table = is_row and not self._in_table, is_row
        if is_row:
            return is_first
        underlined = "\n" not in raw and re.match(r"\s*(?:-{3,}|={3,})\s*$", following)
        return bool(raw.startswith("#") or _BOLD.fullmatch(body) or underlined)

    def _context(self, bare: str, checkable: bool) -> str:
        if not checkable:
            if not is_talk(bare):
                self._before = [bare]  # "**ISLES 2022.** It has …"
            return ""
        if not refers_back(bare):
            self._before = [bare]
            return ""
        context = " ".join(self._before[-_MOST_CONTEXT:])
        self._before.append(bare)
        return context


def _next_line(text: str, start: int) -> str:
    end = text.find("\n", start, start + _LONGEST_RULE)
    return text[start : end if end >= 0 else start + _LONGEST_RULE]


def _expand(marker: str) -> list[int]:
    numbers: list[int] = []
    body = _RANGE.sub(_spell_out, numbered_part(marker).translate(_DIGITS))
    for digits in re.findall(r"\d+", body):
        if int(digits) not in numbers:
            numbers.append(int(digits))
    return numbers


def _spell_out(match: re.Match[str]) -> str:
    low, high = int(match[1]), int(match[2])
    if low < high <= low + _WIDEST_RANGE:
        return ",".join(map(str, range(low, high + 1)))
    return f"{low},{high}"
