"""Keep, repair once, drop or refuse: what becomes of each sentence of a draft.

Nothing enters an answer but sentences whose verdict is ``supported``. Pure: the assistant
does the asking and the streaming.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag.citations import parse_claims, rewrite_markers
from rag.grounding import STANDARD, Rules, stays_within, verify, verify_all
from rag.prompting import NO_ANSWER
from rag.types import CheckedSentence, Claim, Note, Removed, Sentence, Source

UNCHECKED = "the writer's remark, not a checked statement"
_DENIES = re.compile(
    r"\b(?:not?|none|nothing|never|neither|nor|without|only|rather|instead|\w+n't)\b", re.I
)
_NOTE = re.compile(r"^\W*note\s*:\W*", re.IGNORECASE)
_SCOPE = re.compile(
    r"\b(?:source|abstract|paper)s?\b.{0,40}\b(?:not|no|nothing|only)\b", re.IGNORECASE
)
_LEAD = re.compile(r"^\s*(?:[-*+•–]|\d{1,2}[.)])\s+")


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A claim of the draft and what became of it; ``outcome`` None: trimmed, not counted."""

    claim: Claim
    outcome: Sentence | Removed | Note | None


def review(
    claim: Claim, sources: Sequence[Source], question: str = "", rules: Rules = STANDARD
) -> Reviewed:
    """Decide on one claim: a sentence of the answer, removed with a reason, or trimmed."""
    if claim.bare.startswith(NO_ANSWER):
        return Reviewed(claim, None)
    if _NOTE.match(claim.bare):
        return Reviewed(claim, _note(claim, sources, question))
    verdict = verify(claim, sources, rules)
    if verdict.verdict == "not_a_claim":
        return Reviewed(claim, None)
    if verdict.verdict != "supported":
        removed = Removed(claim.text, claim.citations, verdict.verdict, verdict.reason)
        return Reviewed(claim, removed)
    text = rewrite_markers(_LEAD.sub("", claim.text), verdict.citations)
    return Reviewed(
        claim,
        Sentence(text, verdict.citations, verdict.verdict, verdict.support, verdict.evidence),
    )


def follow(before: Sequence[Reviewed], item: Reviewed) -> Reviewed:
    """Remove a sentence that leans on one that was removed: "It also …" would change its sense.

    Args:
        before: the claims of the draft so far, in order.
        item: the next one.
    """
    told = [each for each in before if each.outcome is not None]
    leans = item.claim.context and isinstance(item.outcome, Sentence)
    if not leans or not told or not isinstance(told[-1].outcome, Removed):
        return item
    claim, reason = item.claim, "it refers to a sentence that was removed"
    return Reviewed(claim, Removed(claim.text, claim.citations, "unsupported", reason))


def merge_repairs(
    draft: Sequence[Reviewed], repaired: Sequence[Sequence[Reviewed]]
) -> list[Reviewed]:
    """Put the repairs that passed where the sentences stood that they repair.

    Args:
        draft: the claims of the draft.
        repaired: for each removed sentence, in order, the claims of its repair.

    Returns:
        The draft's claims with the repairs; the removed ones stay listed with their reasons,
        and a repair that failed too is dropped.
    """
    shown = {item.outcome.text for item in draft if isinstance(item.outcome, Sentence)}
    repairs = iter(repaired)
    merged: list[Reviewed] = []
    for item in draft:
        if isinstance(item.outcome, Removed):
            for repair in next(repairs, ()):
                if isinstance(repair.outcome, Sentence) and repair.outcome.text not in shown:
                    shown.add(repair.outcome.text)
                    merged.append(Reviewed(item.claim, repair.outcome))
        merged.append(item)
    return merged


def assemble(reviewed: Sequence[Reviewed]) -> str:
    """The answer's Markdown: kept sentences in the draft's paragraphs and bullets."""
    parts: list[str] = []
    line_break = ""
    for item in reviewed:
        raw = item.claim.raw
        if isinstance(item.outcome, Sentence):
            bullet = "- " if _LEAD.match(raw) else ""
            lead = (line_break or ("\n" if bullet else " ")) if parts else ""
            parts.append(lead + bullet + item.outcome.text)
            line_break = ""
        trailing = raw[len(raw.rstrip()) :]
        if "\n" in trailing:
            line_break = "\n\n" if trailing.count("\n") > 1 or line_break == "\n\n" else "\n"
    return "".join(parts)


def check_draft(
    draft: str, sources: Sequence[Source], rules: Rules = STANDARD
) -> tuple[CheckedSentence, ...]:
    """Judge a draft as it stands: no repair, no re-attribution, no inherited citation."""
    checked = []
    claims = [claim for claim in parse_claims(draft) if claim.text]
    for claim, verdict in zip(claims, verify_all(claims, sources, rules), strict=True):
        checked.append(
            CheckedSentence(
                claim.text, claim.citations, verdict.verdict in {"supported", "not_a_claim"},
                verdict.verdict, verdict.reason, verdict.support, verdict.contradiction,
                verdict.evidence,
            )
        )  # fmt: skip
    return tuple(checked)


def _note(claim: Claim, sources: Sequence[Source], question: str) -> Note | Removed:
    """A writer's remark on the premise or the limits of its answer.

    It is no finding, so it is shown only if it denies something, speaks of nothing but what
    the question or one source speaks of, figures and names included, and says what it is.
    """
    body = _NOTE.sub("", claim.bare)
    topics = (Source(1, "", question, "", None, source.text + "\n" + source.title)
              for source in sources)  # fmt: skip
    if not _DENIES.search(body):
        reason = "a finding in the form of a remark"
    elif not any(stays_within(body, topic) for topic in topics):
        reason = "a remark beyond the question and its sources"
    else:
        return Note("scope" if _SCOPE.search(body) else "premise", f"{body} ({UNCHECKED})")
    return Removed(claim.text, claim.citations, "unsupported", reason)
