"""Sentence boundaries and citation markers, by offsets, in abstracts and in drafts.

Rules rather than a model: a boundary has to be decided the same way however a draft is cut
into pieces while it streams, and offsets have to be exact. Every pattern looks a bounded way
ahead, so that the time is linear in the text, whatever the text.
"""

from __future__ import annotations

import re

# --- citation markers -------------------------------------------------------------------

_WORD = (
    r"(?:[Ss]ources?|SOURCES?|[Aa]bstracts?|[Pp]apers?|[Rr]ef(?:erence)?s?\.?|[Dd]oc(?:ument)?s?)"
)
_ITEM = rf"(?:{_WORD}\s?[:#]?\s?)?\^?\d{{1,4}}"
_DASH = "-‐‑–—−"
_GAP = rf"\s{{0,3}}(?:[{_DASH};&，、；]|,(?:\s(?:and|&))?|and|or|to)\s{{0,3}}"
_LIST = rf"{_ITEM}(?:{_GAP}{_ITEM}){{0,40}}"
_LINK = r"(?:\((?:https?:/|[#/.])[^()\s]{0,300}\))?"
_RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹"
MARKER = re.compile(
    rf"\[\^?\d{{1,4}}\]\s?[{_DASH}]\s?\[\^?\d{{1,4}}\]"  # [1]–[3]
    rf"|\[\[{_LIST}\]\]{_LINK}|\\?\[\s{{0,3}}(?:see\s)?{_LIST}(?:†[^\[\]\n]{{0,80}})?\s{{0,3}}\\?\]{_LINK}"
    rf"|【\s{{0,3}}{_LIST}(?::\d{{1,3}})?(?:†[^】\n]{{0,80}})?\s{{0,3}}】|［\s?{_LIST}\s?］"
    rf"|\((?:see\s|from\s)?(?={_WORD}\s?[:#]?\s?\d){_LIST}\)"
    rf"|(?:(?<=[a-z]{{2}})|(?<=[.,;:!?”\"’]))(?:[{_RAISED}]{{1,3}}(?:[,⁻–-][{_RAISED}]{{1,3}}){{0,20}}"
    rf"|\s?<sup>\[?{_LIST}\]?</sup>)"
)
# "95% CI [72, 81]", "of shape [3, 224]": an interval or a list of numbers, not a citation.
_INTERVAL_BEFORE = re.compile(
    r"(?:\bC[rR]?Is?|\bintervals?|\branges?|\branging(?: from| over)?|\bIQR|\bshaped?|\btensor"
    r"|\bscale|∈|\bbetween)\s?[:=,(]?\s?(?:of\s|from\s)?$",
    re.IGNORECASE,
)
# "median 65 [58-72]": the number before it lies inside it.
_VALUE_BEFORE = re.compile(
    r"\b(?:(?i:median|mean|average)|a?OR|a?HR|RR)\b[^.;\[\]]{0,40}?(\d{1,4})(?:\.\d+)?\s?%?\s?$"
)
_UNITS = frozenset(
    "mm cm dm km nm um px kg mg ng ml dl hz gy sv pixel pixels voxel voxels inch min sec mol chi "
    "eta log sin cos tan".split()
)
_LOWERED = str.maketrans(_RAISED, "0123456789")
_CODE = re.compile(r"`[^`\n]{1,80}`")


def find_markers(text: str) -> list[re.Match[str]]:
    """The citation markers in ``text``.

    None of them: ``[0, 1]``, ``[2D]``, intervals, years, ``[18]F-FDG``, ``cm²``, and what stands
    in a code span.
    """
    text = without_code(text)
    return [match for match in MARKER.finditer(text) if _cites(match)]


def without_markers(text: str) -> str:
    """``text`` with its markers as plain numbers, ``[Source 1]`` as ``(1)``: they cite nothing."""
    for match in reversed(find_markers(text)):
        numbers = re.findall(r"\d+", numbered_part(match[0]).translate(_LOWERED))
        text = f"{text[: match.start()]}({', '.join(numbers)}){text[match.end() :]}"
    return text


def numbered_part(marker: str) -> str:
    """The part of a marker that holds the cited numbers: no link, no label after ``†``."""
    return re.split(r"†|\]\(|(?<=\d):\d", marker)[0]


def without_code(text: str) -> str:
    """``text`` with each character of a code span as ``X``: its full stops end nothing."""
    return _CODE.sub(lambda match: "X" * len(match[0]), text) if "`" in text else text


def _cites(match: re.Match[str]) -> bool:
    marker, text = match[0], match.string
    before = text[max(0, match.start() - 60) : match.start()]
    if marker[0] in _RAISED or "<" in marker:
        word = re.search(r"[A-Za-zµ]*$", before)
        return marker.strip("⁰") != "" and not (word and word[0].lower() in _UNITS)
    listed = numbered_part(marker)
    numbers = [int(digits) for digits in re.findall(r"\d+", listed)]
    if re.search(_WORD, listed):
        return 0 not in numbers  # "[Source 1]": it says that it is one
    if 0 in numbers or len(set(numbers)) < len(numbers) or any(1900 <= n < 2100 for n in numbers):
        return False
    if re.match(r"[A-Z][a-z]?-", text[match.end() : match.end() + 3]):
        return False  # an isotope: "[18]F-FDG"
    if len(numbers) == 1:
        return True
    value = _VALUE_BEFORE.search(before) if len(numbers) == 2 else None
    inside = value is not None and numbers[0] <= int(value[1]) <= numbers[1]
    return not inside and not _INTERVAL_BEFORE.search(before)


# --- boundaries -------------------------------------------------------------------------

# Never the end of a sentence.
_ABBREVIATIONS = frozenset(
    "e.g i.e cf vs fig figs eq eqs ref refs tab dr prof mr mrs approx ca viz resp incl excl esp "
    "avg std".split()
)
# The end of one only where the next word can only open a sentence.
_OFTEN_INSIDE = frozenset("al etc inc ltd corp dept univ jr sr st mt dev est".split())
# No end before a number: "No. 5".
_BEFORE_NUMBER = frozenset(
    "no nos p pp vol vols ch sec sect sects art ver v n jan feb mar apr jun jul aug sep sept oct "
    "nov dec".split()
)
_OPENERS = frozenset(
    """the a an this that these those it its they their there we our he she his her i you in on at
    for by with from to as of and but or so if when while although though because since after
    before during however moreover furthermore additionally finally overall thus therefore hence
    here both such another each all some most many no not none only also then what which how
    results using compared unlike similarly""".split()
)
# Words before a capital letter that is an initial: "by J. Smith", but "hepatitis B."
_BEFORE_INITIALS = frozenset("by and with of from to for as in see the author authors".split())
_DOTTED = re.compile(r"(?:[a-z]{1,2}\.)+[a-z]{1,2}")
_CLOSERS = "\"'”’)\\]*_"
_STOP = re.compile(
    rf"(?<![.!?…])[.!?…]++[{_CLOSERS}]*+(?=\s|$|\\?\[|[【［(*_<{_RAISED}])|[。！？]+[{_CLOSERS}]*"
    # "… cases [2].MRI is" and "… segmentation.The": the space is missing.
    r"|(?:(?<=[\])%])|(?<=[a-z]{3}))[.!?](?=[A-Z][A-Za-z]{0,40}\s)"
)
_RUN = rf"(?:{MARKER.pattern})(?:\s?[,;]?\s?(?:{MARKER.pattern})){{0,20}}"
# Citation markers after the full stop belong to the sentence that it ends.
_ATTACHED = re.compile(
    rf"[ \t]{{0,4}}\n?[ \t]{{0,4}}(?:{MARKER.pattern}|[*_(]{{1,3}}{_RUN}\.?[*_)]{{1,3}})"
)
# "fast.**[1]** It": the emphasis that the stop left open closes behind the marker.
_AFTER_MARKER = re.compile(r"[.,]?(?:[*_)]{1,3}(?=\s|$))?")
_BULLET = r"(?:[-*+•–]\s|\d{1,2}[.)]\s|#{1,6}\s|\||>\s?|```)"
_RULE = r"[ \t]{0,3}(?:-{3,}|={3,}|_{3,}|\*{3,})[ \t]*(?:\n|$)"
_LINE_BREAK = re.compile(
    rf"\n[ \t]*(?:\n\s*|(?={_BULLET}))|(?<=[:|])[ \t]*\n\s*|\n(?=[ \t]*\*\*)|\n(?={_RULE})"
    r"|(?<=[ \t]{2})\n(?![ \t]*[\[【［])\s*"
    r"|(?<=[\]】］])[ \t]*\n\s*(?=[^\W_a-z])"  # a line that ends with its citation
)
# Lines that end where they end: headings, rules, fences, rows of a table, list of references.
_WHOLE_LINE = re.compile(
    rf"^[ \t]{{0,8}}(?:#{{1,6}}\s[^\n]*|\*\*[^*\n]+\*\*:?[ \t]*|```[^\n]*|[-=_*]{{3,}}+[ \t]*"
    r"|[^\n|]*+(?<=\S )\| [^\n]*|\W{0,6}(?:sources|references|citations|bibliography)\W{0,6}"
    rf"|(?:{MARKER.pattern})[^\n]*(?=\n[ \t]{{0,4}}(?:{MARKER.pattern})[ \t]*[^\s\[【［]))\n",
    re.MULTILINE | re.IGNORECASE,
)
_SPACE = re.compile(r"\s*")
_SPACED_WORD = re.compile(r"\s{1,9}(\S{1,80})")
_NEXT_WORD = re.compile(r"\s*(\S{0,80})")
_LONGEST_WORD = 200
_LONGEST_MARKER = 120
_LONGEST_LEAD = 16
_LONGEST_LINE = 2000
_LINE_LEAD = re.compile(r"(?:^|\n)[\s#>*_+•–|-]*$")
# Two full words of the next sentence decide where this one ends.
_SETTLED = re.compile(
    rf"\s*+(?:(?:[-*+•–>]|\d{{1,2}}[.)]|#{{1,6}})\s++)*+(?:(?:{MARKER.pattern})[\s.,;*_)]*+)*+"
    rf"[*_]{{0,3}}+[^\s\[【［(<\\*_|`:={_RAISED}-]\S*+\s++\S++\s"
)
_OPEN_CODE = re.compile(r"`[^`\n]{0,80}\Z")


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
    text = text[:after] + without_code(text[after:])
    line = text.rfind("\n", 0, after) + 1
    breaks = (*_LINE_BREAK.finditer(text, after), *_WHOLE_LINE.finditer(text, line))
    ends = {_SPACE.match(text, match.end()).end() for match in breaks}  # type: ignore[union-attr]
    reached = after
    for match in _STOP.finditer(text, after):
        if match.start() < reached:
            continue  # in the markers of the stop before
        reached = _with_markers(text, match.end())
        rest = _NEXT_WORD.match(text, reached)
        if rest is None or not rest[1]:
            continue
        cjk = match[0][0] in "。！？"
        if cjk or _is_boundary(text, match, rest[1], spaced=rest.start(1) > reached):
            ends.add(rest.start(1))
    return sorted(end for end in ends if after < end < len(text))


def settled(text: str, edges: list[int], after: int) -> list[int]:
    """Those of ``edges`` that stay, whatever text follows.

    Args:
        text: what has arrived of a draft.
        edges: its boundaries beyond ``after``, in order.
        after: a boundary that stays.
    """
    code = _OPEN_CODE.search(without_code(text[after:]))
    limit = after + code.start() if code else len(text)
    sure = [edge for edge in edges if edge <= limit and _is_settled(text, edge)]
    return [edge for edge in edges if sure and edge <= sure[-1]]


def _is_settled(text: str, edge: int) -> bool:
    if _SETTLED.match(text, edge):
        return True
    rest = text[edge:].lstrip()
    # A rule below makes a heading; any other sign may begin a marker.
    return "\n" in rest.strip("\n") or (rest[:1] not in "|-=:" and len(rest) > _LONGEST_MARKER)


def _with_markers(text: str, end: int) -> int:
    """Move ``end`` past citation markers that belong to the sentence just closed."""
    while attached := _ATTACHED.match(text, end):
        marker = MARKER.search(text, attached.start(), attached.end())
        if marker is None or not _cites(marker) or _opens_next(text, attached, end):
            break
        end = attached.end()
        end = _AFTER_MARKER.match(text, end).end()  # type: ignore[union-attr]
    return end


def _opens_next(text: str, attached: re.Match[str], end: int) -> bool:
    """Whether the marker is the first word of what follows: "[2] shows …", "[2]: Title"."""
    following = _SPACED_WORD.match(text, attached.end())
    if following and following[1][0].islower() and following[1].islower():
        return True
    if "\n" not in attached[0].strip("*_()")[:9]:
        return False
    line = text.rfind("\n", max(0, end - _LONGEST_LINE), end) + 1
    alone = re.match(r"[ \t]*(?:\n|$)", text[attached.end() : attached.end() + 40])
    in_list = not alone and MARKER.match(text, line) is not None  # each line has its own
    return in_list or text[attached.end() : attached.end() + 1] == ":"


def _is_boundary(text: str, stop: re.Match[str], following: str, spaced: bool) -> bool:
    words = text[max(0, stop.start() - _LONGEST_WORD) : stop.start()].split()[-2:]
    word = words[-1] if words else ""
    if not spaced and ("/" in word or "." in word or not following[0].isupper()):
        return False  # an address, a name: "github.Com"
    single = stop[0].startswith(".") and not stop[0].startswith("..")
    if single and not _can_end(word, words[0] if len(words) > 1 else "", following):
        return False
    lead = re.search(r"\d{1,2}$", word)
    before = text[max(0, stop.start() - _LONGEST_LEAD) : stop.start()]
    if lead and _LINE_LEAD.search(before[: -len(lead[0])]):
        return False  # "1. First item"
    first = following.lstrip("\"'“‘(*_[#")[:1]
    if first.islower():
        return any(ch.isupper() for ch in following)  # "nnU-Net …", "iMRI …"
    return True


def _can_end(word: str, previous: str, following: str) -> bool:
    """Whether a full stop after ``word`` can end a sentence, and not only an abbreviation."""
    last = word.lstrip("([\"'“‘*_").lower().removesuffix(".")
    opens = following.strip("\"'“‘”’(*_,;:[").lower() in _OPENERS
    if last in _ABBREVIATIONS:
        return False
    if last in _OFTEN_INSIDE or _DOTTED.fullmatch(last):
        return opens
    if len(last) == 1 and word[-1:].isupper():  # an initial, or "3.5 T", "hepatitis B"
        is_label = previous[-1:].isdigit() or previous.islower()
        return opens or (is_label and previous not in _BEFORE_INITIALS)
    return last not in _BEFORE_NUMBER or not following.lstrip("(")[:1].isdigit()
