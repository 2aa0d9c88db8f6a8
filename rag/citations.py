"""A draft to claims: sentence boundaries, citation markers and the numbers cited."""

from __future__ import annotations

import itertools
import re

from rag.chatter import states_nothing
from rag.sentences import boundaries
from rag.types import Claim

_ITEM = r"(?:[Ss]ources?\s*)?\^?\d{1,4}"
_LIST = rf"{_ITEM}(?:\s*(?:[,;&–-]|and)\s*{_ITEM})*"
MARKER = re.compile(rf"\[\s*{_LIST}\s*\]|【\s*{_LIST}(?:†[^】]*)?\s*】")
# "95% CI [72, 81]" is an interval, not a citation.
_INTERVAL_BEFORE = re.compile(
    r"(?:\bCIs?|interval|range|IQR)\s*[:=,]?\s*(?:of\s+)?$", re.IGNORECASE
)
_RANGE = re.compile(r"(\d{1,4})\s*[–-]\s*(?:[Ss]ources?\s*)?\^?(\d{1,4})")
_WIDEST_RANGE = 50
# The start of the next sentence decides where this one ends: two full words of it are enough.
_SETTLED = re.compile(r"\s*[^\s\[【]\S*\s+\S+\s")

_LEAD = re.compile(r"^\s*(?:(?:[-*+•–]|\d{1,2}[.)]|#{1,6}|>)\s+)+")
_EMPHASIS = re.compile(r"(\*\*|__|(?<!\w)[*_](?=\S)|(?<=\S)[*_](?!\w)|`)")


def parse_claims(text: str) -> list[Claim]:
    """Split a draft into claims; their ``raw`` strings, joined, give the draft back."""
    edges = [0, *boundaries(text), len(text)]
    pairs = itertools.pairwise(edges)
    return [_claim(text[start:end], start) for start, end in pairs if start < end]


def cited_numbers(text: str) -> tuple[int, ...]:
    """The numbers cited in ``text``, in order of appearance, each once."""
    numbers: dict[int, None] = {}
    for marker in find_markers(text):
        for number in _expand(marker[0]):
            numbers[number] = None
    return tuple(numbers)


def find_markers(text: str) -> list[re.Match[str]]:
    """The citation markers in ``text``; ``[0, 1]``, ``[2D]`` and intervals are none."""
    return [
        match
        for match in MARKER.finditer(text)
        if not re.search(r"(?<!\d)0+(?!\d)", match[0])
        and not _INTERVAL_BEFORE.search(text[: match.start()][-20:])
    ]


def strip_markers(text: str) -> str:
    """``text`` without its citation markers and without the white space before them."""
    for match in reversed(find_markers(text)):
        text = text[: match.start()].rstrip() + text[match.end() :]
    return text


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
    for match in reversed(find_markers(text)):
        marks = "".join(f"[{n}]" for n in _expand(match[0]) if n in keep)
        before = text[: match.start()] if marks else text[: match.start()].rstrip()
        text = before + marks + text[match.end() :]
    return text


class ClaimStream:
    """Claims of a draft that arrives in pieces, each as soon as it is certainly complete.

    However the draft is cut, the claims are those of ``parse_claims`` on the whole.
    """

    def __init__(self) -> None:
        self._text = ""
        self._done = 0

    def feed(self, text: str) -> list[Claim]:
        """Add a piece; return the claims that are complete now."""
        self._text += text
        edges = boundaries(self._text, self._done)
        settled = [edge for edge in edges if _SETTLED.match(self._text, edge)]
        return self._take([edge for edge in edges if settled and edge <= settled[-1]])

    def close(self) -> list[Claim]:
        """The claims that remain at the draft's end."""
        return self._take([*boundaries(self._text, self._done), len(self._text)])

    def _take(self, ends: list[int]) -> list[Claim]:
        claims = []
        for end in ends:
            if self._done < end:
                claims.append(_claim(self._text[self._done : end], self._done))
                self._done = end
        return claims


def _claim(raw: str, start: int) -> Claim:
    bare = _EMPHASIS.sub("", strip_markers(_LEAD.sub("", raw)))
    bare = re.sub(r"\s+", " ", bare.strip().strip("|")).strip()
    cited = cited_numbers(raw)
    return Claim(raw, start, cited, bare, not states_nothing(raw.strip(), bare, bool(cited)))


def _expand(marker: str) -> list[int]:
    numbers: list[int] = []
    body = _RANGE.sub(_spell_out, marker)
    for digits in re.findall(r"\d+", body.split("†")[0]):
        if int(digits) not in numbers:
            numbers.append(int(digits))
    return numbers


def _spell_out(match: re.Match[str]) -> str:
    low, high = int(match[1]), int(match[2])
    if low < high <= low + _WIDEST_RANGE:
        return ",".join(map(str, range(low, high + 1)))
    return f"{low},{high}"
