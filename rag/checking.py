"""A person's own text, checked against the sources it cites or against a whole library."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from rag.citations import parse_claims
from rag.enforcement import check_draft
from rag.errors import InputError
from rag.grounding import STANDARD, Rules, support_of
from rag.library import Library
from rag.retrieval import retrieve
from rag.text import MAX_QUESTION
from rag.types import CheckedDraft, CheckedSentence, Evidence, Hit, Source

_PAPERS_PER_CLAIM = 5


def check(
    draft: str, sources: Iterable[Source | Mapping[str, str]], rules: Rules = STANDARD
) -> CheckedDraft:
    """Check a draft with ``[n]`` citations against the sources that it cites.

    Args:
        draft: the text.
        sources: numbered from 1 in this order; each a ``Source`` or a mapping with ``title``
            and ``text``.
        rules: how claims are decided.

    Returns:
        The verdict on each sentence, in order: no repair, no re-attribution.

    Raises:
        InputError: a source is none, or lacks its text.
    """
    numbered = tuple(_as_source(n, source) for n, source in enumerate(sources, start=1))
    return CheckedDraft(digest(draft), check_draft(draft, numbered, rules), numbered)


def check_against(
    text: str,
    library: Library,
    rules: Rules = STANDARD,
    on_progress: Callable[[int, int], None] | None = None,
) -> CheckedDraft:
    """The papers of a library that support each sentence of ``text``, whatever it cites.

    ``on_progress`` is called with the sentences done and their total.
    """
    numbered: dict[str, Source] = {}
    sentences = []
    claims = [claim for claim in parse_claims(text) if claim.text]
    for done, claim in enumerate(claims):
        if on_progress:
            on_progress(done, len(claims))
        if not claim.checkable:
            sentences.append(_checked(claim.text, True, "not_a_claim", "states nothing to check"))
            continue
        query = f"{claim.context} {claim.bare}".strip()[-MAX_QUESTION:]
        hits = retrieve(library.store, library.embedder, query, _PAPERS_PER_CLAIM)
        sentences.append(_best_support(claim.text, claim.bare, hits, numbered, rules))
    return CheckedDraft(digest(text), tuple(sentences), tuple(numbered.values()))


def number_sources(hits: Sequence[Hit]) -> tuple[Source, ...]:
    """The papers of ``hits`` as sources, from 1, best first."""
    return tuple(
        Source(n, h.paper.id, h.paper.title, h.paper.url, h.paper.year, h.paper.abstract)
        for n, h in enumerate(hits, start=1)
    )


def _best_support(
    text: str, bare: str, hits: Sequence[Hit], numbered: dict[str, Source], rules: Rules
) -> CheckedSentence:
    sources = number_sources(hits)
    verdicts = support_of([(bare, (source,)) for source in sources], rules)
    carrying = [(v, s) for v, s in zip(verdicts, sources, strict=True) if v.verdict == "supported"]
    if not carrying:
        support = max((v.support for v in verdicts), default=0.0)
        reason = "no paper of the library supports it"
        return _checked(text, False, "unsupported", reason, support=support)
    evidence: list[Evidence] = []
    for verdict, source in carrying:
        fresh = Source(len(numbered) + 1, source.paper_id, source.title, source.url, source.year,
                       source.text)  # fmt: skip
        kept = numbered.setdefault(source.paper_id, fresh)
        evidence += (replace(item, source=kept.n) for item in verdict.evidence)
    numbers = tuple(sorted({item.source for item in evidence}))
    best = max(v.support for v, _ in carrying)
    return CheckedSentence(text, numbers, True, "supported", "", best, 0.0, tuple(evidence))


def _checked(
    text: str, kept: bool, verdict: str, reason: str, support: float = 0.0
) -> CheckedSentence:
    return CheckedSentence(text, (), kept, verdict, reason, support, 0.0, ())  # type: ignore[arg-type]


def _as_source(n: int, source: Source | Mapping[str, str]) -> Source:
    if isinstance(source, Source):
        return Source(n, source.paper_id, source.title, source.url, source.year, source.text)
    if not isinstance(source, Mapping):
        raise InputError(f'source {n} must have "title" and "text"; found {_type(source)}')
    title, text = source.get("title", ""), source.get("text")
    for name, value in {"title": title, "text": text}.items():
        if not isinstance(value, str):
            raise InputError(f'source {n} needs a "{name}", a string; found {_type(value)}')
    return Source(n, str(source.get("id", n)), title, "", None, str(text))


def _type(value: object) -> str:
    return "none" if value is None else type(value).__name__


def digest(*parts: str) -> str:
    """A short name for a text, the same every time."""
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:12]
