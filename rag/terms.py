"""Terms of closed classes and proper names that a claim has and its source lacks.

"CT", "liver" and "Norwegian" mean the same in every paper, so that another imaging technique,
organ or country is another fact. ``terms.txt`` lists the classes, with synonyms and kinds;
other words are left to the trained verifier, but for capitalised ones.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from rag.names import GREEK

LISTS = Path(__file__).with_name("terms.txt")
_WORD = re.compile(r"[^\W_]+")
_PROPER = re.compile(r"(?:(?<=[\w,;)’'] )|(?<=[a-z]-))[A-Z][a-z]{2,}(?!\w)")
_TECHNICAL = re.compile(
    r"\w{2,}(?:mab|nib|cillin|mycin|azole|statin|sartan|oxacin|azepam|azolam|gliptin|gliflozin"
    r"|glutide|ciclib|parib|platin|taxel|rubicin|cyclin|cycline|navir|tegravir|buvir|ciclovir"
    r"|setron|triptan|prazole|oxetine|dronate|trexate|barbital|olimus|dipine|thiazide|semide"
    r"|oprim|codone|caine|azine|idine|quine|phylline|pramine|triptyline|vudine|parin|pril"
    r"|[hlptr]olol|itis|emia|uria|pathy|ectasis|penia|plegia|algia|megaly|rrhea|lithiasis|sclerosis"
    r"|trophy|ectomy|plasty|otomy|ostomy|scopy|cyte|virus|coccus|bacter|bacillus|globulin|kine"
    r"|[dlnptgz]ase|(?<=[aeiouy])rase|(?<=\w{4})(?<!a)in)"
)
"""Drugs, diseases, operations, cells, microbes and proteins, by how their names end."""
_COMMON = frozenset(
    """begin margin origin within herein therein wherein virgin protein vitamin toxin resin basin
    cabin cousin bulletin dolphin penguin pumpkin robin violin muffin coffin napkin assassin latin
    dublin berlin mandarin admin builtin plugin login checkin turbin erase phase empathy sympathy
    trophy kinase""".split()
)
_NOT_NAMES = frozenset(
    """monday tuesday wednesday thursday friday saturday sunday january february march april may
    june july august september october november december type phase stage grade class group level
    table figure part step west western east eastern north northern south southern""".split()
)
NO_TERM = "-"
"""The class of phrases that have a term's words and do not mean it."""
_STEM = 5
"""Letters that two words share from the start if they are taken for forms of one word."""
_LONG_STEM = 7
"""The same for a word of the lists, which know its forms: "cerebral" is not "cerebellar"."""


@dataclass(frozen=True, slots=True)
class _Term:
    """A line of ``terms.txt``: its class, and the lines above that it is a kind of."""

    group: str
    above: frozenset[int]


@dataclass(frozen=True, slots=True)
class _Phrase:
    """Normal words, of which a ``*`` ends the start of one, and the term that they stand for."""

    words: tuple[str, ...]
    term: int
    names: bool
    """Whether it names the term in a claim; else it only stands for it in a source."""


@dataclass(frozen=True, slots=True)
class _Lexicon:
    terms: tuple[_Term, ...]
    by_word: dict[str, list[_Phrase]]
    by_ending: dict[str, list[_Phrase]]
    endings: frozenset[int]
    """How long the keys of ``by_ending`` are."""


@dataclass(frozen=True, slots=True)
class _Read:
    """What a source names, directly and as kinds of something, and its words."""

    named: frozenset[int]
    implied: frozenset[int]
    groups: frozenset[str]
    words: frozenset[str]
    text: str
    """The words, each after a space."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a list of terms."""

    group: str
    above: tuple[int, ...]
    """Numbers of the lines that it is a kind of, from 0."""
    names: tuple[str, ...]
    others: tuple[str, ...]
    """What stands after the bar."""


def entries(path: Path = LISTS) -> Iterator[Entry]:
    """The lines of a list of terms, in order; the head of ``terms.txt`` says how it is written."""
    group, above, number = "", [0] * 9, 0
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("[") or not line or line.startswith("#"):
            group = line.strip("[]") if line.startswith("[") else group
            continue
        depth = (len(line) - len(line.lstrip())) // 2
        above[depth] = number
        names, _, others = line.partition("|")
        yield Entry(group, tuple(above[:depth]), _listed(names), _listed(others))
        number += 1


def _listed(text: str) -> tuple[str, ...]:
    return tuple(filter(None, map(str.strip, text.split(","))))


def absent_terms(claim: str, source: str) -> list[str]:
    """Terms and proper names in ``claim`` that ``source`` lacks, in the claim's spelling.

    A term is there when the source has a synonym or a kind of it. A broader word serves too,
    unless the source names another kind of the same thing.
    """
    read = _read(source)
    missing: dict[str, None] = {}
    listed: set[int] = set()
    for start, end, terms in _mentions(claim):
        listed.update(range(start, end))
        phrase = claim[start:end]
        named = any(_is_named(term, read) for term in terms)
        if terms and not named and not _has(phrase, read, _LONG_STEM):
            missing[phrase] = None
    for name in _unlisted(claim, listed):
        related = (phrase.term for phrase in _starting(normal(name)))
        if not _has(name, read, _STEM) and read.implied.isdisjoint(related):
            missing[name] = None
    return list(missing)


def named(text: str, group: str) -> list[str]:
    """The phrases of ``text`` that name a term of a class, such as "imaging", as it spells them."""
    terms = _lexicon().terms
    return [
        text[start:end]
        for start, end, found in _mentions(text)
        if any(terms[number].group == group for number in found)
    ]


def _unlisted(claim: str, listed: set[int]) -> Iterator[str]:
    """Capitalised words inside the sentence, and technical ones anywhere, in no list."""
    for match in _PROPER.finditer(claim):
        if match.start() not in listed and match[0].lower() not in _NOT_NAMES:
            yield match[0]
    for match in _WORD.finditer(claim):
        if match.start() not in listed and _is_technical(match[0]):
            yield match[0]


@lru_cache(maxsize=65536)
def _is_technical(word: str) -> bool:
    plain = normal(word)
    return word[1:].islower() and bool(_TECHNICAL.fullmatch(plain)) and plain not in _COMMON


def _is_named(number: int, read: _Read) -> bool:
    lexicon = _lexicon()
    term = lexicon.terms[number]
    if number in read.implied:
        return True
    if term.group.endswith("?") and term.group not in read.groups:
        return True
    broader = term.above & read.named
    rivals = (lexicon.terms[other].above for other in read.named)
    return bool(broader) and not any(broader <= above for above in rivals)


def _has(phrase: str, read: _Read, shared: int) -> bool:
    """Whether the source has each word of ``phrase``, inside another word too.

    Words that agree in ``shared`` letters from the start count as one.
    """
    return all(
        word in read.words
        or (len(word) >= _STEM and word in read.text)
        or (len(word) >= shared and f" {word[:shared]}" in read.text)
        for word in map(normal, _WORD.findall(phrase))
    )


@lru_cache(maxsize=256)
def _read(source: str) -> _Read:
    words = [normal(word) for word in _WORD.findall(source)]
    lexicon = _lexicon()
    named = frozenset(
        phrase.term
        for at, word in enumerate(words)
        for phrase in _starting(word)
        if _fits(phrase, words, at) and lexicon.terms[phrase.term].group != NO_TERM
    )
    implied = named.union(*(lexicon.terms[number].above for number in named))
    return _Read(
        named, implied, frozenset(lexicon.terms[number].group for number in named),
        frozenset(words), f" {' '.join(words)}",
    )  # fmt: skip


def _mentions(claim: str) -> Iterator[tuple[int, int, list[int]]]:
    """Start, end and terms of each phrase of ``claim`` that names one; the longest counts."""
    spans = [match.span() for match in _WORD.finditer(claim)]
    words = [normal(claim[start:end]) for start, end in spans]
    at = 0
    while at < len(words):
        fitting = [p for p in _starting(words[at]) if p.names and _fits(p, words, at)]
        length = max((len(phrase.words) for phrase in fitting), default=0)
        if length and not (length == 1 and claim[slice(*spans[at])].isupper()):
            terms = [p.term for p in fitting if len(p.words) == length]
            if any(_lexicon().terms[term].group == NO_TERM for term in terms):
                terms = []
            yield spans[at][0], spans[at + length - 1][1], terms
        at += length or 1


def _fits(phrase: _Phrase, words: Sequence[str], at: int) -> bool:
    if len(phrase.words) == 1:
        return True
    found = words[at : at + len(phrase.words)]
    return len(found) == len(phrase.words) and all(
        word.startswith(wanted[:-1]) if wanted[-1] == "*" else word == wanted
        for wanted, word in zip(phrase.words[1:], found[1:], strict=True)
    )


@lru_cache(maxsize=65536)
def _starting(word: str) -> tuple[_Phrase, ...]:
    """The phrases whose first word ``word`` is."""
    lexicon = _lexicon()
    keys = [word, *(f"{word[:n]}*" for n in range(1, len(word) + 1))]
    found = [phrase for key in keys for phrase in lexicon.by_word.get(key, ())]
    ends = [word[-n:] for n in lexicon.endings if n <= len(word)]
    return (*found, *(phrase for end in ends for phrase in lexicon.by_ending.get(end, ())))


@cache
def _lexicon() -> _Lexicon:
    terms: list[_Term] = []
    by_word: dict[str, list[_Phrase]] = defaultdict(list)
    by_ending: dict[str, list[_Phrase]] = defaultdict(list)
    for entry in entries():
        terms.append(_Term(entry.group, frozenset(entry.above)))
        for part, is_name in ((entry.names, True), (entry.others, False)):
            for text in part:
                words = tuple(word if word[0] == "*" else normal(word) for word in text.split())
                phrase = _Phrase(words, len(terms) - 1, is_name)
                if words[0][0] == "*":
                    by_ending[words[0][1:]].append(phrase)
                else:
                    by_word[words[0]].append(phrase)
    lengths = frozenset(map(len, by_ending))
    return _Lexicon(tuple(terms), dict(by_word), dict(by_ending), lengths)


@lru_cache(maxsize=65536)
def normal(word: str) -> str:
    """A word in lower case, American spelling and the singular."""
    word = word.lower().translate(GREEK)
    word = word.replace("ae", "e").replace("oe", "e").replace("our", "or")
    if word.endswith("ies") and len(word) > 5:
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word
