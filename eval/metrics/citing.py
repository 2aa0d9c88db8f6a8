"""Whether citations are there, exist, and carry what they are cited for.

The judge is handed in: ``supports(numbers)`` says whether the sources of those numbers,
together, support the sentence. Markers are read by ``rag.citations``, so that ``[1, 2]`` cites
two sources, ``[2D]`` none, and a marker after the full stop belongs to the sentence before it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence

from rag.quantities import unstated

from .shares import share

_QUOTED = re.compile(r"[\"“”«»]([^\"“”«»]+)[\"“”«»]")
_QUOTED_WORDS = 3
"""Fewer words in quotation marks are a term, no quotation."""
_WORD = re.compile(r"[^\W_]+")


def citation_recall(supported: Sequence[bool]) -> float | None:
    """Sentences fully supported by the sources they cite / sentences (ALCE, Gao et al. 2023).

    A sentence that cites nothing, or a source that does not exist, is not supported.
    """
    return share(supported)


def citation_precision(right: Sequence[bool]) -> float | None:
    """Citations that are right / all citations, phantom ones included (after ALCE)."""
    return share(right)


def citation_f1(recall: float | None, precision: float | None) -> float | None:
    """2 · recall · precision / (recall + precision) (van Rijsbergen 1979); 0 if both are 0."""
    if recall is None or precision is None:
        return None
    return 2 * recall * precision / (recall + precision) if recall + precision else 0.0


def right_citations(
    cited: Sequence[int],
    existing: Collection[int],
    supports: Callable[[tuple[int, ...]], bool],
) -> list[bool]:
    """For each citation of one sentence, whether it is right (ALCE, Gao et al. 2023).

    It is right if the source exists, the cited sources together support the sentence, and
    this one is needed: alone it supports the sentence, or without it the others do not.
    ALCE drops phantom citations before counting; here they stay, as wrong ones.
    """
    real = tuple(n for n in cited if n in existing)
    if not real or not supports(real):
        return [False] * len(cited)
    if len(real) == 1:
        return [n in existing for n in cited]

    def needed(n: int) -> bool:
        return supports((n,)) or not supports(tuple(other for other in real if other != n))

    return [n in existing and needed(n) for n in cited]


def gold_citation_precision(cited: Collection[str], gold: Collection[str]) -> float | None:
    """|cited papers ∩ gold| / |cited papers|; 0 if nothing is cited, undefined without gold."""
    if not gold:
        return None
    return share(paper in gold for paper in set(cited)) or 0.0


def gold_citation_recall(cited: Collection[str], gold: Collection[str]) -> float | None:
    """|cited papers ∩ gold| / |gold|."""
    return share(paper in cited for paper in set(gold))


def groundedness(supported: Sequence[bool]) -> float | None:
    """Sentences that the given sources support, cited or not / sentences.

    The faithfulness of Es et al. 2024 (RAGAS), with sentences for statements.
    """
    return share(supported)


# --- four ways to hallucinate a citation ----------------------------------------------------


def phantoms(cited: Sequence[int], existing: Collection[int]) -> list[bool]:
    """Of each citation: there is no such source."""
    return [n not in existing for n in cited]


def not_retrieved(papers: Sequence[str], retrieved: Collection[str]) -> list[bool]:
    """Of each citation of a source: its paper is none of those that retrieval returned."""
    return [paper not in retrieved for paper in papers]


def misquotes(sentence: str, cited: Sequence[str]) -> bool:
    """Whether a quotation or a figure of the sentence stands in none of its cited sources.

    Args:
        sentence: without citation markers.
        cited: the texts of the sources that it cites.
    """
    text = "\n".join(cited)
    words = " ".join(_words(text))
    quoted = any(" ".join(_words(each)) not in words for each in quotations(sentence))
    return quoted or bool(unstated(sentence, text))


def quotations(sentence: str) -> list[str]:
    """What the sentence quotes word by word: three words or more in quotation marks."""
    return [q for q in _QUOTED.findall(sentence) if len(_words(q)) >= _QUOTED_WORDS]


def unsupported(
    cited: Sequence[int],
    existing: Collection[int],
    supports: Callable[[tuple[int, ...]], bool],
) -> list[bool]:
    """Of each citation of a real source: the sources cited together do not support the sentence."""
    real = tuple(n for n in cited if n in existing)
    return [not supports(real)] * len(real) if real else []


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())
