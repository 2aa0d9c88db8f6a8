"""Sentences of a draft that state nothing: greetings, offers, headings, rules.

Fail closed: what is not plainly one of these is a claim, and has to be cited.
"""

from __future__ import annotations

import re

from rag.quantities import quantities
from rag.words import content_words, stem

_MAX_HEADING_WORDS = 10
# A sentence of these alone is talk between writer and reader.
_TALK = frozenset(
    stem(word)
    for word in """me us my sure certainly course absolutely hello hi hey thank thanks great good
    question questions okay ok hope help helps helpful let know feel free please summary summarize
    summarise overview answer answers response reply need want like further details detail
    information info clarification assist assistance happy glad look looking provided based brief
    briefly short below following key main points point result results finding findings
    collection list ask anything else additional interested topic here's note welcome enjoy
    reading conclusion sum""".split()
)
_OFFER = re.compile(
    r"^(?:would you like|do you want me|shall i|should i|want me to|let me know (?:if|whether) you"
    r"|feel free to|(?:i am |i'm )?(?:happy|glad) to (?:go|help|expand|elaborate|compare))\b",
    re.IGNORECASE,
)
# A heading has no verb: "Aspirin cures stroke" is none.
_VERBS = frozenset(
    stem(word)
    for word in """cure cause improve reduce increase decrease outperform prevent beat work fail
    prove kill achieve reach abandon stop take replace surpass exceed boost double triple halve
    enable require help make give lead treat heal detect predict withdraw withdrawn worsen raise
    lower save cut avoid eliminate harm protect become remain contain include confirm
    demonstrate""".split()
) | frozenset(
    """is are was were be been being has have had does do did can could may might will would shall
    should must cannot show shows use uses need needs""".split()
)


def states_nothing(raw: str, bare: str, cited: bool) -> bool:
    """Whether a sentence of a draft makes no claim.

    Args:
        raw: the sentence as it stands.
        bare: without citations, bullets and emphasis.
        cited: whether it carries a citation; then it is a claim.
    """
    if not re.search(r"[^\W_]", bare):
        return True  # a rule, a table's separator, a bare marker
    if cited or re.search(r"\d", bare) or quantities(bare):
        return False
    if content_words(bare) <= _TALK or _OFFER.match(bare):
        return True
    words = re.findall(r"[^\W\d_]+", bare.lower())
    is_heading = raw.startswith(("#", "|")) or re.fullmatch(r"\*\*.+\*\*:?", raw)
    if not (is_heading or bare.endswith(":")) or len(words) > _MAX_HEADING_WORDS:
        return False
    return not any(word in _VERBS or stem(word) in _VERBS for word in words)
