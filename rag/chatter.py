"""What a sentence of a draft is to its reader: talk, a heading, a reference back, or a claim.

Fail closed: what is not plainly talk or a heading is a claim, and has to be cited.
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
    reading conclusion sum takeaway bottom line shortly say look break walk start begin dive table
    overall tldr mention compare down turn step closer""".split()
)
_OFFER = re.compile(
    r"^(?:would you like|do you want me|shall i|should i|want me to|let me know (?:if|whether) you"
    r"|feel free to|(?:i am |i'm )?(?:happy|glad) to (?:go|help|expand|elaborate|compare))\b",
    re.IGNORECASE,
)
# "Based on the provided sources, here are the main datasets for stroke:"
_OPENER = re.compile(
    r"^(?:(?:sure|certainly|of course|absolutely|okay|ok)\W+)?"
    r"(?:(?:based on|according to|from) (?:the|these|your) (?:\w+ )?"
    r"(?:sources|abstracts|papers|documents|information|context|literature),? )?"
    r"(?:here(?:['’]s| is| are)|below (?:is|are)|the following (?:is|are)|these (?:are|include))\b",
    re.IGNORECASE,
)
_RELATIVE = re.compile(r"\b(?:that|which|who|whose|because|since|as)\b", re.IGNORECASE)
_QUESTION = re.compile(
    r"^(?:so|but|and|then)?,?\s*(?:what|which|how|where|when|who|is|are|do|does|can|could|should)"
    r"\b[^,;:()]*\?$",
    re.IGNORECASE,
)
# Verbs and qualities by which a heading or a question tells something.
_TELLING = frozenset(
    stem(word)
    for word in """cure cause improve reduce increase decrease outperform prevent beat fail prove
    kill achieve reach abandon stop replace surpass exceed boost double triple halve enable heal
    withdraw withdrawn worsen raise lower save avoid eliminate harm protect become confirm
    demonstrate win dominate rival lag underperform mislead drop rise fall shrink gain lose
    hallucinate degrade deteriorate reveal suggest indicate imply lack""".split()
) | frozenset(
    """no not never none without cannot than better worse faster slower higher lower superior
    inferior safe unsafe useless dangerous fake harmful harmless effective ineffective""".split()
)
_VERBS = _TELLING | frozenset(
    stem(word)
    for word in """work take require help make give lead treat detect predict cut remain contain
    include""".split()
) | frozenset(
    """is are was were be been being has have had does do did can could may might will would shall
    should must show shows use uses need needs""".split()
)  # fmt: skip
_MAX_QUESTION_WORDS = 12
# Of words without content, but a statement: "It does not.", "No.", "The answer is no."
_STATEMENT = re.compile(
    r"^(?:(?:no|yes|none|never|neither|nor|not)\b|(?:it|this|these|those|that|they|he|she|there"
    r"|both|all|such|its|their|the|one|most|some|many|few)\b(?=.*\b{verbs}\b))".replace(
        "{verbs}", "(?:is|are|was|were|has|have|had|does|do|did|can|could|may|might|will|would"
        "|should|must|works?|worked|helps?|helped|uses?|used|shows?|showed|finds?|found)",
    ),
    re.IGNORECASE,
)  # fmt: skip
_TO_READER = re.compile(
    r"\b(?:i|you|your|me|us|we|question|follow|follows|following|below|above)\b", re.IGNORECASE
)
# A name with its year, "ISLES 2022": no figure.
_NAMED_YEAR = re.compile(r"\b(?=\w*[A-Z]\w*[A-Z])[\w-]+ \(?(?:19|20)\d\d\b")
_SOURCE_LIST = re.compile(r"\W*(?:sources?|references?|citations?|see(?: also)?)\W*", re.IGNORECASE)

_THING = (
    r"(?:models?|methods?|approach(?:es)?|data ?sets?|stud(?:y|ies)|authors?|frameworks?|networks?"
    r"|systems?|algorithms?|techniques?|tools?|architectures?|pipelines?|papers?|researchers"
    r"|results?|findings?|challenge|collection|cohort|latter|former|others?|two|three)"
)
_BACK = (
    r"(?:it|its|itself|they|them|their|these|those|this|such|he|she|his|her"
    r"|that(?! (?:is|said)[ ,])|both(?! (?:\S+ ){1,5}and\b)|there|here(?=,)"
    r"|neither(?! (?:\S+ ){1,5}nor\b)"
    r"|[Tt]he (?:(?:same|proposed|new|resulting|trained|final) )?"
    rf"{_THING}(?:['’]s?)?(?! (?:of|by|from|called|named)\b)(?! (?-i:\w*[A-Z])))\b"
)
_CONNECTIVES = (
    r"(?:(?:however|moreover|furthermore|additionally|in addition|also|then|thus|therefore|hence"
    r"|finally|similarly|likewise|instead|nevertheless|nonetheless|consequently|as a result"
    r"|in contrast|by contrast|on the other hand|for example|for instance|specifically"
    r"|in particular|notably|importantly|overall|meanwhile|conversely|still|yet|but|and|so|or"
    r"|further|next|first|second|third|firstly|secondly|lastly|besides|indeed|in fact"
    r"|interestingly|importantly|unfortunately),? )*"
)
# "It also …"; "On this dataset, …"; "All of them …"; "Compared with nnU-Net, it …"; "In doing so …"
_REFERS_BACK = re.compile(
    rf"^\W*(?:\w[^:.]{{0,40}}: )?{_CONNECTIVES}(?:{_BACK}"
    r"|(?:on|in|with|under|using|for|from|at|by|to|of|through|after|given|unlike|like|despite)"
    r" (?:\w+ ){0,2}(?:this|these|those|its|their|such|both|them|it|doing so|do so)\b"
    r"(?! (?:paper|article|review|work)\b)"
    r"|(?:\w+ ){1,3}of (?:these|those|them|this|which|the (?:two|three))\b"
    r"|(?:[a-z]+(?:ed|ing)|on|in|with|under|for|from|at|by|to|through|after|given|unlike|like"
    r"|despite|because|while|although|when|if|since|besides|beyond|as)\b[^,.;:]{0,80}, "
    rf"(?:also )?{_BACK})",
    re.IGNORECASE,
)
_IMPERSONAL = re.compile(
    r"^\W*(?:\w+, )?it (?:\w+ ){1,4}(?:that|whether|to)\b(?<!due to)(?<!according to)"
    r"(?<!compared to)|^\W*(?:\w+, )?it takes\b",
    re.IGNORECASE,
)
_IMPERSONAL_WORD = re.compile(
    r"\b(?:known|clear|unclear|likely|unlikely|possible|important|well known|shown|reported|found"
    r"|believed|thought|estimated|suggested|essential|necessary|crucial|worth|difficult|hard|easy"
    r"|evident|remains|seems|appears|noted)\b",
    re.IGNORECASE,
)


def states_nothing(bare: str, cited: bool, heading: bool) -> bool:
    """Whether a sentence of a draft makes no claim.

    Args:
        bare: the sentence without citations, bullets and emphasis.
        cited: whether it carries a citation; then it is a claim.
        heading: whether it has the shape of a heading or of a table's first row.
    """
    if not re.search(r"[^\W_]", bare):
        return True  # a rule, a table's separator, a bare marker, a code fence
    if cited:
        return bool(_SOURCE_LIST.fullmatch(bare))
    words = re.findall(r"[^\W\d_]+", bare.lower())
    if _OFFER.match(bare) and not re.search(r"\d", bare):
        return not _any_of(_TELLING, words)
    if _has_figure(bare, heading):
        return False
    if is_talk(bare):
        return True
    if _QUESTION.match(bare):
        return len(words) <= _MAX_QUESTION_WORDS and not _any_of(_TELLING, words)
    if not (heading or bare.endswith(":")):
        return False
    opener = _OPENER.match(bare)
    if opener and not heading and not _RELATIVE.search(bare, opener.end()):
        words = re.findall(r"[^\W\d_]+", bare[opener.end() :].lower())
    return len(words) <= _MAX_HEADING_WORDS and not _any_of(_VERBS, words)


def is_talk(bare: str) -> bool:
    """Whether every content word of a sentence is talk between writer and reader."""
    if _STATEMENT.match(bare) and not (bare.endswith((":", "?")) or _TO_READER.search(bare)):
        return False
    if re.search(r"\b(?:yes|no|not|none)\W*$", bare, re.IGNORECASE):
        return False
    return content_words(bare) <= _TALK and not re.search(r"[<>=≤≥≈]", bare)


def refers_back(bare: str) -> bool:
    """Whether a sentence opens with, or has as its subject, what only the one before names."""
    if _IMPERSONAL.match(bare) and _IMPERSONAL_WORD.search(bare[:80]):
        return False
    return bool(_REFERS_BACK.match(bare))


def _has_figure(bare: str, heading: bool) -> bool:
    if heading:
        return bool(quantities(_NAMED_YEAR.sub(" ", bare)))
    return bool(re.search(r"\d", bare) or quantities(bare))


def _any_of(known: frozenset[str], words: list[str]) -> bool:
    return any(word in known or stem(word) in known for word in words)
