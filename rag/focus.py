"""A question about several papers, put to each of them by itself.

"Merlin and UniT both read CT. On how many scans was each one trained?" asks each of them "On how
many scans was it trained?". A model that reads one paper at a time knows what to look for only
then; and a name that is left in draws it to the sentences that repeat the name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rag.names import absent_names, names
from rag.words import content_words

_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_PROPER = re.compile(
    r"(?<=[^.!?:\s] )[A-Z][a-z]{3,}\b|^(?:Both )?[A-Z][a-z]{3,}(?= (?:and|or|versus|vs) )"
    r"|\b[A-Z][a-z]+-[A-Z]\w+"
)
_JOINT = (
    r"(?:,? (?:and|or|versus|vs\.?|than|with|to)\b"
    r"(?: on| in| of| by| for| from| at| behind| the| that of| those of)*|,|/)"
)
_JOINED = re.compile(rf"\bthe ((?:[\w-]+ ){{0,3}}[\w-]+){_JOINT}\s*$")
_CLAUSE = re.compile(
    r"(?<=[.?!;:,])\s+(?:(?:and|but|while|whereas) (?=\w))?"
    r"|\s+and (?=(?:how|what|which|where|who|when|why|does|do|did|is|are|was|were|in|on|by)\b)",
    re.I,
)
_ASKS = re.compile(
    r"(?:(?:in|on|at|by|for|from|to|with|of|and|under|over) )?"
    r"(?:how|what|which|where|who|whose|when|why|do|does|did|is|are|was|were|can|has|have)\b",
    re.I,
)
_VERB = re.compile(r"\b(?:do|does|did|is|are|was|were|can|could|has|have|had|will|would)\b", re.I)
_FRAME = re.compile(r"(?:for|in|on|at|with|among|between|of|from|under|given)\b", re.I)
_CAPITAL = re.compile(r" [A-Z0-9][\w-]*")
_LONGEST = 4  # words that a name has beyond its first
_ARTICLE = re.compile(r"\bthe (?:[a-z]+ )?$", re.I)
_NOUN = re.compile(
    r" (?!(?:and|or|to|on|in|of|for|with|by|at|than|versus|vs|as|is|are|was|were|do|does|did|has"
    r"|have|had|can|could|will)\b)[a-z]{3,}\b"
)
_SINGULAR = {"do": "does", "have": "has", "are": "is", "were": "was"}
_PLURAL = re.compile(rf"\b({'|'.join(_SINGULAR)})(?= it\b)", re.I)
_TAIL = re.compile(r"[\s,;:]+(?:and|but|while|whereas)?\s*$")
_EACH = re.compile(
    r"\b(?:each(?: one)?(?: of (?:them|these|the (?:two|three)))?|both(?: of them)?"
    r"|either(?: of them| one)?"
    r"|(?:the|these|those) (?:two|three|four)|they|them)\b(?P<s>['’]s)?(?! \w+s\b)"
    r"|\bthe (?P<which>first|second|third|former|latter|other)(?: one)?\b(?P<s2>['’]s)?(?! \w+s\b)",
    re.I,
)
_EACH_WORD = re.compile(r"\b(?:both|each|either)\s+", re.I)
_ORDINAL = {"first": 0, "former": 0, "second": 1, "latter": 1, "other": 1, "third": 2}
_DESCRIBES = 2
"""Words of content of a clause that describes a paper without asking anything."""
_SPEAKS = 2
"""Words of content without which a question cannot do without the statements before it."""


@dataclass(frozen=True, slots=True)
class Mention:
    """A name in a question, and the only paper that it means."""

    start: int
    end: int
    row: int


def focused(
    question: str, papers: Sequence[tuple[str, str]], best: Callable[[str], int | None]
) -> dict[int, str]:
    """For each row of ``papers``, (title, abstract), that the question means: its own question.

    Empty where it means fewer than two of them.

    Args:
        question: as it was asked.
        papers: what was found for it.
        best: the row that a clause without a name describes; None: none.
    """
    mentions = _mentions(question, papers)
    mentions = sorted([*mentions, *_beside(question, mentions, papers)], key=lambda m: m.start)
    clauses = _clauses(question, mentions)
    described = [
        Mention(start, start, row)
        for start, end in clauses
        if not any(start <= m.start < end for m in mentions)
        and _says(question[start:end])
        and not _shared(question[start:end])
        and not _FRAME.match(question[start:end])
        and (row := best(question[start:end])) is not None
    ]
    mentions = sorted([*mentions, *described], key=lambda mention: mention.start)
    order = list(dict.fromkeys(mention.row for mention in mentions))
    if len(order) < 2:
        return {}
    return {row: _put_to(row, question, clauses, mentions, order) for row in order}


def _mentions(question: str, papers: Sequence[tuple[str, str]]) -> list[Mention]:
    """The names that one paper alone has, or alone has in its title, in their order."""
    found: list[Mention] = []
    words = {m[0].removeprefix("Both ") for p in (_YEAR, _PROPER) for m in p.finditer(question)}
    for name in sorted({*names(question), *words}, key=lambda name: (-len(name), name)):
        if (row := _holder(name, papers)) is None:
            continue
        whole = rf"(?<!\w)(?:\w+-)*{re.escape(name)}(?:-\w+)*(?!\w)"
        for match in re.finditer(whole, question):
            if all(match.end() <= m.start or match.start() >= m.end for m in found):
                found.append(_whole(match, name, row, papers[row]))
    return sorted(found, key=lambda mention: mention.start)


def _beside(
    question: str, mentions: Sequence[Mention], papers: Sequence[tuple[str, str]]
) -> list[Mention]:
    """What "and" joins to a name and only one other paper is: "the sinus paper and KelpNet"."""
    found = []
    for mention in mentions:
        match = _JOINED.search(question[: mention.start])
        row = only_one(match[1], papers, 1) if match else None
        if match and row is not None and row not in {m.row for m in mentions}:
            found.append(Mention(match.start(), match.end(1), row))
    return found


def only_one(text: str, papers: Sequence[tuple[str, str]], fewest: int) -> int | None:
    """The row of the paper that alone has at least ``fewest`` words of ``text``; None: none."""
    have = [content_words(". ".join(paper)) for paper in papers]
    asked = content_words(text)
    alone = [
        len(asked & own - set().union(*have[:n], *have[n + 1 :])) for n, own in enumerate(have)
    ]
    first, second = [*sorted(alone, reverse=True), 0, 0][:2]
    return alone.index(first) if first >= fewest and first > 2 * second else None


def _whole(match: re.Match[str], name: str, row: int, paper: tuple[str, str]) -> Mention:
    """The mention with what belongs to it: "the COVID ensemble", "ConTEXTual Net 3D"."""
    before, rest = match.string[: match.start()], match.string[match.end() :]
    article, noun = _ARTICLE.search(before), _NOUN.match(rest)
    if article and noun and not _YEAR.fullmatch(name):
        return Mention(article.start(), match.end() + noun.end(), row)
    return Mention(match.start(), match.end() + len(_more(rest, match[0], paper)), row)


def _more(rest: str, name: str, paper: tuple[str, str]) -> str:
    """What of ``rest`` belongs to the name, as the paper has it: "Net 3D" to "ConTEXTual"."""
    text, more = ". ".join(paper), ""
    for word in _CAPITAL.findall(rest)[:_LONGEST]:
        if not rest.startswith(more + word) or name + more + word not in text:
            break
        more += word
    return more


def _holder(name: str, papers: Sequence[tuple[str, str]]) -> int | None:
    """The row of the paper that is named; None where the name is that of several things."""
    spelled = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")
    titles = [row for row, (title, _) in enumerate(papers) if spelled.search(title)]
    texts = [row for row, each in enumerate(papers) if spelled.search(". ".join(each))]
    if not texts and names(name):
        texts = [row for row, each in enumerate(papers) if not absent_names(name, ". ".join(each))]
    if len(texts) > max(1, len(papers) // 2):
        return None
    only = titles if len(titles) == 1 else texts
    return only[0] if len(only) == 1 else None


def _clauses(question: str, mentions: Sequence[Mention]) -> list[tuple[int, int]]:
    """Its clauses as spans; a list of names is not divided."""
    found: list[tuple[int, int]] = []
    starts = [0, *(match.end() for match in _CLAUSE.finditer(question))]
    for start, end in zip(starts, [*starts[1:], len(question)], strict=True):
        rest = question[start:end]
        for mention in reversed(mentions):
            if start <= mention.start < end:
                rest = rest[: mention.start - start] + rest[mention.end - start :]
        if found and not content_words(rest) and not _ASKS.match(rest):
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


def _says(clause: str) -> bool:
    """Whether it can mean a paper: it asks, or describes at some length."""
    words = len(content_words(clause))
    return words >= (1 if _ASKS.match(clause) else _DESCRIBES) and not clause.startswith("or ")


def _shared(clause: str) -> bool:
    """Whether it is said of each paper: "both read CT", but not "one of them reads CT"."""
    return any(not clause[: m.start()].endswith(" of ") for m in _EACH.finditer(clause))


def _put_to(
    row: int,
    question: str,
    clauses: Sequence[tuple[int, int]],
    mentions: Sequence[Mention],
    order: Sequence[int],
) -> str:
    kept: list[tuple[str, bool]] = []
    model, asking = "", _asking(question, clauses)
    for (start, end), asks in zip(clauses, asking, strict=True):
        inside = [m for m in mentions if start <= m.start < end]
        clause = question[start:end]
        if not inside:
            places = {_ORDINAL[m["which"].lower()] for m in _EACH.finditer(clause) if m["which"]}
            if not places or order.index(row) in places:
                kept.append((_EACH.sub(_it, clause), asks))
        elif row in {m.row for m in inside}:
            clause = _own(clause, start, inside, row)
            left_out = _ASKS.match(clause) and not _VERB.search(clause)
            kept.append((model if model and left_out else clause, asks))
        else:
            same = [Mention(m.start, m.end, row) for m in inside[:1]]
            model = model or _own(clause, start, same, row)
    questions = " ".join(_TAIL.sub("", clause) for clause, asks in kept if asks)
    if len(content_words(questions)) >= _SPEAKS:
        return questions
    return " ".join(_TAIL.sub("", clause) for clause, _ in kept)


def _asking(question: str, clauses: Sequence[tuple[int, int]]) -> list[bool]:
    """Of each clause, whether its sentence asks something."""
    sentences: list[list[str]] = [[]]
    for start, end in clauses:
        sentences[-1].append(question[start:end])
        if question[start:end].rstrip().endswith((".", "?", "!")):
            sentences.append([])
    return [any(map(_ASKS.match, each)) for each in sentences for _ in each]


def _it(match: re.Match[str]) -> str:
    return "its" if match["s"] or match["s2"] else "it"


def _own(clause: str, offset: int, inside: Sequence[Mention], row: int) -> str:
    """The clause with this paper's name as "it", without the names that are joined to it."""
    spans = [(m.start - offset, m.end - offset, m.row == row) for m in inside]
    starts = {start for start, _, _ in spans}
    for start, end, is_own in reversed(spans):
        before = re.search(rf"{_JOINT}\s*$", clause[:start])
        after = re.match(rf"{_JOINT}\s*", clause[end:])
        if is_own:
            clause = clause[:start] + _pronoun(clause[start:end], clause[end:])
        elif after and (not before or end + after.end() in starts):
            clause = clause[:start] + clause[end + after.end() :]
        elif before:
            clause = clause[: before.start()] + clause[end:]
    return _PLURAL.sub(_singular, _EACH_WORD.sub("", clause))


def _singular(match: re.Match[str]) -> str:
    return _SINGULAR[match[0].lower()]


def _pronoun(name: str, rest: str) -> str:
    """What stands for ``name`` before ``rest``: a year before a noun goes."""
    if not name:
        return rest
    if _YEAR.fullmatch(name):
        return rest.lstrip() if re.match(r"\s\w", rest) else name + rest
    if rest[:2] in ("'s", "’s"):
        return "its" + rest[2:]
    return "it" + rest
