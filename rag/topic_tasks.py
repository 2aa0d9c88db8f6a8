"""The tasks that a text is about, by their form: "lung nodule detection", "to segment tumours"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from rag.terms import normal
from rag.words import words_of

_HEADS = frozenset(
    """segmentation classification detection localization reconstruction registration generation
    retrieval grading prediction synthesis estimation quantification recognition
    identification enhancement restoration harmonization denoising deblurring inpainting
    captioning summarization screening diagnosis prognosis triage monitoring surveillance
    forecasting clustering extraction tracking labelling navigation stratification
    subtyping phenotyping genotyping docking imputation anonymization stitching""".split()
)
_SPELLED = {
    "localisation": "localization", "harmonisation": "harmonization", "labeling": "labelling",
    "recognising": "recognition", "optimisation": "optimization", "generator": "generation",
    "summarisation": "summarization",
}  # fmt: skip
_VERBS = {
    "segment": "segmentation", "classify": "classification", "detect": "detection",
    "localize": "localization", "localise": "localization", "reconstruct": "reconstruction",
    "synthesize": "synthesis", "synthesise": "synthesis", "predict": "prediction",
    "diagnose": "diagnosis", "quantify": "quantification", "retrieve": "retrieval",
    "denoise": "denoising", "harmonize": "harmonization", "label": "labelling",
}  # fmt: skip
_GERUNDS = {
    f"{verb.removesuffix('e')}ing": head for verb, head in _VERBS.items() if verb != "label"
}
_NOUN, _GERUND, _VERB = "noun", "gerund", "verb"
_WORD = re.compile(r"[^\W_]+(?:[-–][^\W_]+)*")
_PLAIN = frozenset(
    """accurate accelerated automatic automated early robust efficient fast effective dense deep
    better new novel improved imaging-based final accurate reliable quantitative large-scale
    high-quality current existing several multiple various single binary clinical supervised
    unsupervised semi-supervised weakly-supervised self-supervised interactive reliable general
    novel definitive correct differential incorrect potential such same different first second
    three-way two-way intramodal intermodal subsequent specific evaluate improve
    affect support enable perform effective human manual""".split()
)
_NAMES = re.compile(r".*[A-Z].*[A-Z]|.*\d")


def tasks(text: str) -> Iterator[tuple[str, str]]:
    """The tasks that ``text`` names, in order: the head, and what it is done to ("" if unsaid).

    "Lung nodule detection" is ``("detection", "nodule detection")``.
    """
    spans = list(_WORD.finditer(text))
    for at, match in enumerate(spans):
        head, form = _read(match[0])
        if form == _NOUN:
            yield head, _phrase(text, spans, at, head)
        elif form == _GERUND or (
            form == _VERB and at and spans[at - 1][0].lower() in ("to", "and", "can")
        ):
            yield head, ""


@lru_cache(maxsize=65536)
def _read(written: str) -> tuple[str, str]:
    """The task that a word names, and the form in which it does; twice "" for other words."""
    word = written.lower()
    if head := _head(word.rpartition("-")[2]):
        return head, _NOUN
    if head := _GERUNDS.get(word):
        return head, _GERUND
    return (_VERBS[word], _VERB) if word in _VERBS else ("", "")


def _head(word: str) -> str | None:
    plain = normal(word)
    plain = _SPELLED.get(plain, plain)
    return plain if plain in _HEADS else None


def _phrase(text: str, spans: list[re.Match[str]], at: int, head: str) -> str:
    """The head with the noun before it."""
    if not at:
        return ""
    before = spans[at - 1]
    word = before[0].lower()
    if text[before.end() : spans[at].start()] != " " or word in _PLAIN:
        return ""
    if not words_of(word) or word.endswith(("ly", "ed", "ing", "ous", "-based")):
        return ""
    if _head(word) or word.isdigit():
        return ""
    shown = before[0] if _NAMES.fullmatch(before[0]) or "ae" in word else normal(word)
    return f"{shown} {head}"
