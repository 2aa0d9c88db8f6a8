"""The rankings, one fused list, and how much of that list is evidence."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from typing import TYPE_CHECKING

from rag.names import holders
from rag.preference import preferences
from rag.types import Hit
from rag.words import content_words, stem, words_of

if TYPE_CHECKING:
    from rag.embedding import Embedder
    from rag.filters import Filter
    from rag.store import Store

Ranking = list[tuple[str, float]]
"""Passage ids with their scores, best first."""
Search = Callable[[int, AbstractSet[str] | None], Ranking]

LEXICAL_WEIGHT = 0.4
"""Share of BM25 in the fused score; the rest is the cosine."""
MAX_SOURCES = 6
_CANDIDATES = 64
WIDE = 0.05
"""A filter that lets through at least this share of the papers is applied after a search, a
narrower one within it; docs/library.md has the times of both ways."""
_MORE, _SPARE = 1.5, 16  # what is asked for beyond the passages that are expected to be enough
_GAP = 0.4
"""A paper is evidence only while its fused score is at most this much below the best."""
# Logistic regression on the best cosine and the share of the question's rare words in one of
# the first papers: questions of the development half against PubMedQA's, which no paper here
# answers. Figures and procedure: docs/architecture.md.
_ANSWERS_COSINE, _ANSWERS_SHARE, _ANSWERS_BIAS = 12.8, 12.4, -8.9
_MIN_ANSWERS = 0.4
_READ_FOR_SHARE = 3


def retrieve(
    store: Store, embedder: Embedder, question: str, k: int, where: Filter | None = None
) -> list[Hit]:
    """The ``k`` papers nearest to the question, best first, one row per paper.

    Dense (cosine) and lexical (BM25) rankings of passages, each scaled to 0..1 over its
    candidates, are added with fixed weights (Bruch et al., "An Analysis of Fusion Functions
    for Hybrid Retrieval", TOIS 2023, convex combination); a paper counts by its best passage.

    Args:
        where: the papers that count; None: all.

    Returns:
        min(k, papers in the store that ``where`` lets through) hits.
    """
    papers, passages = store.counts()
    within = store.matching(where) if where else None
    wanted = min(k, papers if within is None else len(within))
    if wanted <= 0:
        return []
    vector = embedder.encode([question])[0]
    n = min(passages, max(_CANDIDATES, 4 * k))
    while True:
        dense = dict(_best(store, partial(store.dense, vector), n, within))
        lexical = dict(_best(store, partial(store.lexical, question), n, within))
        hits = _one_per_paper(store, question, fuse(dense, lexical), dense, lexical)
        if len(hits) >= wanted or n >= passages:
            return hits[:wanted]
        n = min(passages, 4 * n)


def _best(store: Store, search: Search, n: int, within: AbstractSet[str] | None) -> Ranking:
    """The ``n`` best passages of the papers ``within``, in the way that is quicker for so many."""
    papers, passages = store.counts()
    if within is None or len(within) < WIDE * papers:
        return search(n, within)
    asked = min(passages, _SPARE + math.ceil(_MORE * n * papers / len(within)))
    found = search(asked, None)
    paper_of = store.papers_of([passage_id for passage_id, _ in found])
    kept = [pair for pair in found if paper_of.get(pair[0]) in within]
    if len(kept) >= n or len(found) < asked:
        return kept[:n]
    return search(n, within)  # what is best for the question, the filter leaves out


def cut(store: Store, question: str, hits: Sequence[Hit]) -> list[Hit]:
    """The part of ``hits`` that is evidence: none if the collection has no answer.

    The list ends where the fused score falls far below the best, and at ``MAX_SOURCES``; a
    paper that the question names is evidence wherever it stands.
    """
    if not hits:
        return []
    texts = _texts(hits)
    known = holders(question, texts, proper=False)
    if not known and answers(store, question, hits) < _MIN_ANSWERS:
        return []
    named = holders(question, texts)
    least = hits[0].score - _GAP
    kept = [row for row, hit in enumerate(hits) if row in named or hit.score >= least]
    first = sorted(kept, key=lambda row: row not in named)[:MAX_SOURCES]
    return [hits[row] for row in sorted(first)]


def answers(store: Store, question: str, hits: Sequence[Hit]) -> float:
    """The probability, in 0..1, that the collection has something on the question at all."""
    cosine = max(hit.dense for hit in hits)
    share = _rare_share(store, question, _texts(hits[:_READ_FOR_SHARE]))
    logit = _ANSWERS_COSINE * cosine + _ANSWERS_SHARE * share + _ANSWERS_BIAS
    return 1 / (1 + math.exp(-logit))


def _texts(hits: Sequence[Hit]) -> list[str]:
    return [f"{hit.paper.title}. {hit.paper.abstract}" for hit in hits]


def _rare_share(store: Store, question: str, texts: Sequence[str]) -> float:
    """The largest share of the question's content words, weighted by IDF, in one text."""
    passages = store.counts()[1]
    weights = {
        stem(word): math.log(1 + passages / (1 + store.document_frequency(word)))
        for word in words_of(question)
    }
    total = sum(weights.values())
    if not total:
        return 0.0
    return max(sum(weights[w] for w in weights.keys() & content_words(t)) for t in texts) / total


def fuse(dense: Mapping[str, float], lexical: Mapping[str, float]) -> dict[str, float]:
    """Add two rankings, each scaled to 0..1; an id that one lacks has 0 there."""
    scaled_dense, scaled_lexical = _min_max(dense), _min_max(lexical)
    return {
        key: (1 - LEXICAL_WEIGHT) * scaled_dense.get(key, 0.0)
        + LEXICAL_WEIGHT * scaled_lexical.get(key, 0.0)
        for key in dense.keys() | lexical.keys()
    }


def _min_max(scores: Mapping[str, float]) -> dict[str, float]:
    if not scores:
        return {}
    low, high = min(scores.values()), max(scores.values())
    if high == low:
        return dict.fromkeys(scores, 1.0)
    return {key: (score - low) / (high - low) for key, score in scores.items()}


def _one_per_paper(
    store: Store, question: str, fused: Mapping[str, float], dense: Mapping[str, float],
    lexical: Mapping[str, float],
) -> list[Hit]:  # fmt: skip
    # Ids break ties, so that the same question gives the same list everywhere.
    ranked = sorted(fused, key=lambda key: (-fused[key], key))
    passages = store.passages(ranked)
    best: dict[str, str] = {}
    for key in ranked:
        if key in passages:
            best.setdefault(passages[key].paper_id, key)
    papers = store.papers(list(best))
    gains = preferences(question, list(papers), store.topical.of)
    scores = {paper_id: fused[key] + gains.get(paper_id, 0.0) for paper_id, key in best.items()}
    return [
        Hit(papers[paper_id], passages[key], min(scores[paper_id], 1.0), dense.get(key, 0.0),
            lexical.get(key, 0.0))
        for paper_id, key in sorted(best.items(), key=lambda pair: -scores[pair[0]])
        if paper_id in papers
    ]  # fmt: skip
