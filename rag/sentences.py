"""Sentence boundaries, by offsets, in abstracts and in drafts with citation markers.

Rules rather than a model: a boundary has to be decided the same way however a draft is cut
into pieces while it streams, and offsets have to be exact.
"""

from __future__ import annotations

import re

_ABBREVIATIONS = frozenset(
    "e.g i.e cf vs al fig figs eq eqs ref refs no nos tab vol dr prof mr mrs "
    "approx resp ca viz inc ltd dept univ p pp".split()
)
_CLOSERS = "\"'”’)\\]*_"
_STOP = re.compile(
    rf"[.!?…]+[{_CLOSERS}]*(?=\s|$|\[|【)|[。！？]+[{_CLOSERS}]*"
    # "… cases [2].MRI is" and "… segmentation.The": the space is missing.
    r"|(?:(?<=[\])%])|(?<=[a-z]{3}))[.!?](?=[A-Z][A-Za-z]*\s)"
)
# Citation markers after the full stop belong to the sentence that it ends.
_ATTACHED = re.compile(
    r"\s*(?:\[\s*\^?(?:[Ss]ources?\s*)?\d[^\[\]\n]{0,40}\]|【\s*\d[^【】\n]{0,40}】)"
)
_BULLET = r"(?:[-*+•–]\s|\d{1,2}[.)]\s|#{1,6}\s|\||>\s?)"
_LINE_BREAK = re.compile(rf"\n[ \t]*(?:\n\s*|(?={_BULLET}))|(?<=[:|])[ \t]*\n\s*|\n(?=[ \t]*\*\*)")
_LONGEST_WORD = 200
_SPACED_WORD = re.compile(r"\s+(\S+)")
_NEXT_WORD = re.compile(r"\s*(\S*)")
_HEADING = re.compile(r"^[ \t]*(?:#{1,6}\s[^\n]*|\*\*[^*\n]+\*\*:?[ \t]*)\n", re.MULTILINE)


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Find the sentences of ``text``.

    Returns:
        ``(start, end)`` character offsets in order, outer white space excluded; together
        they cover every character of the text that is not white space.
    """
    spans = []
    start = 0
    for end in [*boundaries(text), len(text)]:
        raw = text[start:end]
        if raw.strip():
            left = len(raw) - len(raw.lstrip())
            spans.append((start + left, start + len(raw.rstrip())))
        start = end
    return spans


def boundaries(text: str, after: int = 0) -> list[int]:
    """Offsets at which one sentence ends and the next begins, white space with the former.

    Args:
        text: the whole of it: what stands before decides, too.
        after: only boundaries beyond this one, itself a boundary.
    """
    line = text.rfind("\n", 0, after) + 1
    ends = {match.end() for match in _LINE_BREAK.finditer(text, after)}
    ends.update(match.end() for match in _HEADING.finditer(text, line))
    for match in _STOP.finditer(text, after):
        end = _with_markers(text, match.end())
        rest = _NEXT_WORD.match(text, end)
        if rest is None or not rest[1]:
            continue
        cjk = match[0][0] in "。！？"
        if cjk or _is_boundary(text, match, rest[1], spaced=rest.start(1) > end):
            ends.add(rest.start(1))
    return sorted(end for end in ends if after < end < len(text))


def _with_markers(text: str, end: int) -> int:
    """Move ``end`` past citation markers that belong to the sentence just closed."""
    while marker := _ATTACHED.match(text, end):
        following = _SPACED_WORD.match(text, marker.end())
        if following and following[1][0].islower() and following[1].islower():
            break  # "[2] shows …": the marker opens the next sentence
        end = marker.end()
        if text[end : end + 1] in {".", ","}:
            end += 1
    return end


def _is_boundary(text: str, stop: re.Match[str], following: str, spaced: bool) -> bool:
    word = text[max(0, stop.start() - _LONGEST_WORD) : stop.start()].rsplit(None, 1)[-1:] or [""]
    if not spaced and ("/" in word[0] or "." in word[0] or not following[0].isupper()):
        return False  # an address, a name: "github.Com"
    last = word[0].lstrip("([\"'“‘*_").lower()
    is_period = stop[0].startswith(".") and not stop[0].startswith("..")
    if is_period and (last in _ABBREVIATIONS or last.removesuffix(".") in _ABBREVIATIONS):
        return False
    if is_period and len(last) == 1 and last.isalpha() and word[0][-1:].isupper():
        return False  # an initial: "J. Smith"
    if re.fullmatch(r"\d{1,2}", last) and _opens_line(text, stop.start() - len(last)):
        return False  # "1. First item"
    first = following.lstrip("\"'“‘(*_[#")[:1]
    if first.islower():
        return any(ch.isupper() for ch in following)  # "nnU-Net …", "iMRI …"
    return True


def _opens_line(text: str, offset: int) -> bool:
    return not text[text.rfind("\n", 0, offset) + 1 : offset].strip()
