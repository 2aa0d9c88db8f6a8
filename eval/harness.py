"""The harness: every question of a set through the Assistant, scored item by item."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Protocol

from platformdirs import user_cache_path

from rag.assistant import Assistant
from rag.chunking import split_paper
from rag.citations import parse_claims
from rag.embedding import load_embedder
from rag.grounding import verify
from rag.library import Library
from rag.settings import Settings
from rag.types import Answer, Claim, Source, Turn

from . import metrics
from .report import SCORES, ItemResult, Report
from .sets import Fact, Item, QuestionSet, Split, load_set


class Asks(Protocol):
    """What is evaluated: anything that answers like ``rag.Assistant``."""

    def ask(self, question: str, history: Sequence[Turn] = ()) -> Answer:
        """Answer one question."""
        ...


Open = Callable[[QuestionSet, Settings], AbstractContextManager[Asks]]


def evaluate(
    set_path: Path | None,
    settings: Settings,
    *,
    split: Split = "all",
    on_progress: Callable[[int, int], None] | None = None,
    open_assistant: Open | None = None,
) -> Report:
    """Run a set and score it.

    Args:
        set_path: a set's folder; None for the shipped set.
        settings: name the writer and the embedding; their store is not touched.
        split: which half of the set to run.
        on_progress: called with (questions done, questions in all).
        open_assistant: prepares what is evaluated; by default the real Assistant over the
            set's collection, indexed in a cache folder of its own.

    Raises:
        InputError: the set is wrong, or holds nothing for this split.
    """
    questions = load_set(set_path)
    items = questions.part(split)
    started = time.perf_counter()
    with (open_assistant or _open_assistant)(questions, settings) as assistant:
        ready = time.perf_counter()
        results = []
        for item in items:
            results.append(run_item(assistant, item))
            if on_progress:
                on_progress(len(results), len(items))
    return Report(
        set_name=questions.name,
        set_version=questions.version,
        set_hash=questions.content_hash,
        collection_hash=questions.collection_hash,
        split=split,
        settings={"writer": settings.model or "extractive", "embedding": settings.embedding},
        items=tuple(results),
        timings={"index": ready - started},
    )


def run_item(assistant: Asks, item: Item) -> ItemResult:
    """Ask and score one question; whatever it raises is recorded, never dropped."""
    history = tuple(Turn(message.role, message.content) for message in item.history)
    started = time.perf_counter()
    try:
        answer = assistant.ask(item.question, history)
        seconds = time.perf_counter() - started
        return score(item, answer, seconds)
    except Exception as error:
        return failure(item, error, time.perf_counter() - started)


def failure(item: Item, error: Exception, seconds: float) -> ItemResult:
    """A failed item: 0 in every metric where it belongs, with its error on one line."""
    message = " ".join(f"{type(error).__name__}: {error}".split())
    return replace(_silence(item, seconds), error=message)


def score(item: Item, answer: Answer, seconds: float) -> ItemResult:
    """Score one answer; the citations are judged afresh from its text and sources."""
    claims = [] if answer.refused else parse_claims(answer.text)
    plain = " ".join(claim.bare for claim in claims)
    cited = _cited_papers(claims, answer.sources)
    found = {fact: metrics.states(plain, fact.any) for fact in item.facts}
    ranked = [row.paper_id for row in answer.retrieved]
    result = _silence(item, seconds)
    scores = result.scores | _citation_scores(claims, answer.sources)
    if item.answerable:
        scores |= _gold_scores(item, ranked, cited, found)
        scores["answered"] = 0.0 if answer.refused else 1.0
    return replace(
        result,
        scores=scores,
        gold_ranks={g: ranked.index(g) + 1 if g in ranked else None for g in item.gold},
        model=answer.model,
        refused=answer.refused,
        refusal_cause=answer.refusal.cause if answer.refusal else "",
        text=answer.text,
        cited=cited,
        sentences=sum(claim.checkable for claim in claims),
        words=len(plain.split()),
        facts_found=tuple(fact.text for fact, stated in found.items() if stated),
        facts_missed=tuple(fact.text for fact, stated in found.items() if not stated),
        usage=answer.usage,
    )


def _silence(item: Item, seconds: float) -> ItemResult:
    """What saying nothing scores: 0 for an answerable question, undefined for the others.

    An empty answer to an answerable question thus counts in citation recall and precision
    too: leaving it out would reward silence.
    """
    return ItemResult(
        id=item.id,
        type=item.type,
        split=item.split,
        question=item.question,
        tags=item.tags,
        answerable=item.answerable,
        scores=dict.fromkeys(SCORES, 0.0 if item.answerable else None),
        gold_ranks=dict.fromkeys(item.gold),
        seconds=seconds,
        facts_missed=tuple(fact.text for fact in item.facts),
    )


def _cited_papers(claims: Sequence[Claim], sources: Sequence[Source]) -> tuple[str, ...]:
    """Ids of the papers that an answer cites, in order, each once."""
    ids = {source.n: source.paper_id for source in sources}
    numbers = (n for claim in claims for n in claim.citations)
    return tuple(dict.fromkeys(ids[n] for n in numbers if n in ids))


def _gold_scores(
    item: Item, ranked: Sequence[str], cited: Sequence[str], found: Mapping[Fact, bool]
) -> dict[str, float | None]:
    return {
        "recall@5": metrics.recall_at_k(item.gold, ranked, 5),
        "mrr": metrics.reciprocal_rank(item.gold, ranked),
        "gold_citation_recall": metrics.gold_citation_recall(cited, item.gold),
        "gold_citation_precision": metrics.gold_citation_precision(cited, item.gold),
        "vital_fact_recall": metrics.fact_recall([v for f, v in found.items() if f.vital]),
        "fact_recall": metrics.fact_recall(list(found.values())),
    }


def _citation_scores(claims: Sequence[Claim], sources: Sequence[Source]) -> dict[str, float | None]:
    """Citation recall and precision; nothing where no sentence states anything."""
    existing = {source.n for source in sources}
    supported: list[bool] = []
    right: list[bool] = []
    for claim in claims:
        if not claim.checkable:
            continue

        @cache
        def supports(cited: tuple[int, ...], claim: Claim = claim) -> bool:
            return verify(replace(claim, citations=cited), sources).verdict == "supported"

        supported.append(bool(claim.citations) and supports(claim.citations))
        right.extend(metrics.right_citations(claim.citations, existing, supports))
    if not supported:
        return {}
    return {
        "citation_recall": metrics.citation_recall(supported),
        "citation_precision": metrics.citation_precision(right) or 0.0,
    }


@contextmanager
def _open_assistant(questions: QuestionSet, settings: Settings) -> Iterator[Asks]:
    """The real Assistant over the set's collection, indexed once for each content."""
    embedder = load_embedder(settings)
    folder = cache_folder(questions, embedder.fingerprint)
    with Library.open(folder, settings=settings, embedder=embedder) as library:
        library.ingest([questions.collection])
        yield Assistant(library)


def cache_folder(questions: QuestionSet, fingerprint: str) -> Path:
    """Where a set's collection is indexed: named by its content and what indexes it.

    The passages are part of the name: an index cut in another way is another index.
    """
    digest = hashlib.sha256(fingerprint.encode())
    for paper in questions.papers:
        digest.update(f"\n{paper.id} {paper.content_hash}".encode())
        for passage in split_paper(paper):
            digest.update(f" {passage.start}-{passage.end}".encode())
    return user_cache_path("footnote") / "eval" / digest.hexdigest()[:32]
