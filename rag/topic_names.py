"""Datasets and methods of an abstract: coined names, told apart by the words around them.

"the X dataset", "X, a benchmark of …" and "evaluated on X" name a dataset, "we propose X", "X
model" and a title "X: …" a method. What no such words stand by is left out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Literal

from rag.topic_terms import is_term

_STORE = (
    r"(?:data ?-?sets?|databases?|corp(?:us|ora)|benchmarks?|challenges?|registr(?:y|ies)"
    r"|biobanks?|competitions?|leaderboards?)"
)
_SET = rf"(?:{_STORE}|cohort|trial|study|survey|collection)"
"""The latter are also what any paper is: their names stand after "the" or in brackets."""
_COINED = r"(?:[^\W\d_](?:[\w+]|[-'’/](?=\w))*[\w+]|[A-Z])"
"""A word as names are written; whether it is one, ``_is_coined`` says."""
_NAME = re.compile(rf"(?<![\w/.-])(?=\w[\w+'’/-]*[A-Z\d]){_COINED}(?![\w/]|\.\w)")
_TAIL = re.compile(
    r"(?: (?:19|20)\d\d(?!\w)| [A-Z]\w*[A-Z]\w*(?![\w-])| Net(?!\w)(?: \dD(?!\w))?)?"
)
_PROPER_SET = re.compile(
    r"(?<![\w-])(?:[A-Z][\w-]*(?:,? (?:of|for|and|on|in))?,? (?:\([A-Z][\w-]+\) )?){1,7}"
    r"(?:Dataset|Database|Corpus|Benchmark|Cohort|Challenge|Registry|Biobank|Trial|Study|Survey"
    r"|Atlas|Archive)(?: (?:19|20)\d\d)?(?![\w-])"
)
_JOINED = re.compile(r"(?:,? and|,|,? or|/)\s?$")
_BETWEEN = (
    r"[\"”’']?\)?,? (?:\d{4} )?(?:(?:[A-Z]\w+|grand|public|open|image|downstream|imaging|test"
    r"|training|clinical|health|heart|validation|controlled) ){0,3}"
)
_AFTER_STORE = re.compile(rf"{_BETWEEN}{_STORE}(?!\w)")
_AFTER_SET = re.compile(rf"{_BETWEEN}{_SET}(?!\w)")
_THE = re.compile(r"(?:\b[Tt]he |\()$")
_IS_SET = re.compile(
    rf"[\"”’']?(?: \([^)]{{3,90}}\))?(?:,| is| was|:| -+)? ?(?:an?|the|our|one of the|two|three"
    rf"|some)(?: [\w-]+){{0,8}}? {_STORE}(?![\w-])", re.I
)  # fmt: skip
_BEFORE_SET = re.compile(
    rf"(?:(?:{_STORE}(?: called| named|,? such as|,? including| of| from|,? namely|:| [a-z]+ed)?"
    rf"|{_SET}) ?[(\"“‘']|{_STORE}(?: called| named|,? such as|,? including|,? namely|:)? )$", re.I
)  # fmt: skip
_TESTED_ON = re.compile(
    r"(?:performance|results?|accuracy|experiments?|%|state[- ]of[- ]the[- ]art|evaluat\w+|train\w*"
    r"|test\w*|tuned|validat\w*|(?:micro|macro|dice|score) \w*)(?: [\w-]+){0,3}? on"
    r"(?: the| only)? $", re.I
)  # fmt: skip
_COMPUTED = re.compile(
    r"\b(?:algorithms?|software|neural|deep learning|machine learning|language models?|benchmarks?"
    r"|outperform\w*|state[- ]of[- ]the[- ]art|datasets?|open[- ]source|toolkit|package|web server"
    r"|pipelines?|transformers?|encoders?|diffusion models?|vision)\b", re.I
)  # fmt: skip
"""Papers on methods of computing: elsewhere "X model" is a mouse, and X a gene."""
_HEADING_WORDS = (
    "AIMS?|ANALYS[EI]S|BACKGROUND|CASES?|CONCLUSIONS?|CONTEXT|CRITERIA|DATA|DESIGN|DISCUSSION"
    "|EXPOSURES?|EXTRACTION|FINDINGS|FUNDING|IMPORTANCE|INTERPRETATION|INTERVENTIONS?|INTRODUCTION"
    "|MAIN|MATERIALS?|MEASURE(?:S|MENTS)?|METHODS?|METHODOLOGY|OBJECTIVES?|OUTCOMES?|PARTICIPANTS"
    "|PATIENTS|POPULATION|PRIMARY|PRINCIPAL|PROCEDURES?|PURPOSE|RATIONALE|RESEARCH|RESULTS|SEARCH"
    "|SELECTION|SETTINGS?|SIGNIFICANCE|SOURCES?|STRATEGY|STUDY|SUBJECTS|SYNTHESIS|SUMMARY|TRIAL"
    "|REGISTRATION|ABSTRACT"
)
_HEADING = re.compile(
    rf"(?<![\w-])(?:{_HEADING_WORDS})(?:,? (?:AND |OF |& )?(?:{_HEADING_WORDS}))*(?![\w-])"
)
"""Of the parts of an abstract: no acronyms."""
_SET_TITLE = re.compile(rf"(?:: |, |[-–—]+ |, a )[^:]*(?<![\w-]){_STORE}(?![\w-])", re.I)
_MODEL = (
    r"(?:models?|networks?|frameworks?|architectures?|methods?|algorithms?|pipelines?|approach(?:es)?"
    r"|series|systems?|encoders?|modules?|strateg(?:y|ies)|backbones?|baselines?|metrics?|attack|tool)"
)
_AFTER_MODEL = re.compile(rf"['’]?s?\)? (?:(?:base|foundation|language|vision) )?{_MODEL}(?!\w)")
_IS_MODEL = re.compile(
    rf"[\"”']?(?: \([^)]{{3,90}}\))?,? (?:is |was )?(?:an?|the|our)(?: [\w+-]+){{0,8}}? {_MODEL}"
    r"(?!\w)"
)
_BEFORE_MODEL = re.compile(
    r"(?:(?:propos|present|introduc|develop|design|describ|construct|offer|releas|nam|call|term|dub"
    r"|yield)(?:e|ed|es|ing|s|)(?:(?: of| as| a| an| the| our| new| novel| here)*"
    r"|(?: [\w,+-]+){1,9} \(| (?:an?|the)(?: [\w-]+){1,6},) ?[\"“]?"
    r"|(?:models?|networks?|methods?|architectures?|frameworks?|baselines?|approaches)(?:,? such as"
    r"|,? including|,? namely|,? among them| like|:| \() ?)$", re.I
)  # fmt: skip
_PROPOSED = re.compile(r"(?:propos|introduc)(?:e|ed|es|ing)(?: an?| the| our| new| novel)* $", re.I)
_EXPANDED = re.compile(r" \(([A-Za-z]?[A-Z][\w-]*)[,;)]")
_PARTS = re.compile(r"[-'’/]")
_GAPS = re.compile(r"[ -]+")
_MOST_BEFORE = 90
_SHORTEST = 3
_OFTEN = 3
"""Mentions of a name from which on it is a method's, in a paper on methods."""

Kind = Literal["dataset", "method"]


@dataclass(frozen=True, slots=True)
class Coined:
    """A name and what it is the name of."""

    kind: Kind
    name: str


def coined(title: str, abstract: str) -> frozenset[Coined]:
    """The datasets and methods that a title and an abstract name by a name of their own."""
    abstract = _HEADING.sub(";", abstract)
    text = f"{title.rstrip('.')}. {abstract}"
    computed = bool(_COMPUTED.search(text))
    told = abstract if _is_title_case(title) else text
    found = {Coined("dataset", name) for name in _proper_sets(told)}
    generic = _abbreviations(text)
    votes: dict[str, dict[Kind, int]] = {}
    spans: list[tuple[str, int, int]] = []
    at = 0
    while match := _NAME.search(text, at):
        name, at = match[0], match.end()
        if not _is_coined(name) or name in generic or is_term(name):
            continue
        tail = _TAIL.match(text, at)
        if tail and tail[0][1:] not in generic and not is_term(tail[0]):
            name, at = name + tail[0], tail.end()
        spans.append((name, match.start(), at))
        for kind, weight in _read(text, match.start(), at, computed):
            kinds = votes.setdefault(name, {})
            kinds[kind] = kinds.get(kind, 0) + weight
    _share(text, spans, votes)
    if any("method" in kinds for kinds in votes.values()):
        for name, times in Counter(name for name, _, _ in spans).items():
            if times >= _OFTEN and any(map(str.islower, name)):
                votes.setdefault(name, {"method": 1})
    head, is_set = _titled(title, abstract), bool(_SET_TITLE.search(title))
    if head and (is_set or computed or _is_coined(head)):
        votes.setdefault(head, {})["dataset" if is_set else "method"] = 9
    for name, kinds in votes.items():
        kind = max(kinds, key=lambda k: (kinds[k], k))
        found.add(Coined(kind, name))
    return frozenset(found)


def _read(text: str, start: int, end: int, computed: bool) -> Iterator[tuple[Kind, int]]:
    """What the words before and after a name say of it."""
    before = text[max(0, start - _MOST_BEFORE) : start]
    after = _AFTER_SET if _THE.search(before) else _AFTER_STORE
    if after.match(text, end) or _IS_SET.match(text, end):
        yield "dataset", 2
    if _BEFORE_SET.search(before) or (computed and _TESTED_ON.search(before)):
        yield "dataset", 1
    if _PROPOSED.search(before):
        yield "method", 2
    if not computed:
        return
    if _IS_MODEL.match(text, end) or _BEFORE_MODEL.search(before):
        yield "method", 2
    if _AFTER_MODEL.match(text, end):
        yield "method", 1


def _share(text: str, spans: list[tuple[str, int, int]], votes: dict[str, dict[Kind, int]]) -> None:
    """What is said of one name of a list is said of all: "on X, Y and Z datasets"."""
    beside = list(pairwise(spans))
    for (one, _, end), (other, start, _) in [*beside, *reversed(beside)]:
        if not _JOINED.fullmatch(text[end:start]) or one == other:
            continue
        for told, untold in ((one, other), (other, one)):
            if "dataset" in votes.get(told, {}) and untold not in votes:
                votes[untold] = {"dataset": 1}


def _titled(title: str, abstract: str) -> str | None:
    """What a title "X: …" names, if the abstract speaks of it by that name."""
    head, colon, _ = title.partition(":")
    name = re.sub(r" \([^)]*\)$", "", head.strip())
    short = len(name.split()) <= 2 and len(name) >= _SHORTEST
    if not (colon and short and name[:1].isupper()) or is_term(name):
        return None
    return name if re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", abstract) else None


def _proper_sets(text: str) -> Iterator[str]:
    for match in _PROPER_SET.finditer(text):
        words = match[0].split()
        while words and words[0].lower() in _ARTICLES:
            words.pop(0)
        if len(words) > 1 + words[-1].isdigit():
            yield " ".join(words)


def _is_title_case(title: str) -> bool:
    words = [word for word in title.split() if len(word) > _SHORTEST]
    return sum(word[0].isupper() for word in words) > len(words) / 2


def _abbreviations(text: str) -> frozenset[str]:
    """Acronyms of common words that the text spells out: "random forest (RF)"."""
    found = set()
    for match in _EXPANDED.finditer(text):
        short = match[1]
        spelled = text[max(0, match.start() - _MOST_BEFORE) : match.start()]
        words = _GAPS.split(spelled)[-len(short) :]
        if words and all(word[:1].islower() or not word[:1].isalpha() for word in words[1:]):
            found |= {short, f"{short}s", short.removesuffix("s")}
    return frozenset(found)


@lru_cache(maxsize=65536)
def _is_coined(name: str) -> bool:
    """Whether a word has the looks of a name: capitals inside it, or letters with digits."""
    first = name.split()[0]
    capitals = sum(letter.isupper() for letter in first)
    digits = any(letter.isdigit() for letter in first)
    if len(first) < _SHORTEST or first.lower() in _NEVER or not capitals:
        return False
    if first[0].isupper() and first[1:].islower():
        return False
    parts = _PARTS.split(first)
    inner = any(letter.isupper() for part in parts for letter in part[1:])
    return (inner or (digits and first[0].isupper())) and not _COMPOUND.search(first)


_COMPOUND = re.compile(
    r"-(?:[a-z]+(?:ed|ing|ic|ive|al|ent|ant|able|like)|free|type|level|style|wise)$"
)
_ARTICLES = frozenset("a an the this that in on of for our we using from and to with".split())
_NEVER = frozenset(
    """2d 3d 4d auc auroc roc psnr ssim fid kid dice f1 map iou bleu rouge cider dna rna mrna usa
    nih who fda nhs gpu gpus cpu api sota ai ml dl cad roi rois ehr pubmed medline embase cochrane
    cinahl psycinfo github scopus imagenet vs ci or hr rr sd iqr bmi""".split()
)
