"""What a text names of the closed classes: techniques, organs, diseases, treatments, methods.

The words of ``terms.txt`` (names only, not what merely stands for them in a source) and of
``topics.txt``, which says how a thing is shown; besides them, diseases, drugs and operations
known by how their names end.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from rag.terms import LISTS, NO_TERM, entries, normal
from rag.words import words_of

_SHOWN = Path(__file__).with_name("topics.txt")
_KIND_OF = {
    "imaging": "modality",
    "organ": "organ",
    "disease": "disease",
    "treatment": "treatment",
    "architecture": "method",
    "learning": "method",
    "measure": "method",
    "study?": "method",
    "task": "task",
}
_TELLING = ("measure", "study?")
_WORD = re.compile(r"[^\W_]+")
_ACRONYM = re.compile(r"[a-z]{0,3}([A-Z]{2,})s?")
"""With what may stand before and after it: fMRI, mpMRI, CTs."""
_CASED = frozenset("pet oct mr meg sam rag kan clip gan eus trus nerf ms als cat".split())
"""Acronyms that are words in lower case."""
_DISEASE = re.compile(
    r"\w{3,}(?:itis|emia|algia|uria|penia|opathy|plegia|iasis|(?<!gn)(?<!cyt)(?<!pt)(?<!bi)(?<!mit)"
    r"(?<!mei)(?<!stom)(?<!morph)(?<!ym)(?<!hypn)(?<!osm)(?<!bol)osis|(?<=\w{3})(?<!str)(?<!s)oma)"
)
_DRUG = re.compile(
    r"\w{3,}(?:mab|tinib|rafenib|cillin|mycin|conazole|vastatin|sartan|floxacin|azepam|azolam"
    r"|gliptin|gliflozin|glutide|ciclib|parib|platin|taxel|rubicin|tecan|navir|tegravir|buvir"
    r"|ciclovir|setron|triptan|prazole|oxetine|phosphonate|dronate|trexate|olimus|dipine|thiazide"
    r"|semide|codone|caine|profen|oxifen|pramine|triptyline|idomide|afil|glitazone|[hlpr]olol"
    r"|(?<=a)pril|(?<=o)pril)"
)
_OPERATION = re.compile(r"\w{3,}(?:ectomy|plasty|(?<!ich)otomy|ostomy)")
_HEADS = {
    "disease": "disease", "syndrome": "disease", "disorder": "disease", "deficiency": "disease",
    "dystrophy": "disease", "palsy": "disease", "fever": "disease", "inhibitor": "treatment",
    "antagonist": "treatment", "agonist": "treatment", "vaccine": "treatment",
    "blocker": "treatment",
}  # fmt: skip
"""Words that with the one before them name a thing: Lyme disease, aromatase inhibitor."""
_KINDLY = {
    "disease": re.compile(r"\w{3,}(?:al|ic|ar|ary|ating|ous)"),
    "treatment": re.compile(r"\w{3,}(?:ase|amine)|calcium|opioid|hormone"),
}
"""How the first of them ends, where it is no name with a capital."""
_VAGUE = frozenset(
    """fatal several acute clinical critical natural typical atypical general specific genetic
    systemic various serious additional potential particular similar functional experimental
    biological medical physical local focal global genomic public historic classic academic
    economic individual previous infectious hereditary familial metastatic symptomatic
    asymptomatic synthetic chronic primary secondary residual final normal overall usual
    regular the this that these those such other any all many most severe mild common rare
    human actual unknown novel""".split()
)
_NO_DISEASE = frozenset(
    "academia artemia diploma genoma stroma rhizoma caenorhabditis cenorhabditis".split()
)

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """A thing of a closed class."""

    kind: str
    value: str
    above: tuple[Term, ...] = ()
    """What it is a kind of."""
    telling: bool = False
    """Whether one mention is enough: who names a study's design or a technique, uses it."""


@dataclass(frozen=True, slots=True)
class Mention:
    """Where a text names a thing: characters from ``start`` up to ``end``."""

    start: int
    end: int
    term: Term


def mentions(text: str) -> Iterator[Mention]:
    """The things that ``text`` names, in order; of phrases that overlap the longest counts."""
    spans = [match.span() for match in _WORD.finditer(text)]
    written = [text[start:end] for start, end in spans]
    words = [_plain(word) for word in written]
    phrases, end = _phrases(), 0
    for at, word in enumerate(words):
        if at < end or not (_may_begin(word) or (at + 1 < len(words) and words[at + 1] in _HEADS)):
            continue
        length, found = _named(written, words, at)
        end = at + length
        if found is not None:
            yield Mention(spans[at][0], spans[at + length - 1][1], found)
            for n in range(at, at + length if length > 1 else at):
                if (part := phrases.get((words[n],))) and part.kind != found.kind:
                    yield Mention(*spans[n], part)  # the lung of lung cancer


def _named(written: list[str], words: list[str], at: int) -> tuple[int, Term | None]:
    """How many words from ``at`` on belong together, and what they name."""
    phrases, longest = _phrases(), _longest()
    for length in range(min(longest.get(words[at], 0), len(words) - at), 0, -1):
        key = tuple(words[at : at + length])
        if key in phrases and not (length == 1 and _is_word(written[at])):
            return length, phrases[key]
    if at + 1 < len(words) and (
        thing := _headed(written[at], words[at], words[at + 1], first=not at)
    ):
        return 2, thing
    return 1, _formed(words[at])


def term_of(phrase: str) -> Term | None:
    """The thing that ``phrase`` as a whole is the name of."""
    return _phrases().get(tuple(map(_plain, _WORD.findall(phrase))))


def things() -> frozenset[Term]:
    """All things of the lists."""
    return frozenset(term for term in _phrases().values() if term)


def is_term(name: str) -> bool:
    """Whether ``name`` is a phrase of the lists."""
    return tuple(map(_plain, _WORD.findall(name))) in _phrases()


@lru_cache(maxsize=65536)
def _plain(word: str) -> str:
    """As the lists write it; an acronym that they lack, without prefix and plural."""
    plain, match = normal(word), _ACRONYM.fullmatch(word)
    return normal(match[1]) if match and plain not in _vocabulary() else plain


def _is_word(written: str) -> bool:
    """Whether an acronym is but the word that it is in lower case: a pet, Oct."""
    return written.lower() in _CASED and not written[1:].isupper()


def _headed(written: str, word: str, head: str, *, first: bool) -> Term | None:
    """A thing that is named by a word and one that says what kind of thing it is."""
    kind = _HEADS.get(head)
    if kind is None or word in _VAGUE or not word.isalpha() or not words_of(word):
        return None
    if written[0].isupper() and not first:
        return _thing(written, head)
    return _thing(word, head) if _KINDLY[kind].fullmatch(word) else None


@lru_cache(maxsize=65536)
def _may_begin(word: str) -> bool:
    return word in _longest() or _formed(word) is not None


@lru_cache(maxsize=65536)
def _thing(word: str, head: str) -> Term:
    return Term(_HEADS[head], f"{word} {head}")


@lru_cache(maxsize=65536)
def _formed(word: str) -> Term | None:
    """A disease, a drug or an operation of no list."""
    if _DRUG.fullmatch(word):
        return Term("treatment", word)
    if _OPERATION.fullmatch(word):
        surgery = _phrases()[("surgery",)]
        return Term("treatment", word, (surgery,) if surgery else ())
    if _DISEASE.fullmatch(word) and word not in _NO_DISEASE:
        return Term("disease", word)
    return None


@cache
def _vocabulary() -> frozenset[str]:
    return frozenset(word for words in _phrases() for word in words)


@cache
def _longest() -> dict[str, int]:
    """How long the phrases get that begin with a word."""
    longest: dict[str, int] = defaultdict(int)
    for words in _phrases():
        longest[words[0]] = max(longest[words[0]], len(words))
    return dict(longest)


@dataclass(slots=True)
class _Row:
    """A thing while the lists are read; ``above`` are numbers of rows."""

    kind: str
    value: str
    above: list[int]
    telling: bool


@cache
def _phrases() -> dict[Words, Term | None]:
    """The thing that each phrase names; None: the phrase is no topic."""
    rows: list[_Row] = []
    keys: dict[Words, int | None] = {}
    for path in (LISTS, _SHOWN):
        row_of: dict[int, int | None] = {}
        for line, entry in enumerate(entries(path)):
            above = [row for n in entry.above if (row := row_of[n]) is not None]
            names = entry.names if path == LISTS else (*entry.names, *entry.others)
            row_of[line] = _take_in(entry.group, names, above, rows, keys)

    @cache
    def term(number: int) -> Term:
        row = rows[number]
        return Term(row.kind, row.value, tuple(map(term, row.above)), row.telling)

    return {key: None if row is None else term(row) for key, row in keys.items()}


def _take_in(
    group: str, names: tuple[str, ...], above: list[int], rows: list[_Row],
    keys: dict[Words, int | None],
) -> int | None:  # fmt: skip
    """The row of a line: a new one, or one that is there and is shown by this line's name."""
    found = [tuple(map(normal, _WORD.findall(name))) for name in names if "*" not in name]
    kind = _KIND_OF.get(group)
    if kind is None:
        if group == NO_TERM:
            keys.update(dict.fromkeys(found))
        return None
    same = [row for key in found if (row := keys.get(key)) is not None and rows[row].kind == kind]
    number = next((row for row in same if row not in above), len(rows))
    if number == len(rows):
        rows.append(_Row(kind, names[0], above, group in _TELLING))
    else:
        rows[number].value = names[0]
        rows[number].above = above or rows[number].above
    for key in found:
        if keys.get(key) is None or keys[key] in above:
            keys[key] = number
    return number
