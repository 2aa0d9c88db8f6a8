"""Questions without a model: a sentence with a gap, one by its topics, one that nothing answers.

They are raw material: a gap keeps the words of its sentence, so that search is easier on it
than on a person's question. Each is to be edited, and marked so.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rag.types import Paper
from rag.words import content_words

from .proposal import Nugget, Proposal
from .salience import Salient, salient, topics, wordings

GAP = "____"
_NEAR_MISS_EVERY = 5
"""One paper in so many also gets a question that its abstract does not answer."""


@dataclass(frozen=True, slots=True)
class _Attribute:
    question: str
    lacks: str
    said: re.Pattern[str]
    """Where this stands in an abstract, it may answer the question."""


_ATTRIBUTES = (
    _Attribute(
        "How much money did the work on {topics} cost?",
        "its price in money",
        re.compile(r"[$€£¥]|\b(?:cost|price|expens|cheap|budget|dollar|euro|fund|money)", re.I),
    ),
    _Attribute(
        "Which company or agency paid for the work on {topics}?",
        "its sponsor or funder",
        re.compile(r"\b(?:fund|sponsor|grant|financ|paid|compan|industr|agenc|award)", re.I),
    ),
    _Attribute(
        "How many people were on the team behind the work on {topics}?",
        "the size of its team",
        re.compile(r"\b(?:team|staff|personnel|researchers|we were)", re.I),
    ),
)


class ClozeWriter:
    """Proposes questions on a paper from the sentences that state a figure or a name."""

    def __init__(self, papers: Iterable[Paper]) -> None:
        self._spread: Mapping[str, int] = Counter(
            stem for paper in papers for stem in content_words(paper.abstract)
        )
        self._seen = 0

    def propose(self, paper: Paper) -> Sequence[Proposal]:
        """A cloze, a question by topics, and now and then one without an answer."""
        found = salient(paper)
        proposals = []
        if found:
            proposals.append(_cloze(found[0]))
        if found and (asked := self._by_topics(found[-1] if len(found) == 1 else found[1])):
            proposals.append(asked)
        self._seen += 1
        if found and self._seen % _NEAR_MISS_EVERY == 0 and (miss := self._near_miss(paper, found)):
            proposals.append(miss)
        return proposals

    def _by_topics(self, row: Salient) -> Proposal | None:
        named = topics(row.text, row.answer, self._spread)
        if len(named) < 2:
            return None
        nugget = _nugget(row)
        return Proposal(f"What is reported about {_and(named)}?", (nugget,), tags=("drafted",))

    def _near_miss(self, paper: Paper, found: Sequence[Salient]) -> Proposal | None:
        named = topics(found[0].text, found[0].answer, self._spread)
        fit = [a for a in _ATTRIBUTES if not a.said.search(paper.abstract)]
        if not fit or not named:
            return None
        attribute = fit[self._seen // _NEAR_MISS_EVERY % len(fit)]
        question = attribute.question.format(topics=_and(named))
        return Proposal(question, lacks=attribute.lacks, tags=("near_miss",))


def _cloze(row: Salient) -> Proposal:
    gapped = row.text.replace(row.answer, GAP).rstrip(".!? ")
    question = f"What belongs in the gap: {gapped}?"
    return Proposal(question, (_nugget(row),), tags=("cloze",))


def _nugget(row: Salient) -> Nugget:
    # The figure is asked for; a name beside it would do as well, so it is no wording of it.
    exact = (row.answer,) if row.answer in wordings(row.text) else wordings(row.answer)
    return Nugget(row.text, exact)


def _and(items: Sequence[str]) -> str:
    return items[0] if len(items) == 1 else ", ".join(items[:-1]) + " and " + items[-1]
