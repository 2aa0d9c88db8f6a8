"""Questions to begin with and to go on with, made from the papers themselves without a model.

A question is offered only where the papers it is made of can answer it: what a paper is asked
for stands in its title or abstract.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from rag.terms import named
from rag.types import Answer, Paper
from rag.web.exports import cited

OFFERED = 4
_FOLLOWING = 3
_RARE, _COMMON = 2, 0.5
"""A technique is worth asking for if more than one paper names it, and not most of them."""
_LONGEST = 110
_HEAD = re.compile(r"(?P<name>[^\W_][\w.+-]{2,24}(?: (?:19|20)\d\d)?):\s")
_COUNTED = re.compile(
    r"\d[\d,]* (?:[a-z-]+ ){0,2}?(patients|participants|subjects|volunteers|children|women|men"
    r"|scans|volumes|images|videos|slides|cases|reports|lesions|studies|recordings)\b"
)
_MEASURE = re.compile(
    r"\b(sensitivity|specificity|accuracy|AUC|AUROC|Dice score|F1 score|PSNR)\b(?: score)?"
    r"(?: (?:of|was|is|reached|up to|at|to)){0,2} \d"
)
_TECHNIQUE = re.compile(r"\b(?:MRI|CT|PET|SPECT|ECG|EEG|OCT)\b")
_LIMITS = re.compile(
    r"\b(?:limitation|limited by|however|remains? (?:unclear|challenging|unknown))"
)


def examples(papers: Iterable[Paper]) -> tuple[str, ...]:
    """A few questions of different kinds that the papers can answer; fewer for few papers.

    Args:
        papers: some hundred are enough, whatever the collection holds.
    """
    papers = list(papers)
    by_name = _unique(papers)
    kinds = [
        [f"How many {m[1]} does {n} report?" for n, p in by_name if (m := _counts(p))],
        [f"Which papers use {name}?" for name in _techniques(papers)],
        [f"What {m[1]} does {n} reach?" for n, p in by_name if (m := _MEASURE.search(p.abstract))],
        [f"What does {name} report?" for name, _ in by_name],
        [f"What is reported on {word}?" for word in _keywords(papers)],
        [f"What is reported in “{p.title.strip(' .')}”?" for p in papers],
    ]
    return _one_of_each(kinds, OFFERED)


def follow_ups(answer: Answer, papers: Mapping[str, Paper]) -> tuple[str, ...]:
    """Questions to go on with: on papers that were found and not cited, and on cited ones.

    None after a refusal: what was found then has little to do with the question.
    """
    if answer.refused:
        return ()
    used = {source.paper_id for source in cited(answer)}
    found = [papers[row.paper_id] for row in answer.retrieved if row.paper_id in papers]
    named = _unique(found)
    asked = answer.question.casefold()
    fresh = [(n, p) for n, p in named if p.id not in used and n.casefold() not in asked]
    known = [(n, p) for n, p in named if p.id in used]
    kinds = [
        [f"How many {m[1]} does {n} report?" for n, p in known if (m := _counts(p))],
        [f"What does {name} report?" for name, _ in fresh],
        [f"What are the limits of {n}?" for n, p in known if _LIMITS.search(p.abstract)],
        [f"What {m[1]} does {n} reach?" for n, p in fresh if (m := _MEASURE.search(p.abstract))],
    ]
    offered = _one_of_each(kinds, _FOLLOWING + 1)
    return tuple(q for q in offered if q.casefold() != asked.strip())[:_FOLLOWING]


def _counts(paper: Paper) -> re.Match[str] | None:
    return _COUNTED.search(paper.abstract)


def _unique(papers: Sequence[Paper]) -> list[tuple[str, Paper]]:
    """The papers whose titles open with a name of their own ("NAME: what it is")."""
    heads = [(match["name"], p) for p in papers if (match := _HEAD.match(p.title))]
    often = Counter(name for name, _ in heads)
    return [(name, p) for name, p in heads if often[name] == 1 and _is_name(name)]


def _is_name(name: str) -> bool:
    """A coded spelling ("DINOv2", "ISLES 2022"): "Background:" opens titles, too."""
    return sum(ch.isupper() or ch.isdigit() for ch in name) > 1


def _techniques(papers: Sequence[Paper]) -> list[str]:
    """Imaging techniques that titles name, the most frequent first."""
    often = Counter(
        name
        for title in {paper.title for paper in papers}
        for name in {
            *_TECHNIQUE.findall(title),
            *(word.lower() for word in named(title, "imaging") if " " not in word),
        }
    )
    most = _COMMON * len(papers)
    return [name for name, n in often.most_common() if _RARE <= n <= most]


def _keywords(papers: Sequence[Paper]) -> list[str]:
    often = Counter(word for paper in papers for word in {*paper.keywords} if len(word) < 40)
    return [word for word, n in often.most_common() if n >= _RARE]


def _one_of_each(kinds: Sequence[Sequence[str]], most: int) -> tuple[str, ...]:
    """The first of every kind, then the second, until there are enough; no subject twice."""
    offered: dict[str, None] = {}
    for rank in range(most):
        for kind in kinds:
            if rank < len(kind) and len(kind[rank]) <= _LONGEST:
                offered[kind[rank]] = None
    return tuple(offered)[:most]
