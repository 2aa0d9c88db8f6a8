"""The rankings, one fused list, and how much of that list is evidence."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from typing import TYPE_CHECKING

from rag.asked import compares, contrasts, lists
from rag.exact import Ranking, sifted
from rag.names import holders, unknown_names
from rag.preference import preferences
from rag.relevance import best_for_parts, each_asked, log_odds
from rag.types import Hit, Passage
from rag.words import content_words, stem, words_of

if TYPE_CHECKING:
    from rag.embedding import Embedder
    from rag.filters import Filter
    from rag.store import Store

Search = Callable[[int, AbstractSet[str] | None], Ranking]

LEXICAL_WEIGHT = 0.09
"""What BM25+, divided by the logarithm of the number of passages, counts beside the cosine."""
MAX_SOURCES, MAX_LISTED = 6, 8
"""Papers that an answer rests on at most; those that a list names."""
_CANDIDATES = 100
_LONG = 8  # passages of a paper that are compared
_SLOPE, _MIDDLE = 12.0, 1.0  # of the logistic curve that puts fused scores into 0..1
WIDE = 0.05
"""A filter that lets through at least this share of the papers is applied after a search, a
narrower one within it; docs/library.md has the times of both ways."""
_MORE, _SPARE = 1.5, 16  # what is asked for beyond the passages that are expected to be enough
_GAP, _GAP_OF_SEVERAL = 1.2, 2.4
"""A paper is evidence only while the log odds of its score are at most this much below the
best; where several papers are asked for, more."""
_LIKELY = 0.05
"""A paper that was read so is enough to answer from; off topic it is below 0.001."""
_LISTED = 0.018
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

    Candidates are the papers of the first passages by cosine and by BM25+. Each gets both
    figures, whichever ranking found it, and is ranked by ``fuse`` of its best of each.

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
    searches = partial(store.dense, vector), partial(store.lexical, question)
    n = min(passages, max(_CANDIDATES, 4 * k))
    while True:
        found = [dict(_best(store, search, n, within)) for search in searches]
        paper_of = store.papers_of(list(found[0].keys() | found[1].keys()))
        if len(set(paper_of.values())) >= wanted or n >= passages:
            break
        n = min(passages, 4 * n)
    dense, lexical = (
        _completed(search, scores, paper_of) for search, scores in zip(searches, found, strict=True)
    )
    return _one_per_paper(store, question, dense, lexical)[:wanted]


def _best(store: Store, search: Search, n: int, within: AbstractSet[str] | None) -> Ranking:
    """The ``n`` best passages of the papers ``within``, in the way that is quicker for so many."""
    papers, passages = store.counts()
    if within is None or len(within) < WIDE * papers:
        return search(n, within)
    asked = min(passages, _SPARE + math.ceil(_MORE * n * papers / len(within)))
    found = sifted(lambda asked: search(asked, None), asked, n, within, store.papers_of)
    # None: what is best for the question, the filter leaves out.
    return search(n, within) if found is None else found


def _completed(
    search: Search, scores: Mapping[str, float], paper_of: Mapping[str, str]
) -> dict[str, float]:
    """The scores, with those of the papers that only the other ranking has found."""
    missing = {*paper_of.values()} - {paper_of[key] for key in scores if key in paper_of}
    more = search(_LONG * len(missing), missing) if missing else []
    return {**scores, **dict(more)}


def cut(store: Store, question: str, hits: Sequence[Hit]) -> list[Hit]:
    """The part of ``hits`` that is evidence: none if the collection has no answer.

    The list ends where the score falls far below the best, and at ``MAX_SOURCES``; a
    paper that the question means is evidence wherever it stands. Of a comparison with what no
    paper names, the papers that it does name are left.
    """
    if not hits:
        return []
    texts = _texts(hits)
    coded = holders(question, texts, proper=False)
    likely = max(hit.answered or 0.0 for hit in hits) >= _LIKELY
    if not (coded or likely) and answers(store, question, hits) < _MIN_ANSWERS:
        return []
    meant = holders(question, texts)
    if unknown_to(store, question, texts):
        return [hits[row] for row in sorted(meant)[:MAX_SOURCES]] if contrasts(question) else []
    meant |= _asked_about(question, hits)
    kept = _near_the_best(question, hits, meant)
    most = MAX_LISTED if lists(question) else MAX_SOURCES
    first = sorted(kept, key=lambda row: row not in meant)[:most]
    return [hits[row] for row in sorted(first)]


def _asked_about(question: str, hits: Sequence[Hit]) -> AbstractSet[int]:
    """The rows of the papers that the question, or a part of it, is put to."""
    papers = [(hit.paper.title, hit.paper.abstract) for hit in hits]
    best = compares(question) and not lists(question)
    return each_asked(question, papers).keys() | (best_for_parts(question, papers) if best else ())


def _near_the_best(question: str, hits: Sequence[Hit], meant: AbstractSet[int]) -> list[int]:
    several = compares(question) or lists(question)
    least = log_odds(hits[0].score) - (_GAP_OF_SEVERAL if several else _GAP)
    kept = [row for row, hit in enumerate(hits) if row in meant or log_odds(hit.score) >= least]
    if lists(question):
        kept = [row for row in kept if (hits[row].answered or 0) >= _LISTED] or kept[:1]
    return kept


def unknown_to(store: Store, question: str, texts: Sequence[str]) -> list[str]:
    """The names in ``question`` that no paper of the collection has; ``texts``: those found."""
    absent = unknown_names(question, texts)
    return [name for name in absent if not store.document_frequency(name)]


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


def fuse(dense: float, lexical: float, passages: int) -> float:
    """The sum by which papers are ranked: cosine, and BM25+ in units of the largest IDF.

    Nothing is scaled by what else was found (Bruch et al., "An Analysis of Fusion Functions for
    Hybrid Retrieval", TOIS 2023, call for bounds that do not depend on it): so a question with
    many rare words gives the words more weight, and scores of two questions can be compared.
    """
    return dense + LEXICAL_WEIGHT * lexical / math.log(1 + passages)


def _one_per_paper(
    store: Store, question: str, dense: Mapping[str, float], lexical: Mapping[str, float]
) -> list[Hit]:
    size = store.counts()[1]
    passages = store.passages(list(dense.keys() | lexical.keys()))
    groups: dict[str, list[str]] = {}
    # Ids break ties, so that the same question gives the same list everywhere.
    for key in sorted(passages, key=lambda key: (passages[key].start, key)):
        groups.setdefault(passages[key].paper_id, []).append(key)
    papers = store.papers(list(groups))
    cosines = {paper: _highest(dense, groups[paper]) for paper in papers}
    words = {paper: _highest(lexical, groups[paper]) for paper in papers}
    gains = preferences(question, list(papers), store.topical.of)
    fused = {
        paper: fuse(cosines[paper], words[paper], size) + gains.get(paper, 0.0) for paper in papers
    }
    places, word_places = _places(cosines), _places({p: s for p, s in words.items() if s > 0})

    def shown(paper: str) -> Passage:
        of = {k: fuse(dense.get(k, 0.0), lexical.get(k, 0.0), size) for k in groups[paper]}
        return passages[max(of, key=lambda key: of[key])]

    return [
        Hit(papers[paper], shown(paper), _squashed(fused[paper]), cosines[paper], words[paper],
            places[paper], word_places.get(paper, 0))
        for paper in sorted(papers, key=lambda paper: (-fused[paper], paper))
    ]  # fmt: skip


def _highest(scores: Mapping[str, float], keys: Sequence[str]) -> float:
    return max((scores[key] for key in keys if key in scores), default=0.0)


def _places(scores: Mapping[str, float]) -> dict[str, int]:
    ranked = sorted(scores, key=lambda key: (-scores[key], key))
    return {key: place for place, key in enumerate(ranked, 1)}


def _squashed(fused: float) -> float:
    """A fused score, which has no upper end, in 0..1."""
    return 1 / (1 + math.exp(_SLOPE * (_MIDDLE - fused)))
