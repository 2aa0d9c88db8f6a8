"""Names that carry their identity in their spelling, and whether a source has them.

``DINOv2`` and ``BraTS`` are checked letter by letter: another version or another dataset is
another thing. Ordinary words are left to the coverage check.
"""

from __future__ import annotations

import re

from rag.quantities import code_names

_ACRONYM = re.compile(r"(?<!\w)(?=\w*[A-Z]\w*[A-Z])[^\W\d_]\w*")


def names(text: str) -> tuple[str, ...]:
    """Acronyms and names with digits in ``text``, each once, in its spelling."""
    coded = code_names(text)
    acronyms = (match[0] for match in _ACRONYM.finditer(text))
    plain = [name for name in acronyms if not any(name in code for code in coded)]
    return tuple(dict.fromkeys([*coded, *plain]))


def absent_names(claim: str, source: str) -> list[str]:
    """Names in ``claim`` that ``source`` lacks, in the claim's spelling.

    A name is there when its letters and digits stand in a row in the source, whatever the
    case and hyphens, or, for an acronym, when the source has the words that it abbreviates.
    """
    flat = _flat(source)
    initials = "".join(word[0] for word in re.findall(r"[A-Za-z]+", source)).lower()
    absent = []
    for name in names(claim):
        letters = _flat(name)
        singular = letters.removesuffix("s")
        spelled_out = singular.isalpha() and len(singular) > 1 and singular in initials
        if letters not in flat and singular not in flat and not spelled_out:
            absent.append(name)
    return absent


def _flat(text: str) -> str:
    return re.sub(r"[\W_]", "", text.lower())
