"""The values that flow through Footnote, one frozen dataclass per stage.

Every public JSON document is one of these values, field for field (see ``docs/schema/``);
what work on a collection reports is in ``reports``, what limits a search in ``filters``.
Offsets are character offsets, end exclusive.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Literal

from rag.filters import Filter as Filter
from rag.reports import Failure as Failure
from rag.reports import IngestReport as IngestReport
from rag.reports import StoreStatus as StoreStatus

VerdictKind = Literal[
    "supported", "unsupported", "contradicted", "uncited", "phantom", "not_a_claim"
]
NoteKind = Literal["premise", "disagreement", "scope", "collection"]
RefusalCause = Literal["not_in_collection", "not_retrieved", "nothing_supported", "out_of_scope"]
Field = Literal["abstract", "title"]
Role = Literal["user", "assistant"]


# --- the collection ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Paper:
    """One paper: a title and an abstract, as they were given, and what else is known."""

    id: str
    title: str
    abstract: str
    authors: tuple[str, ...] = ()
    year: int | None = None
    venue: str = ""
    url: str = ""
    doi: str = ""
    arxiv_id: str = ""
    keywords: tuple[str, ...] = ()
    note: str = ""
    """A remark that readers must see wherever this paper is cited."""
    pmid: str = ""
    sources: tuple[str, ...] = ()
    """Names of the files that held it, without their folders; no part of its content."""

    @property
    def content_hash(self) -> str:
        """SHA-256 over every field but ``sources``: a paper is unchanged exactly when this is."""
        # asdict would copy every field, a hundred thousand times in an ingest.
        fields = {name: getattr(self, name) for name in self.__slots__ if name != "sources"}
        if not self.pmid:  # as if there were no such field: the hashes of schema 1 stay true
            del fields["pmid"]
        text = json.dumps(fields, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Passage:
    """A span of one paper's abstract: ``text == paper.abstract[start:end]``."""

    id: str
    paper_id: str
    text: str
    start: int
    end: int


# --- retrieval --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hit:
    """A retrieved paper with its best passage; ``score`` is the fused one, in 0..1."""

    paper: Paper
    passage: Passage
    score: float
    dense: float
    """Cosine of the question and the paper's nearest passage."""
    lexical: float
    """BM25+ of the question and the paper's best passage for its words."""
    dense_rank: int = 0
    """The paper's place by the cosine alone, from 1, among those compared."""
    lexical_rank: int = 0
    """Its place by BM25+ alone; 0: it has none of the question's words."""
    answered: float | None = None
    """Probability that its abstract answers the question; None: nobody has read it for that."""
    lacking: tuple[str, ...] = ()
    """Words of the question that the paper lacks, if it was read."""


@dataclass(frozen=True, slots=True)
class Source:
    """What a writer is given and a sentence may cite: a paper under its number, from 1."""

    n: int
    paper_id: str
    title: str
    url: str
    year: int | None
    text: str
    """The whole abstract; evidence offsets count into it."""


@dataclass(frozen=True, slots=True)
class Retrieved:
    """A row of the list that retrieval returned, cited or not."""

    paper_id: str
    title: str
    score: float


# --- conversation and drafts ------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of the conversation so far."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Model calls and tokens; zero where no model was called."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.calls + other.calls,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
        )


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of a draft as it streams, and the usage first known with it."""

    text: str
    usage: Usage = Usage()


@dataclass(frozen=True, slots=True)
class Claim:
    """One sentence of a draft. The ``raw`` of all claims, joined, is the draft."""

    raw: str
    start: int
    citations: tuple[int, ...]
    """Cited numbers in order of appearance, each once; they need not exist."""
    bare: str
    """The sentence without citation markers and list bullets: what is checked."""
    checkable: bool
    """False for headings, greetings and the like, which state nothing."""
    context: str = ""
    """The claims before it that its "it" or "this" may mean, bare; no citation is inherited."""

    @property
    def text(self) -> str:
        """The sentence as it stands in the draft, outer white space removed."""
        return self.raw.strip()


# --- verdicts and answers ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Evidence:
    """A span of a source; ``quote`` is cut from the source, never from a draft."""

    source: int
    field: Field
    start: int
    end: int
    quote: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of checking one claim against the sources that it cites."""

    verdict: VerdictKind
    reason: str = ""
    support: float = 0.0
    contradiction: float = 0.0
    evidence: tuple[Evidence, ...] = ()
    citations: tuple[int, ...] = ()
    """The cited sources that carry the claim."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of the answer: it passed its check."""

    text: str
    citations: tuple[int, ...]
    verdict: VerdictKind
    support: float
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Removed:
    """A sentence of the draft that is not part of the answer, and why."""

    text: str
    citations: tuple[int, ...]
    verdict: VerdictKind
    reason: str


@dataclass(frozen=True, slots=True)
class Note:
    """A remark beside the answer; it needs no citation and is no sentence of it."""

    kind: NoteKind
    text: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there is no answer, and the ids of the nearest papers."""

    cause: RefusalCause
    text: str
    nearest: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """The checked answer: what is shown, what it rests on and what was withheld."""

    id: str
    question: str
    query: str
    """The question as it was searched: history resolved."""
    refused: bool
    text: str
    """Markdown with ``[n]`` citations; each sentence's text is a substring."""
    sentences: tuple[Sentence, ...]
    notes: tuple[Note, ...]
    refusal: Refusal | None
    removed: tuple[Removed, ...]
    sources: tuple[Source, ...]
    retrieved: tuple[Retrieved, ...]
    model: str
    timings: dict[str, float] = field(default_factory=dict)
    usage: Usage = Usage()
    where: Filter | None = None
    """The papers that the question was put to; None: all."""


@dataclass(frozen=True, slots=True)
class Status:
    """A stage of the work, for people who wait: "searching", "writing", "checking"."""

    text: str


@dataclass(frozen=True, slots=True)
class Found:
    """The sources that a writer was given, known before the first sentence is."""

    sources: tuple[Source, ...]
    hits: tuple[Hit, ...] = ()
    """All papers that retrieval returned, best first, with what each was found by."""


Event = Status | Found | Sentence | Removed | Answer
"""What ``Assistant.stream`` yields; the last one is the ``Answer``, which is final: its
sentences replace those streamed before (a repaired sentence returns to its place)."""


# --- checking a person's own text -------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CheckedSentence:
    """A sentence of a checked draft; ``text`` is an exact substring of the draft."""

    text: str
    citations: tuple[int, ...]
    kept: bool
    verdict: VerdictKind
    reason: str
    support: float
    contradiction: float
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class CheckedDraft:
    """The verdicts on a draft's sentences, in order, and the sources they refer to."""

    id: str
    sentences: tuple[CheckedSentence, ...]
    sources: tuple[Source, ...] = ()
