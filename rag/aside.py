"""What people say to Footnote that no paper answers: greetings, and questions about the collection.

The patterns take the whole message, so that "How many papers did the survey review?" stays a
question to the papers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

AsideKind = Literal["greeting", "thanks", "goodbye", "help", "count", "newest", "oldest", "about"]

_TALK = {
    "greeting": "hi hello hey greetings howdy morning afternoon evening good there all everyone "
    "footnote dear again",
    "thanks": "thanks thank thx cheers you so very much a lot for that this it the your answer "
    "answers help great good nice perfect excellent wonderful awesome cool ok okay alright got "
    "understood super helpful was very really all now i see really",
    "goodbye": "bye goodbye see you later soon farewell good night for now tomorrow have a nice "
    "day",
}
_HEADS = {
    "greeting": {"hi", "hello", "hey", "greetings", "howdy", "morning", "afternoon", "evening"},
    "thanks": set("thanks thank thx cheers great nice perfect excellent wonderful awesome cool ok "
                  "okay alright understood helpful got".split()),
    "goodbye": {"bye", "goodbye", "farewell", "night", "later"},
}  # fmt: skip
_TALK_WORDS = {kind: frozenset(words.split()) for kind, words in _TALK.items()}
_MOST_WORDS = 8
_POLITE = re.compile(
    r"^(?:(?:please|so|and|ok(?:ay)?|hi|hello|hey)[,!. ]+)*"
    r"(?:(?:can|could|would|will) you (?:please )?(?:tell me |show me |list |give me )"
    r"|(?:tell|show|give)(?: me)? |i(?:'d| would) like to (?:know|see) |list )?(?:please )?",
    re.I,
)  # fmt: skip
_PAPER = r"(?:papers?|articles?|abstracts?|publications?|documents?|works|entries|records)"
_PLACE = r"(?:(?:this|the|your|my|our) (?:collection|library|corpus|database|archive|set)|here)"
_TOPIC = r"(?:on|about|regarding|concerning|covering|dealing with|to do with)"
_WHEN = r"(?:since|from|of|in|before|after|until|between|up to)"
_HELP = re.compile(
    r"(?:help|what (?:can|do) you do|who are you|what are you|how (?:do|does) (?:you|this|it) work"
    r"|what (?:is|'s) (?:this|footnote)|what can i (?:ask|do)(?: you| here| with (?:this|you))?"
    r"|how (?:do|can|should) i use (?:this|you|it))",
    re.I,
)
_COUNT = re.compile(
    rf"(?:how many|number of|what number of) {_PAPER}"
    rf"(?: (?:are|is) (?:there|here)| do you (?:have|hold|know)| have you(?: got)?"
    rf"| (?:are|is) (?:in|held in|contained in) {_PLACE}"
    rf"| (?:does|do) {_PLACE} (?:have|hold|contain|include|cover))?"
    rf"(?: (?:in|within) {_PLACE})?(?P<rest> .+)?",
    re.I,
)
_HOW_BIG = re.compile(rf"how (?:big|large) is {_PLACE}", re.I)
_ORDER = re.compile(
    rf"(?:(?:what|which)(?: {_PAPER})? (?:are|is) )?(?:the |your |\d+ )*"
    rf"(?P<order>newest|latest|most recent|recent|oldest|earliest)"
    rf"(?: \d+| few)*(?: (?:{_PAPER}|ones?|additions?))"
    rf"(?: (?:in|of|from) {_PLACE}| (?:do you have|are there|are here|you have))?(?P<rest> .+)?",
    re.I,
)
_ABOUT = re.compile(
    rf"(?:(?:what|which)(?: {_PAPER})? (?:is|are)(?: there)?(?: here| (?:in|of) {_PLACE})?"
    rf"|(?:what|which)(?: {_PAPER})? (?:do you have|have you(?: got)?|does {_PLACE} (?:have|hold))"
    rf"|(?:is|are) there (?:anything|something|any {_PAPER})(?: here| in {_PLACE})?"
    rf"|do you have (?:anything|something|any {_PAPER}|{_PAPER})(?: here| in {_PLACE})?"
    rf"|anything|(?:all |the |any |your )*(?!works\b){_PAPER})(?P<rest> (?:{_TOPIC}|{_WHEN}) .+)",
    re.I,
)
_COVERS = re.compile(
    rf"what (?:is|'s) {_PLACE} about|(?:what|which) (?:topics?|subjects?|themes?|fields?|areas?)"
    rf" (?:(?:does|do) {_PLACE} cover|are (?:covered|there|here)|(?:are|is) (?:in|covered in|"
    rf"covered by) {_PLACE})(?: here| in {_PLACE})?|what is (?:in|covered in) {_PLACE}"
    rf"|what(?: {_PAPER})? do you have",
    re.I,
)
_YEARS = re.compile(
    r"\b(?:(?P<since>since|after|from|later than)|(?P<until>until|before|up to|by)"
    r"|(?P<year>in|of|between))"
    r"(?: the year)? (?P<first>(?:19|20)\d\d)"
    r"(?:(?: ?[-–] ?| to | until | and )(?P<last>(?:19|20)\d\d))?",
    re.I,
)
_SUBJECT = re.compile(rf"^(?:that are |which are )?{_TOPIC} (.+)$", re.I)

# With one of these it is more than a subject, and a question to the papers.
_TELLS = re.compile(
    r"\b(?:is|are|was|were|do|does|did|has|have|had|can|that|which|who|whose|how|what|why|when|where"
    r"|use|uses|using|show|shows|report|reports|propose|proposes|away|include)\b", re.I
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Aside:
    """A message that is not put to the papers."""

    kind: AsideKind
    subject: str = ""
    """What papers are asked for; empty: all."""
    since: int | None = None
    until: int | None = None


def aside(message: str) -> Aside | None:
    """What a message is, if it is no question to the papers."""
    plain = " ".join(message.replace("’", "'").split()).rstrip("?!. ")
    plain = re.sub(r",? please$", "", plain, flags=re.I)
    words = re.findall(r"[a-z']+", plain.lower())
    if not words or len(plain) > 200:
        return None
    for kind, known in _TALK_WORDS.items():
        if len(words) <= _MOST_WORDS and set(words) <= known and _HEADS[kind] & set(words):
            return Aside(kind)  # type: ignore[arg-type]
    return _help(plain) or _of_collection(_POLITE.sub("", plain, count=1))


def _help(plain: str) -> Aside | None:
    return Aside("help") if _HELP.fullmatch(plain) else None


def _of_collection(plain: str) -> Aside | None:
    if _HOW_BIG.fullmatch(plain):
        return Aside("count")
    if _COVERS.fullmatch(plain):
        return Aside("about")
    if match := _COUNT.fullmatch(plain):
        return _limited("count", match["rest"] or "")
    if match := _ORDER.fullmatch(plain):
        old = match["order"].lower() in ("oldest", "earliest")
        return _limited("oldest" if old else "newest", match["rest"] or "")
    if match := _ABOUT.fullmatch(plain):
        return _limited("about", match["rest"])
    return None


def _limited(kind: AsideKind, rest: str) -> Aside | None:
    """With what ``rest`` limits it to; None where there is more in it than subject and years."""
    years = _YEARS.search(rest)
    since = until = None
    if years:
        rest = rest[: years.start()] + rest[years.end() :]
        first, last = int(years["first"]), years["last"]
        later = (years["since"] or "").lower() in ("after", "later than")
        earlier = (years["until"] or "").lower() == "before"
        since = None if years["until"] else first + later
        until = int(last) if last else first - earlier if years["until"] else None
        if (years["year"] or (years["since"] or "").lower() == "from") and not last:
            until = first
    rest = " ".join(rest.split())
    if not rest:
        return Aside(kind, "", since, until)
    subject = _SUBJECT.match(rest)
    if subject is None or _TELLS.search(subject[1]):
        return None
    return Aside(kind, subject[1].strip(" \"'"), since, until)
