"""Names that carry their identity in their spelling, and whether a source has them.

``DINOv2`` and ``BraTS`` are checked letter by letter: another version or another dataset is
another thing. Ordinary words are left to the coverage check.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from itertools import pairwise

from rag.numerals import code_names

GREEK = str.maketrans(
    {"α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "κ": "kappa", "µ": "mu", "μ": "mu"}
)
_ACRONYM = re.compile(r"(?<!\w)(?=\w*[A-Z]\w*[A-Z]|[a-z]{2,}[A-Z]\b)[^\W\d_]\w*")

_PROPER = re.compile(r"(?<=[^.!?:\s] )[A-Z][a-z]{3,}\b")
_WORDS = re.compile(r"[^\W_]+")
_SIGN = re.compile(r"[\W_]")
_COMPOUND = re.compile(r"[^\W_]+(?:['’-][^\W_]+)+")
_RUNS = re.compile(r"[^\W\d_]+|\d+")
_BRACKETED = re.compile(r"(?<=\w) ?\((\d{1,2}[+-]?|[+-])\)")
_ADJECTIVE = re.compile(
    r"-(?:[a-z]+(?:type|ed|ing|ent|ant|ive|ic|al|able|ense|iven)|like|free|level|style|mutant|null)$"
)
_VARIANTS = ("-mini", "-nano", "-tiny", "-small", "-base", "-large", "-huge", "-turbo", "-pro")
_AMOUNT = re.compile(r"(?:over|under|sub|mid|pre|post|top|day|week|year|age|aged)-\d.*")
# Those whose letters are not the initials of four-letter words: of two letters, with little words
# or with letters from inside a word.
_EXPANSIONS = {
    "ai": "artificial intelligence", "auc": "area under", "auroc": "area under",
    "aucs": "areas under", "ct": "computed tomograph", "cxr": "chest x ray",
    "dl": "deep learning", "h2s": "hydrogen sulfide", "ifn": "interferon", "il": "interleukin",
    "ltb": "leukotriene b", "microrna": "mirna", "ml": "machine learning", "mmp": "matrix metallo",
    "mr": "magnetic resonance", "pg": "prostaglandin", "sota": "state of the art",
    "us": "ultrasound", "vqa": "visual question answering",
}  # fmt: skip
_SHORTEST = 4  # letters of a word that an acronym stands for; shorter ones match by chance
_SHORT_FOR = {full: short for short, full in _EXPANSIONS.items()}
_ROMAN = {"ii": "2", "iii": "3", "iv": "4", "vi": "6"}
_PASSED_OVER = frozenset("a and by for from in of on or the to with".split())
_OF_ASKERS = frozenset({"phd", "msc", "bsc", "arxiv", "pubmed", "chatgpt", "latex", "bibtex"})
_OF_ONE = re.compile(r"(?=.*[a-z]).*[A-Z]|[A-Z]{3,}-?\d|[A-Z]{5,}")
_NEARLY = 0.88
_DIGITS = re.compile(r"\d+")
_LONGEST_TAIL = 3  # letters of the second part of a name in two words: "gp 37", "PG E2"


@dataclass(frozen=True, slots=True)
class _Read:
    """What a source may know a name by; all flat."""

    words: frozenset[str]
    names: frozenset[str]
    initials: str


def names(text: str) -> tuple[str, ...]:
    """Acronyms and names with digits in ``text``, each once, in its spelling."""
    coded = code_names(text)
    acronyms = (match[0] for match in _ACRONYM.finditer(text))
    plain = [name for name in acronyms if not any(name in code for code in coded)]
    return tuple(dict.fromkeys(n for n in [*coded, *plain] if not _AMOUNT.fullmatch(n)))


def holders(question: str, texts: Sequence[str], *, proper: bool = True) -> set[int]:
    """Which of ``texts`` the question names: by a name that few of them have.

    Besides acronyms and coded names, a capitalised word inside the question is a name here
    if ``proper``; such a word may also be a country.
    """
    words = {match[0] for match in _PROPER.finditer(question)} if proper else set()
    named: set[int] = set()
    for name in {*names(question), *words}:
        having = {
            row
            for row, text in enumerate(texts)
            if (name in _WORDS.findall(text) if name in words else not absent_names(name, text))
        }
        if len(having) <= max(1, len(texts) // 3):
            named |= having
    return named


def unknown_names(question: str, texts: Sequence[str]) -> list[str]:
    """Names of one thing in ``question`` that none of ``texts`` has, nor one spelled nearly so.

    In mixed case, of three letters and a figure, or of five capitals (``DenseNet``, ``GPT-5``,
    ``GRAPPA``); a shorter acronym may be the asker's own ("for my MD").
    """
    own = [n for n in names(question) if _OF_ONE.match(n) and _flat(n) not in _OF_ASKERS]
    absent = [name for name in own if all(absent_names(name, text) for text in texts)]
    if not absent:
        return []
    written = {_flat(word) for text in texts for word in (*names(text), *_WORDS.findall(text))}
    kept = [name for name in absent if not _mistyped(_flat(name), written)]
    return list(dict.fromkeys(_whole(name, question) for name in kept))


def _whole(name: str, text: str) -> str:
    """The name as it stands in ``text``, with what hyphens join to it."""
    match = re.search(rf"(?<!\w)(?:\w+-)*{re.escape(name)}(?!\w)", text)
    return match[0] if match else name


def _mistyped(name: str, written: Iterable[str]) -> bool:
    """Whether it may be a slip for one of ``written``: another figure is another thing."""
    close = get_close_matches(name, written, n=5, cutoff=_NEARLY)
    return any(_DIGITS.findall(name) == _DIGITS.findall(other) for other in close)


def absent_names(claim: str, source: str) -> list[str]:
    """Names in ``claim`` that ``source`` lacks, in the claim's spelling.

    A name is there when its letters and digits are a word of the source, or part of a name
    in it (``MRI`` in ``mpMRI``), whatever the case and hyphens; or, for an acronym, when the
    source has the words that it abbreviates in a row.
    """
    claimed = names(claim)
    if not claimed:
        return []
    read = _read(source)
    return [
        name
        for name in claimed
        if not all(_is_known(part, read, whole=part == name) for part in _parts(name))
        and not _is_explained(name, claim)
    ]


@lru_cache(maxsize=256)
def _read(source: str) -> _Read:
    source = _BRACKETED.sub(r"\1", source)  # "PAR(2)", "CD4(+)"
    written = [_flat(word) for word in _WORDS.findall(source)]
    joined = " ".join(written)
    for short, spelled in _EXPANSIONS.items():
        joined = joined.replace(spelled, f"{short} ")
    words = [*joined.split(), *written]
    tails = {a + b for a, b in pairwise(words) if len(b) <= _LONGEST_TAIL and b[-1].isdigit()}
    words += [roman for roman, digit in _ROMAN.items() if digit in written]
    compounds = {*names(source), *_COMPOUND.findall(source)}
    return _Read(frozenset({*words, *tails}), frozenset(map(_flat, compounds)), _initials(source))


def _initials(source: str) -> str:
    """What an acronym may abbreviate: first letters in a row, acronyms and figures whole."""
    letters = []
    for run in _RUNS.findall(source):
        if run in _PASSED_OVER:
            continue
        if run.isupper() or run.isdigit():
            letters.append(run)
        else:
            letters.append(run[0] if len(run) >= _SHORTEST or run[0].isupper() else " ")
    return "".join(letters).lower()


def _is_known(name: str, read: _Read, *, whole: bool) -> bool:
    flat = _flat(name.removesuffix("s") if name[-2:-1].isupper() else name)
    written = {flat, _flat(name)}
    if (full := re.match("[a-z]*", flat)) and (short := _SHORT_FOR.get(full[0])):
        written.add(short + flat[full.end() :])
    if written & read.words or any(flat in other for other in read.names):
        return True
    return not flat.isdigit() and len(flat) > (2 if whole else 1) and flat in read.initials


def _is_explained(name: str, claim: str) -> bool:
    """Whether the claim gives ``name`` in brackets for words of its own: it is no news then."""
    before, bracket, _ = claim.partition(f"({name})")
    words = _WORDS.findall(before)[-len(name) :]
    return bool(bracket) and any(
        word[0].lower() == name[0].lower() for word in words if not word[1:].isupper()
    )


def _parts(name: str) -> list[str]:
    """``DINOv2-based`` by its name alone, ``PET/CT`` by both; ``GPT-4o-mini`` is one name."""
    name = _ADJECTIVE.sub("", name)
    if name.endswith(_VARIANTS):
        return [name]
    parts = [part for part in re.split(r"[-/]", name) if names(part)]
    return parts if len(parts) > 1 or (parts and len(parts[0]) > _SHORTEST) else [name]


def _flat(text: str) -> str:
    lower = text.lower().translate(GREEK)
    return lower if lower.isalnum() else _SIGN.sub("", lower)
