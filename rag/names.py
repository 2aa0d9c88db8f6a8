"""Names that carry their identity in their spelling, and whether a source has them.

``DINOv2`` and ``BraTS`` are checked letter by letter: another version or another dataset is
another thing. Ordinary words are left to the coverage check.
"""

from __future__ import annotations

import re

from rag.quantities import code_names

_ACRONYM = re.compile(r"(?<!\w)(?=\w*[A-Z]\w*[A-Z])[^\W\d_]\w*")


def absent_names(claim: str, source: str) -> list[str]:
    """Names in ``claim`` that ``source`` lacks, in the claim's spelling.

    A name is there when its letters and digits stand in a row in the source, whatever the
    case and hyphens, or, for an acronym, when the source has the words that it abbreviates.
    """
    flat = _flat(source)
    initials = "".join(word[0] for word in re.findall(r"[A-Za-z]+", source)).lower()
    absent = [name for name in code_names(claim) if _flat(name) not in flat]
    for match in _ACRONYM.finditer(claim):
        letters = _flat(match[0])
        singular = letters.removesuffix("s")
        known = singular in flat or (len(singular) > 1 and singular in initials)
        if not known and not any(match[0] in name for name in absent):
            absent.append(match[0])
    return list(dict.fromkeys(absent))


def _flat(text: str) -> str:
    return re.sub(r"[\W_]", "", text.lower())
