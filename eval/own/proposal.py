"""Proposed questions, of which only what the verifier finds in the abstract stays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rag.grounding import support_of
from rag.types import Paper, Source
from rag.words import content_words

from ..metrics import states
from ..sets import Fact, Item
from .texts import copied, echoes_title, names_title

REVIEW = "review"
"""The tag of an item that nobody has read yet."""


@dataclass(frozen=True, slots=True)
class Nugget:
    """A fact that a good answer states: as a sentence, to verify, and in accepted wordings."""

    statement: str
    wordings: tuple[str, ...]
    vital: bool = True


@dataclass(frozen=True, slots=True)
class Proposal:
    """A question proposed for one paper; without nuggets, one that it does not answer."""

    question: str
    nuggets: tuple[Nugget, ...] = ()
    lacks: str = ""
    """What an unanswerable question asks for and the abstract does not give."""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Kept:
    """A nugget that stands in the abstract, and where."""

    nugget: Nugget
    support: float
    evidence: tuple[str, ...]
    """Quotes of the paper."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A proposal after its check: an item, or the reason why it is none."""

    paper: Paper
    proposal: Proposal
    item: Item | None
    kept: tuple[Kept, ...] = ()
    reasons: tuple[str, ...] = ()
    """Why the question, or nuggets of it, were left out."""


Propose = Callable[[Paper], Sequence[Proposal]]


def check(paper: Paper, proposal: Proposal, item_id: str, split: str) -> Checked:
    """Verify a proposal against the abstract that it is about.

    A nugget stays if the verifier finds its statement supported and one of its wordings stands
    in the paper; wordings that the question gives away are dropped. A question without a vital
    nugget left is none, and neither is one that copies its abstract or names its title.
    """
    if reason := _unfit(paper, proposal):
        return Checked(paper, proposal, None, reasons=(reason,))
    if not proposal.nuggets:
        return Checked(paper, proposal, _item(item_id, split, proposal, paper, ()))
    source = Source(1, paper.id, paper.title, paper.url, paper.year, paper.abstract)
    verdicts = support_of([(nugget.statement, (source,)) for nugget in proposal.nuggets])
    kept, reasons = [], []
    for nugget, verdict in zip(proposal.nuggets, verdicts, strict=True):
        fair = tuple(w for w in nugget.wordings if not states(proposal.question, [w]))
        if verdict.verdict != "supported":
            reasons.append(f"{nugget.statement!r}: {verdict.reason}")
        elif not fair:
            reasons.append(f"{nugget.statement!r}: the question gives its wordings away")
        elif not states(f"{paper.title}\n{paper.abstract}", fair):
            reasons.append(f"{nugget.statement!r}: none of its wordings stands in the paper")
        else:
            quotes = tuple(span.quote for span in verdict.evidence)
            exact = Nugget(nugget.statement, fair, nugget.vital)
            kept.append(Kept(exact, verdict.support, quotes))
    if not any(one.nugget.vital for one in kept):
        return Checked(paper, proposal, None, tuple(kept), (*reasons, "no vital fact is left"))
    item = _item(item_id, split, proposal, paper, kept)
    return Checked(paper, proposal, item, tuple(kept), tuple(reasons))


def _unfit(paper: Paper, proposal: Proposal) -> str:
    asked = proposal.question
    if names_title(asked, paper.title) or echoes_title(asked, paper.title):
        return "the question gives the paper's title away"
    if "cloze" not in proposal.tags and (run := copied(proposal.question, paper.abstract)):
        return f"the question copies the abstract: {run!r}"
    held = content_words(f"{paper.title} {paper.abstract}")
    if not proposal.nuggets and content_words(proposal.lacks) <= held:
        return f"the abstract may answer it: it speaks of {proposal.lacks!r}"
    return ""


def _item(item_id: str, split: str, proposal: Proposal, paper: Paper, kept: Sequence[Kept]) -> Item:
    facts = [
        Fact(text=k.nugget.statement, any=k.nugget.wordings, vital=k.nugget.vital) for k in kept
    ]
    return Item(
        id=item_id,
        type="fact" if facts else "unanswerable",
        split="dev" if split == "dev" else "test",
        question=proposal.question,
        gold=(paper.id,) if facts else (),
        facts=tuple(facts),
        tags=(*proposal.tags, REVIEW),
    )
