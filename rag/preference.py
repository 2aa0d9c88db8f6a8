"""Papers that have what a question names are preferred where scores are close."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set

from rag.topic_terms import term_of
from rag.topics import Topic, asked

BONUS = 0.01
"""Added to the fused score of a paper that has all that the question names. Chosen on SciFact's
training claims, PubMedQA's development questions and the development half of ours as 0.02 of a
scale that was about twice as wide."""
_KINDS = ("modality", "task", "dataset", "method")
"""Those for which nothing got worse: a bonus for organs and diseases cost PubMedQA a question, one
for designs of studies and coined methods SciFact a claim."""

TopicsOf = Mapping[str, Set[Topic]]


def preferences(
    question: str, papers: Sequence[str], topics_of: Callable[[Sequence[str]], TopicsOf]
) -> dict[str, float]:
    """What papers gain: ``BONUS`` times their share of the topics that the question names.

    A topic counts by how few of the papers have it; what none has does not count.

    Args:
        question: in plain words.
        papers: ids of those that were found.
        topics_of: their topics by id; asked for only if the question names any.

    Returns:
        For the papers that gain anything, the gain.
    """
    wanted = {(topic.kind, topic.key) for topic in asked(question) if _counts(topic)}
    if not wanted:
        return {}
    topics = topics_of(papers)
    held = {i: wanted & {(topic.kind, topic.key) for topic in has} for i, has in topics.items()}
    having = Counter(key for keys in held.values() for key in keys)
    weights = {key: math.log(1 + len(papers) / count) for key, count in having.items()}
    total = sum(weights.values())
    return {
        paper_id: BONUS * sum(weights[key] for key in keys) / total
        for paper_id, keys in held.items()
        if keys
    }


def _counts(topic: Topic) -> bool:
    if topic.kind != "method":
        return topic.kind in _KINDS
    return (term := term_of(topic.value)) is not None and not term.telling
