"""Content words and their stems: what two texts can be said to share."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_STOP_WORDS = frozenset(
    """a an and are as at be been being both but by can could did do does for from had has have
    how however i if in into is it its itself may might more most much no nor not of on one only
    or other our over own paper per same should so some such than that the their them then there
    these they this those through thus to too under up use used uses using very via was we were
    what when where whether which while who whose why will with within without would you your
    also about above after again all any because before between during each few further here
    just out study studies author authors work works method methods approach approaches propose
    proposed proposes present presented presents show shown shows showed report reported reports
    find finds found describe describes described introduce introduces introduced
    according abstract abstracts source sources paper papers percent percentage
    times fold thousand million billion terabyte terabytes gigabyte gigabytes roughly
    approximately nearly almost around either neither though although whereas namely among versus
    several various least best once twice""".split()
)
_SUFFIXES = (
    "izations isations ization isation ational fulness ousness iveness ements ement ments ment "
    "ations ation ities ically ingly edly ness ible able ized ised izes ises izing ising ize ise "
    "ally ical ions ion ity ing ies ied ous ive ers est ed er es ly al ic s e y"
).split()
_POSSESSIVE = re.compile(r"['’]s?$")


def content_words(text: str) -> frozenset[str]:
    """Stems of the words of ``text`` that carry content; figures are checked elsewhere."""
    return frozenset(stem(word) for word in words_of(text))


def words_of(text: str) -> list[str]:
    """The content words of ``text`` as it writes them, lower case; compounds by their parts."""
    parts = (_POSSESSIVE.sub("", match[0]).lower() for match in _WORD.finditer(text))
    return [w for w in parts if w not in _STOP_WORDS and not w.isdigit() and len(w) > 1]


def missing_words(text: str, others: Iterable[str]) -> list[str]:
    """The content words of ``text`` that none of ``others`` has in any form, as it spells them."""
    held = frozenset().union(*map(content_words, others))
    spelled = {word.lower(): word for word in (_POSSESSIVE.sub("", w) for w in _WORD.findall(text))}
    return [spelled[word] for word in dict.fromkeys(words_of(text)) if stem(word) not in held]


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """A light stem: enough that "segmenting", "segmentation" and "segments" agree."""
    if len(word) <= 4 or not word.isascii():
        return word.removesuffix("s") if len(word) > 3 and not word.endswith("ss") else word
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 4:
            return word.removesuffix(suffix)
    return word
