"""Names that carry their identity in their spelling, and whether a source has them.

``DINOv2`` and ``BraTS`` are checked letter by letter: another version or another dataset is
another thing. Ordinary words are left to the coverage check.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.quantities import code_names

_ACRONYM = re.compile(r"(?<!\w)(?=\w*[A-Z]\w*[A-Z])[^\W\d_]\w*")

_PROPER = re.compile(r"(?<=[^.!?:\s] )[A-Z][a-z]{3,}\b")
_WORDS = re.compile(r"[^\W_]+")
_COMPOUND = re.compile(r"[^\W_]+(?:['’-][^\W_]+)+")
_LETTERS = re.compile(r"[^\W\d_]+")
# Of two letters, or spelled with little words: initials alone would match by chance.
_EXPANSIONS = {
    "ai": "artificial intelligence", "auc": "area under", "auroc": "area under",
    "aucs": "areas under", "ct": "computed tomograph", "cxr": "chest x ray",
    "dl": "deep learning", "ml": "machine learning", "mr": "magnetic resonance",
    "sota": "state of the art", "us": "ultrasound", "vqa": "visual question answering",
}  # fmt: skip
_SHORTEST = 4  # letters of a word that an acronym stands for; shorter ones match by chance


def names(text: str) -> tuple[str, ...]:
    """Acronyms and names with digits in ``text``, each once, in its spelling."""
    coded = code_names(text)
    acronyms = (match[0] for match in _ACRONYM.finditer(text))
    plain = [name for name in acronyms if not any(name in code for code in coded)]
    return tuple(dict.fromkeys([*coded, *plain]))


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


def absent_names(claim: str, source: str) -> list[str]:
    """Names in ``claim`` that ``source`` lacks, in the claim's spelling.

    A name is there when its letters and digits are a word of the source, or part of a name
    in it (``MRI`` in ``mpMRI``), whatever the case and hyphens; or, for an acronym, when the
    source has the words that it abbreviates in a row.
    """
    claimed = names(claim)
    if not claimed:
        return []
    words = {_flat(word) for word in _WORDS.findall(source)}
    plain = " ".join(_LETTERS.findall(source.lower()))
    words |= {short for short, spelled in _EXPANSIONS.items() if spelled in plain}
    own = {_flat(name) for name in names(source)} | {_flat(w) for w in _COMPOUND.findall(source)}
    initials = "".join(w[0] if len(w) >= _SHORTEST else " " for w in _LETTERS.findall(source))
    known = words, own, initials.lower()
    return [name for name in claimed if not all(_is_known(part, *known) for part in _parts(name))]


def _is_known(name: str, words: set[str], own: set[str], initials: str) -> bool:
    flat = _flat(name.removesuffix("s") if name[:-1].isupper() else name)
    if {flat, _flat(name)} & words or any(flat in other for other in own):
        return True
    return flat.isalpha() and len(flat) > 2 and flat in initials


def _parts(name: str) -> list[str]:
    """``DINOv2-based`` by its name alone; ``GPT-4V`` and ``PET/CT`` as they are."""
    parts = [part for part in re.split(r"[-/]", name) if names(part)]
    return parts if len(parts) > 1 or (parts and len(parts[0]) > _SHORTEST) else [name]


def _flat(text: str) -> str:
    return re.sub(r"[\W_]", "", text.lower())
