"""An assistant with canned answers, so that the page is tested without a library or a model."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

from rag.errors import InputError
from rag.reports import Facet, FacetValue
from rag.types import (
    Answer,
    Event,
    Evidence,
    Filter,
    Found,
    Note,
    Paper,
    Refusal,
    Removed,
    Retrieved,
    Sentence,
    Source,
    Status,
    StoreStatus,
    Turn,
)

HELIOS = Source(
    1,
    "helios",
    "HELIOS: a scanner that sees in the dark",
    "https://example.org/helios?a=1&b=2",
    2024,
    "Night scans are noisy. HELIOS cuts the noise by 40% in 1,204 patients. "
    "Reading time fell from 12 to 7 minutes. Code: https://example.org/code.",
)
SELENE = Source(
    2,
    "selene",
    "SELENE: low-dose imaging of the knee",
    "",
    None,
    "SELENE lowers the dose by half. Sensitivity stayed at 91% over five sites.",
)
AURORA = Source(3, "aurora", "AURORA: a survey", "", 2021, "A survey of forty scanners.")


PAPERS = {
    "helios": Paper(
        "helios", HELIOS.title, HELIOS.text, ("Ada Lumen", "Bo Umbra", "Cy Penumbra", "Di Corona"),
        2024, "Journal of Night Imaging", HELIOS.url,
    ),
    "selene": Paper("selene", SELENE.title, SELENE.text, ("Eve Crater",), doi="10.1000/selene"),
    "aurora": Paper("aurora", AURORA.title, AURORA.text, year=2021),
}  # fmt: skip
NOTE = "Digest written for these tests; for real work, import the original."


def quote(source: Source, words: str) -> Evidence:
    start = source.text.index(words)
    return Evidence(source.n, "abstract", start, start + len(words), words)


def sentence(text: str, *evidence: Evidence) -> Sentence:
    citations = tuple(dict.fromkeys(span.source for span in evidence))
    return Sentence(text, citations, "supported", 0.9, evidence)


def answered(question: str, **changes: object) -> Answer:
    """A full answer over HELIOS and SELENE, with ``changes`` to its fields."""
    first = sentence(
        "HELIOS cuts the noise by 40% in 1,204 patients [1].",
        quote(HELIOS, "HELIOS cuts the noise by 40% in 1,204 patients."),
    )
    second = sentence(
        "SELENE halves the dose while sensitivity stays at 91% [2], and reading got faster [1].",
        quote(SELENE, "SELENE lowers the dose by half."),
        quote(SELENE, "Sensitivity stayed at 91% over five sites."),
        quote(HELIOS, "Reading time fell from 12 to 7 minutes."),
    )
    answer = Answer(
        id="a",
        question=question,
        query=question,
        refused=False,
        text=f"{first.text} {second.text}",
        sentences=(first, second),
        notes=(Note("scope", "Only two of the papers report figures."),),
        refusal=None,
        removed=(
            Removed("HELIOS is approved in Peru [1].", (1,), "unsupported", "not in source 1"),
        ),
        sources=(HELIOS, SELENE, AURORA),
        retrieved=tuple(Retrieved(s.paper_id, s.title, 0.5) for s in (HELIOS, SELENE, AURORA)),
        model="extractive",
        timings={"total": 0.21},
    )
    return replace(answer, **changes)  # type: ignore[arg-type]


def refused(question: str) -> Answer:
    text = "None of the papers in this collection answers the question."
    return answered(
        question,
        refused=True,
        text=text,
        sentences=(),
        notes=(),
        removed=(),
        refusal=Refusal("not_in_collection", text, ("selene", "helios")),
    )


class StubAssistant:
    """Streams the answer for the question; records what it was asked.

    "please refuse" in it refuses, "cause an error" raises an error for people, "cause a bug"
    any other; "slow" waits before its second sentence until ``gate`` is set, "endless" writes
    for ever.
    """

    def __init__(self, answers: dict[str, Answer] | None = None) -> None:
        self.answers = answers or {}
        self.known = dict(PAPERS)
        self.where: Filter | None = None
        self.asked: list[tuple[str, tuple[Turn, ...]]] = []
        self.gate = threading.Event()
        self.closed = threading.Event()
        self.finished = False
        self.writer = SimpleNamespace(name="extractive", remote=False, endpoint="")
        self.library = SimpleNamespace(
            status=lambda: StoreStatus("/somewhere/library", 3, 5, "minilm", "0.1.0"),
            embedder=SimpleNamespace(name="minilm", remote=False),
            papers=self.papers,
            facets=lambda most: (Facet("organ", 1, (FacetValue("knee", 1),)),),
            path=Path("/somewhere/library"),
        )

    def papers(self, ids: Collection[str]) -> dict[str, Paper]:
        sample = Paper("", "A sample", "Text.", note=NOTE)
        return {key: self.known.get(key, replace(sample, id=key)) for key in ids}

    def stream(
        self, question: str, history: Sequence[Turn] = (), where: Filter | None = None
    ) -> Iterator[Event]:
        self.asked.append((question, tuple(history)))
        self.where = where
        self.closed.clear()
        self.finished = False
        try:
            yield Status("searching")
            if "cause an error" in question:
                raise InputError("question: 100,000 characters are too many; ask a shorter one")
            if "cause a bug" in question:
                raise RuntimeError("secret detail")
            answer = self.answers.get(question) or (
                refused(question) if "please refuse" in question else answered(question)
            )
            yield Found(answer.sources)
            yield Status("writing")
            while "endless" in question:
                time.sleep(0.05)
                yield Status("writing")
            for number, checked in enumerate(answer.sentences):
                if number and "slow" in question:
                    self.gate.wait(30)
                yield checked
            yield from answer.removed
            yield answer
            self.finished = True
        finally:
            self.closed.set()
