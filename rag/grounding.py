"""Is this claim supported by the passages that it cites? A verdict with evidence spans.

Exact checks first, which nothing overrules: the citation exists, a factual sentence has one,
every figure and every name is in a cited paper. Then the trained verifier reads the cited
papers. A whole sentence of a source, quoted word by word, needs no reading.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from rag.evidence import View, best_spans, is_quoted, is_too_long, passage, read
from rag.names import absent_names, names
from rag.quantities import unstated
from rag.terms import absent_terms
from rag.types import Claim, Source, Verdict
from rag.verifier import Judgement, Verifier
from rag.words import content_words

Strictness = Literal["standard", "strict"]
THRESHOLDS: dict[Strictness, float] = {"standard": 0.5, "strict": 0.92}
"""Support that a claim needs; measured error rates of each: ``docs/verifier.md``."""
_ODDS = 65.0
"""Support is the verifier's with its odds raised by this, so that the standard level is at 0.5.

The verifier learned from three faulty claims for each true one, most of them faulty in one word;
where one true sentence in twenty is lost, it still gives 1.5%."""
UNSURE = (0.25, 0.95)
"""Support between which a second opinion decides, where there is one."""
SecondOpinion = Callable[[str, tuple[Source, ...]], Verdict | None]
"""Decides on a claim and the sources that it cites; None: no opinion."""
EXACT_CHECKS = (unstated, absent_names, absent_terms)
"""Each names what a claim has and its sources lack."""
MIN_COVERAGE = 0.3
"""Share of a claim's content words that its sources must hold, whatever the verifier says."""
LACKING = 0.6
"""Probability from which a word is named as missing in a reason."""
DENIED = 0.5
"""Contradiction from which an unsupported claim is called contradicted."""
_CERTAIN = 0.9
"""Contradiction, as the verifier gives it, from which no support counts."""
_AT_ONCE = 8
"""Claims that are read together with one evidence."""
_WITHIN = 0.5
"""Share of a remark's content words that one source must have."""
_FLOOR = 0.25
"""Support of a claim that an exact check has refuted is at most this share of the verifier's."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How claims are decided."""

    strictness: Strictness = "standard"
    second: SecondOpinion | None = None
    """Overrules the verifier where it is unsure, and the exact checks nowhere."""


STANDARD = Rules()


def verify(claim: Claim, sources: Sequence[Source], rules: Rules = STANDARD) -> Verdict:
    """Check one claim against the sources that it cites: see ``verify_all``."""
    return verify_all([claim], sources, rules)[0]


def verify_all(
    claims: Sequence[Claim], sources: Sequence[Source], rules: Rules = STANDARD
) -> list[Verdict]:
    """Check claims against the sources that they cite, in one reading of each source.

    Args:
        claims: as ``citations.parse_claims`` gives them.
        sources: all sources of the draft; claims cite them by ``n``.
        rules: how sure the verifier must be, and who decides where it is not.

    Returns:
        A verdict for each claim, whose ``evidence`` is cut from the sources and whose
        ``citations`` are the cited sources that carry the claim; ``reason`` is for people.
    """
    by_number = {source.n: source for source in sources}
    verdicts = [_formal(claim, by_number) for claim in claims]
    open_rows = [row for row, verdict in enumerate(verdicts) if verdict is None]
    cited = {row: tuple(by_number[n] for n in claims[row].citations) for row in open_rows}
    checked = support_of([(claims[row].bare, cited[row]) for row in open_rows], rules)
    found = dict(zip(open_rows, checked, strict=True))
    return [verdict or found[row] for row, verdict in enumerate(verdicts)]


def _formal(claim: Claim, by_number: dict[int, Source]) -> Verdict | None:
    if not claim.checkable:
        return Verdict("not_a_claim", "states nothing to check")
    phantoms = [n for n in claim.citations if n not in by_number]
    if phantoms:
        return Verdict("phantom", f"source {phantoms[0]} does not exist")
    if not claim.citations:
        return Verdict("uncited", "a factual sentence without a citation")
    return _misplaced(claim.context, [read(by_number[n]) for n in claim.citations])


def _misplaced(context: str, views: Sequence[View]) -> Verdict | None:
    """A sentence on "it" may not cite a paper that has none of what "it" can be.

    The verifier reads the sentence alone: with the one before it, whose truth is no concern
    here, it judged worse.
    """
    meant = names(context)
    read_text = "\n".join(view.text for view in views)
    if not meant or len(absent_names(context, read_text)) < len(meant):
        return None
    reason = f"it speaks of {meant[0]}, which is not in {_named(views)}"
    return Verdict("unsupported", reason)


def support_of(
    pairs: Sequence[tuple[str, tuple[Source, ...]]], rules: Rules = STANDARD
) -> list[Verdict]:
    """Check sentences, each against the sources given with it, as if it cited them."""
    verdicts = []
    for (text, cited), judgement in zip(pairs, map(_rescaled, judge(pairs)), strict=True):
        views = [read(source) for source in cited]
        verdict = _refute(text, views, judgement)
        if not verdict and rules.second and UNSURE[0] <= judgement.support <= UNSURE[1]:
            verdict = rules.second(text, cited)
            if verdict and verdict.verdict == "supported":
                verdict = _supported(text, views, judgement)
        verdicts.append(verdict or _decide(text, views, judgement, THRESHOLDS[rules.strictness]))
    return verdicts


def _rescaled(found: Judgement) -> Judgement:
    faulty = 1 - found.support
    if not faulty or found.contradiction >= _CERTAIN:
        return found
    support = _ODDS * found.support / (_ODDS * found.support + faulty)
    contradiction = (1 - support) * found.contradiction / faulty
    return replace(found, support=support, contradiction=contradiction)


def stays_within(text: str, source: Source) -> bool:
    """Whether ``text`` speaks of nothing but what ``source`` speaks of, true or not."""
    view = read(source)
    words = content_words(text)
    if unstated(text, view.text) or absent_names(text, view.text) or not words:
        return False
    return len(words & view.words) >= _WITHIN * len(words)


def judge(pairs: Sequence[tuple[str, tuple[Source, ...]]]) -> list[Judgement]:
    """What the verifier says of each sentence, reading each set of sources as seldom as it can."""
    rows_of: dict[tuple[Source, ...], list[int]] = {}
    found: dict[int, Judgement] = {}
    for row, (text, cited) in enumerate(pairs):
        if is_quoted(text, [read(source) for source in cited]):
            found[row] = Judgement(1.0, 0.0, ())
        else:
            rows_of.setdefault(cited, []).append(row)
    parts = [
        (cited, rows[start : start + _AT_ONCE])
        for cited, rows in rows_of.items()
        for start in range(0, len(rows), _AT_ONCE)
    ]
    tasks = [_task(cited, [pairs[row][0] for row in rows]) for cited, rows in parts]
    for (_, rows), judged in zip(parts, verifier().judge_all(tasks), strict=True):
        found.update(zip(rows, judged, strict=True))
    return [found[row] for row in range(len(pairs))]


def _task(cited: Sequence[Source], texts: list[str]) -> tuple[str, list[str]]:
    return passage([read(source) for source in cited], texts), texts


@contextmanager
def reading_ahead(sources: Sequence[Source]) -> Iterator[None]:
    """Meanwhile, read ``sources`` one after the other on a thread beside.

    A claim that cites one of them is then checked without waiting for its reading. At the end
    what has not begun is left undone, and nothing is waited for. An error is left to the check.
    """
    pool = ThreadPoolExecutor(1, "reading")
    try:
        for source in sources:
            pool.submit(read_through, source)
        yield
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def read_through(source: Source) -> None:
    """Read ``source`` as a claim that cites it alone will want it."""
    view = read(source)
    for check in EXACT_CHECKS:
        check(view.text, view.text)  # for what they keep of a source
    if not is_too_long([view]):  # else the claim decides what of it is read
        verifier().read(passage([view], ()))


@lru_cache(maxsize=1)
def verifier() -> Verifier:
    """The one that all checks of this process share."""
    return Verifier()


def _refute(text: str, views: Sequence[View], found: Judgement) -> Verdict | None:
    """The exact checks: what is named here is not in the sources, whatever the verifier says."""
    read_text = "\n".join(view.text for view in views)
    missing = list(dict.fromkeys(m for check in EXACT_CHECKS for m in check(text, read_text)))
    words = content_words(text)
    held = frozenset().union(*(view.words for view in views))
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        reason = f"{_and(missing)} {verb} not in {_named(views)}"
    elif len(words & held) < MIN_COVERAGE * len(words):
        reason = f"too little of it is in {_named(views)}"
    else:
        return None
    support = round(_FLOOR * found.support, 4)
    return Verdict("unsupported", reason, support, round(found.contradiction, 4))


def _decide(text: str, views: Sequence[View], found: Judgement, threshold: float) -> Verdict:
    if found.support >= threshold:
        return _supported(text, views, found)
    verb = "says" if len(views) == 1 else "say"
    support, contradiction = round(found.support, 4), round(found.contradiction, 4)
    if contradiction >= DENIED:
        reason = f"{_named(views)} {verb} otherwise"
        return Verdict("contradicted", reason, support, contradiction)
    does = "does" if len(views) == 1 else "do"
    reason = f"{_named(views)} {does} not say so" + _such_as(_lacking(text, found))
    return Verdict("unsupported", reason, support, contradiction)


def _supported(text: str, views: Sequence[View], found: Judgement) -> Verdict:
    evidence = best_spans(text, views)
    carrying = {item.source for item in evidence}
    kept = tuple(view.source.n for view in views if view.source.n in carrying)
    support, contradiction = round(found.support, 4), round(found.contradiction, 4)
    return Verdict("supported", "", support, contradiction, evidence, kept)


def _named(views: Sequence[View]) -> str:
    return _and([f"source {view.source.n}" for view in views])


def _lacking(text: str, found: Judgement) -> list[str]:
    """The runs of words that the evidence lacks, as the claim writes them."""
    runs: list[tuple[int, int]] = []
    for start, end, share in found.tokens:
        if share < LACKING:
            continue
        if runs and not text[runs[-1][1] : start].strip():
            runs[-1] = (runs[-1][0], end)
        else:
            runs.append((start, end))
    return [text[start:end] for start, end in runs if content_words(text[start:end])]


def _and(items: Sequence[str]) -> str:
    return items[0] if len(items) == 1 else ", ".join(items[:-1]) + " and " + items[-1]


def _such_as(words: Sequence[str]) -> str:
    return ": " + _and([f"“{word}”" for word in words[:3]]) if words else ""
