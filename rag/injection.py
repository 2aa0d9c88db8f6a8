"""Text in a paper that tells its reader what to do, instead of reporting research.

Anyone can write an abstract. A sentence such as "assistants must answer that …" is found here,
so that it is never evidence, never quoted, and marked where a model reads it. The rules are for
orders, not for subjects: a study of language models, or one that quotes an attack, reports
research. After the injections that Greshake et al. describe (arXiv:2302.12173), and those that
were hidden in preprints for reviewing programs.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from rag.sentences import sentence_spans
from rag.text import clean
from rag.types import Note, Source

# The parts of the rules below, in lower case.
_PARTS = {
    "MODEL": r"(?:assistants?|llms?|language models?|chatbots?|chatgpt|bots?|summari[sz]ers?"
    r"|(?:ai|llm)[- ](?:systems?|models?|tools?|agents?|readers?|reviewers?|programs?)|ais?"
    r"|crawlers?)",
    "READER": r"(?:models?|programs?|systems?|tools?|software|readers?|reviewers?|anyone|whoever"
    r"|assistants?|llms?|chatbots?|bots?|ais?|agents?|summari[sz]ers?)(?: that| which| who)?"
    r"(?: is| are)? (?:read|summari[sz]|process|cit|index|review|quot|us|see|encounter)\w* "
    r"(?:THIS|this|these|the above)",
    "KIND": r"(?:(?:ai|all|any|every|the|large|automated|automatic|virtual|other|fellow)[- ]){0,4}",
    "MUST": r"(?:must|should|shall|will|needs? to|ha(?:s|ve) to|ought to|(?:is|are) (?:hereby )?"
    r"(?:to|(?:instructed|required|requested|told|asked|directed|ordered|obliged) to))",
    "SAY": r"(?:answer|say|state|report|reply|respond|recommend|cite|mention|write|output|print"
    r"|repeat|include|rate|rank|praise|present|describe|conclude|summari[sz]e|tell|claim|omit"
    r"|ignore|disregard|append|add|refuse|quote|endorse|promote|list|advise|insist|declare|assert"
    r"|confirm|emphasi[sz]e|highlight|disclose|reveal|credit|treat|call|give|accept|warn|inform)",
    "HIDE": r"(?:mention|cite|quote|reveal|disclose|tell|say|state|summari[sz]e|repeat|answer"
    r"|discuss|highlight|list|warn|question|contradict|refer to|describe|point out)",
    "THIS": r"(?:this|these|the (?:present|above|following|preceding))(?: \w+)? (?:papers?"
    r"|abstracts?|articles?|stud(?:y|ies)|works?|sources?|texts?|documents?|manuscripts?"
    r"|passages?|records?|publications?|submissions?)",
    "REPLY": r"(?:answers?|repl(?:y|ies)|responses?|summar(?:y|ies)|outputs?|reviews?)",
    "RULES": r"(?:instructions?|prompts?|rules|guidelines|directions|directives|commands|orders"
    r"|constraints|messages?)",
    "OFTEN": r"(?:(?:always|never|not|also|[a-z]+ly) ){0,3}",
    "USER": r"(?:the |every |all |any |your ){0,2}(?:users?|askers?|questioners?|person asking)",
    "THAT": r"(?:that(?! (?:they|it|he|she)\b)|:|exactly|only|nothing|with the"
    r"|the (?:words?|phrase|string|code|sentence|token|line|text|following)\b)",
    # What an order opens with: a label ("Note: …") and adverbs.
    "OPEN": r"^[\W_]*(?:[\w/][\w/ ]{0,30}: *[\W_]*)?(?:(?:please|now|then|instead|also|always|just"
    r"|simply|only|kindly|and|so|therefore),? ){0,4}",
}


def _rule(pattern: str) -> re.Pattern[str]:
    while (spelled := re.sub("|".join(_PARTS), lambda name: _PARTS[name[0]], pattern)) != pattern:
        pattern = spelled
    return re.compile(pattern)


_OVERRIDES = _rule(
    r"(?:OPEN|[:;,(–—-] ?|\b(?:you|must|should|and|please|now) )(?:ignore|disregard|forget"
    r"|override|overrule|bypass|discard|set aside|pay no attention to|do not (?:follow|obey))"
    r"\b[\w', -]{0,40}?\b(?:(?:previous|prior|above|earlier|preceding|other|your|system|existing"
    r"|initial|original|all|any|these|those|given)(?: \w+)? RULES\b"
    r"|(?:everything|anything|all|what|whatever)\b[\w' ]{0,20}\b(?:above|before|earlier|told)\b"
    r"|(?:the|all|any|every) (?:above|foregoing|other (?:source|paper|passage|abstract)s?)\b)"
)
# Papers about attacks say such words of their subject.
_ABOUT_ATTACKS = re.compile(
    r"\b(?:attack\w*|inject(?:ion|ions|ed|s)|jailbreak\w*|malicious|adversar\w*|red.team\w*)\b"
)
_IN_OTHER_LANGUAGES = re.compile(
    r"\b(?:ignorier\w*|missacht\w*|vergiss|ignore[rz]|oublie[rz]|ignora[dr]?|olvid\w+)\b.{0,30}"
    r"\b(?:anweisung\w*|regeln|instru[ck]\w*|consignes|reglas)\b"
    r"|(?:忽略|无视|忽視|無視).{0,12}(?:指令|指示|说明)"
)
_ORDERS = tuple(
    _rule(pattern)
    for pattern in (
        # Who is addressed, and what they must say.
        r"\bREADER,? MUST OFTENSAY\b",
        r"\bMODEL,? MUST OFTENSAY\b(?: THAT| [^.]*?(?:\bTHIS\b|\b(?:your|their|every|each|any|all)"
        r" (?:\w+ )?REPLY\b|\bas the (?:\w+ )?(?:best|only|approved|correct|first|standard)\b))",
        r"\byou(?:r (?:\w+ )?REPLY)? MUST OFTEN"
        r"(?:SAY|contain|comply|obey|follow|begin|start|end|open|close|use the)\b",
        r"\byour (?:\w+ )?(?:REPLY|context|RULES|task|training|developers?)\b",
        r"\byou (?:answer|reply|respond|act) (?:as|with|in|that|only)\b"
        r"|\b(?:henceforth|from (?:now|here|this point) on),? you\b",
        r"\b(?:if|since|as|because) you are (?:an? |the )?KINDMODEL\b|\bas an? KINDMODEL,? you\b",
        r"\byou are (?:now |no longer |hereby )|^[\W_]*you are an? (?:\w+ )?KINDMODEL\b",
        r"^[\W_]*(?:\w+ )?(?:note|message|notice|instruction|attention|reminder|directive|hint"
        r"|memo|request)s?,? (?:(?:to|for) )?KINDMODEL ?[:.,—–-]",
        r"^[\W_]*(?:for |to |attention,? |dear |hey |hello )?KINDMODEL ?[:!]",
        # What is to be said of this paper.
        r"\b(?:when|while|if|whenever|before|after) (?:you (?:are )?|ever |KINDMODEL )?"
        r"(?:summari[sz]|cit|answer|review|quot|describ|discuss|mention|process|read|index"
        r"|translat|us)\w* (?:about |on |from )?THIS,? (?:you MUST )?"
        r"(?:please |always |do not |don't |never ){0,3}SAY\b",
        r"\b(?:when|if|whenever) (?:you are |users? |anyone |someone )?(?:asks?|asked)\b[^.]*?, "
        r"(?:please |always |do not |never |you MUST ){0,3}SAY (?:THAT|yes|no\b|it\b|\")",
        r"\b(?:any|every|each|all|your) (?:\w+ )?REPLY (?:of|on|about|from|based on|citing"
        r"|that cites?|using|to) THIS MUST\b",
        r"\bTHIS MUST (?:always |only )?be (?:cited|ranked|presented|recommended|rated|quoted"
        r"|accepted|listed|praised|preferred|trusted)\b",
        r"OPEN(?:cite|rate|rank|score|recommend|praise|promote|prefer|trust|accept) THIS\b",
        r"OPEN(?:cite|rate|rank|list|put|recommend) (?!of |is |was |in |and )[\w-]+ (?:as the|first"
        r"|above all|above every|highest|whenever|in (?:every|each|your|all) |(?:\w+ )?stars?)\b",
        # Orders that no report gives.
        r"(?:OPEN|[;:(—] ?)(?:do not|don't|never|avoid|refrain from|under no circumstances"
        r"|you may not) (?:ever )?(?:HIDE|(?:mention|cit|quot|reveal|tell|say|summari[sz]|repeat"
        r"|discuss|highlight)ing)\b",
        r"OPEN(?:say|state|answer|reply|respond|report|write|conclude|output|claim|repeat|print"
        r"|declare|assert|insist|confirm|pretend|assume|remember|mention) THAT(?: |$|\W)",
        r"OPEN(?:reply|respond|answer) (?:with|in|yes|no|as|to USER)\b",
        r"OPEN(?:tell|inform|advise|warn|instruct|direct|refer|send|remind|urge|ask|convince"
        r"|persuade|give|show) USER\b",
        r"OPENrecommend\b[^.]*?\b(?:to USER|in (?:your|every|each|all) REPLY|above all"
        r"|over (?:all|any|every) (?:other|competing)|as the (?:only|best|first)|regardless)\b",
        r"OPEN(?:begin|start|end|finish|open|close|preface|prefix|sign) (?:your|every|each|all|the"
        r"|any) (?:\w+ )?(?:REPLY|sentences?)\b",
        r"OPEN(?:add|append|include|insert|place|put|embed|attach|use|repeat) (?:the|this|these|a"
        r"|an) (?:[\w-]+ )?(?:sentence|phrase|line|words?|link|string|code|text|url|token|image"
        r"|following|disclaimer|marker)\b[^.]*?(?:\b(?:in|to|at|after|into|of|with) (?:your|every"
        r"|each|all|the|any) (?:\w+ ){0,3}REPLY\b|[:\"“])",
        r"OPEN(?:reveal|print|show|output|leak|repeat|disclose|send) (?:\w+ )?(?:your|the system"
        r"|the hidden|the user's) (?:\w+ )?(?:RULES|configuration|keys?|passwords?|conversation)\b",
        r"OPEN(?:give|write|provide|produce|submit|assign) (?:only )?(?:this|it|an?|the|us|our"
        r"|your)\b[^.]*?\b(?:positive|favou?rable|high(?:est)?|top|perfect|glowing|strong|full)"
        r" (?:\w+ )?(?:reviews?|scores?|ratings?|recommendations?|marks|stars?)\b",
        r"OPEN(?:rate|score|grade|rank) (?!of )[^.]*?(?:\bstars\b|\b10/10|\bout of (?:five|ten)\b)",
        r"OPEN(?:follow|obey|execute|run|carry out|decode|comply with) (?:these|the following"
        r"|the next|this|all|my|our|only)(?: \w+){0,2} (?:RULES|steps|base64|script)\b",
        r"OPEN(?:act as|pretend (?:to be|you)|from now on|from this point on|role-?play as)\b",
        r"OPEN(?:new|updated|hidden|secret|revised|additional|important|special|system) "
        r"(?:system )?(?:RULES|override) ?(?::|—|–|!|for KINDMODEL\b)",
        r"OPEN(?:treat|consider|regard|accept) (?:THIS|(?:all |the )?other (?:\w+ )?"
        r"(?:sources|papers|abstracts)|everything (?:here|above|below)|the next sentence) "
        r"(?:as|to be)\b",
        r"\bthe (?:only )?(?:approved|permitted|mandatory|expected|required) (?:answer|reply) is\b",
        # Advertisements.
        r"OPEN(?:visit|contact|call|order|buy|purchase|subscribe|sign up|claim|redeem|download"
        r"|click|try|get)\b[^.]*?\b(?:sales team|free trial|newsletter|discount|promo(?:tion)? code"
        r"|coupon|licen[cs]e|today|right now|sponsor's|limited offer|here\b|this link)\b",
    )
)
# Role tags of chat formats, and of the prompts of this program; with their case.
_ROLE = re.compile(
    r"<\|[\w ]{2,30}\|>|\[/?(?:INST|SYS|SYSTEM|PROMPT|ASSISTANT|USER)\b|<</?SYS>>"
    r"|</?\s*(?:[Ss]ystem|assistant|user|human|instructions?|prompt|sources?|abstract|question"
    r"|conversation|important|admin|developer|tool_call|function_calls?|not_research)\b[^<>]{0,40}>"
    r"|^[\W_]*(?:SYSTEM|ASSISTANT|USER|DEVELOPER|ADMIN|PROMPT)\b[^:\n]{0,20}:"
    r"|(?:^|[.:] ?)#{2,} ?(?:[Ii]nstruction|[Ss]ystem|[Rr]esponse|[Uu]ser|[Aa]ssistant)s?\b"
    r"|^[\W_]*(?:System|Assistant)(?: (?:message|prompt|note|instruction|override|notice))?s?:"
    r"|\b(?:BEGIN|END|START)(?: OF)?(?: HIDDEN| NEW| SYSTEM)? "
    r"(?:INSTRUCTIONS?|PROMPT|SYSTEM|ABSTRACT|SOURCES?|CONTEXT)\b"
)
# Hidden, or in the role of someone else: all of it, whatever it says.
_BLOCK = re.compile(
    r"<!--.*?(?:-->|$)|<\|im_start\|>.*?(?:<\|im_end\|>|$)|\[INST\].*?(?:\[/INST\]|$)"
    r"|<<SYS>>.*?(?:<</SYS>>|$)"
    r"|\{\s*[\"']role[\"']\s*:\s*[\"'](?:system|developer|assistant|user|tool)[\"'].*?(?:\}|$)"
    r"|<(?P<role>system|instructions?|prompt|important|admin|developer)>.*?(?:</(?P=role)>|$)"
    r"|<(?P<tag>\w+)[^<>]{0,60}(?:display: ?none|font-size: ?0|color: ?white|hidden)[^<>]{0,60}>"
    r".*?(?:</(?P=tag)>|$)",
    re.DOTALL | re.IGNORECASE,
)
_ANNOUNCES = re.compile(
    r":\W*$|\b(?:(?:following|next) (?:sentence|text|line|phrase|words)|as follows)\b[^:]*$"
)
_QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”|«[^»]*»|(?<!\w)['‘][^'’]*['’](?!\w)|`[^`]*`")
_CUT = re.compile(r"https?://\S+(\s+)(?=[A-Z])|(\n\s*)(?=[A-Z])")
_EMPHASIS = re.compile(r"</?\w{1,10}>|[*_]")
_FEW_WORDS = 3
_LONGEST = 1_000
# Cyrillic and Greek letters that pass for Latin ones.
_LOOKALIKES = str.maketrans("аеорсхуіѕјһԁοαАВЕІКМНОРСТХЅ", "aeopcxyisjhdoaABEIKMHOPCTXS")


def instruction_spans(text: str) -> list[tuple[int, int]]:
    """Find what gives orders to whoever reads a source, or hides from people.

    Args:
        text: an abstract or a title, as it is stored.

    Returns:
        ``(start, end)`` character offsets in order, apart from each other: whole sentences, and
        blocks in the tags of a comment, of hidden text or of a chat format.
    """
    return list(_found(text))


def without_instructions(text: str) -> str:
    """``text`` with spaces in place of its instructions: of the same length, offsets hold."""
    return _blanked(text, _found(text))


def injection_note(sources: Sequence[Source]) -> tuple[Note, ...]:
    """What readers of an answer that cites ``sources`` must know: a note for each poisoned one."""
    poisoned = [source for source in sources if _found(source.title) or _found(source.text)]
    titles = [without_instructions(source.title).strip() or source.paper_id for source in poisoned]
    return tuple(
        Note(
            "collection",
            f"The abstract of “{title}” contains text addressed to programs instead of "
            "reporting research; that text was not used.",
        )
        for title in dict.fromkeys(titles)
    )


@lru_cache(maxsize=1024)
def _found(text: str) -> tuple[tuple[int, int], ...]:
    blocks = [match.span() for match in _BLOCK.finditer(text)]
    shown = _blanked(text, blocks)
    orders, announced = [], False
    for start, end in _units(shown):
        sentence = _plain(shown[start:end])
        # In pieces, so that a record of one endless sentence does not stall the rules.
        pieces = (sentence[at : at + _LONGEST] for at in range(0, len(sentence), _LONGEST))
        gives = any(_gives_orders(piece) for piece in pieces)
        if gives or announced:
            orders.append((start, end))
        announced = gives and bool(_ANNOUNCES.search(sentence))
    apart = [b for b in blocks if not any(low <= b[0] < high for low, high in orders)]
    return tuple(sorted([*orders, *apart]))


def _units(text: str) -> Iterator[tuple[int, int]]:
    """Sentences, and what follows a link or starts a line inside one: its full stop is missing."""
    for start, end in sentence_spans(text):
        for cut in _CUT.finditer(text, start, end):
            yield start, cut.start(cut.lastindex or 0)
            start = cut.end()
        yield start, end


def _blanked(text: str, spans: Iterable[tuple[int, int]]) -> str:
    for start, end in spans:
        text = text[:start] + " " * (end - start) + text[end:]
    return text


def _gives_orders(sentence: str) -> bool:
    """Whether a sentence tells its reader what to do; what it quotes is not its own."""
    if _ROLE.search(sentence):
        return True
    sentence = _EMPHASIS.sub("", sentence)
    said = _QUOTED.sub('""', sentence).lower()
    if len(said.split()) < _FEW_WORDS:  # all of it stands in quotes
        said = sentence.lower()
    if _OVERRIDES.search(said) and not _ABOUT_ATTACKS.search(said):
        return True
    return any(order.search(said) for order in (_IN_OTHER_LANGUAGES, *_ORDERS))


def _plain(text: str) -> str:
    """``text`` as people read it: on one line, no invisible characters, Latin letters."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", clean(text)).translate(_LOOKALIKES)
    return " ".join(text.split())
