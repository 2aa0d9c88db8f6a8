"""From a question to a checked answer: the stages of the design, in their order."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, nullcontext

from rag.answers import AnswerBuilder
from rag.aside import Aside, aside
from rag.checking import check_against, number_sources
from rag.citations import ClaimStream, ends_sentence, parse_claims
from rag.disagreement import disagreements
from rag.enforcement import Reviewed, follow, merge_repairs, review
from rag.errors import InputError, ModelError, ModelInterruptedError
from rag.grounding import Rules, reading_ahead
from rag.history import resolve
from rag.injection import injection_note
from rag.judge import make_judge, rules_of
from rag.language import foreign
from rag.library import Library
from rag.relevance import rerank
from rag.replies import reply
from rag.retrieval import cut, retrieve, unknown_to
from rag.store import Store
from rag.text import clean, clean_question
from rag.types import (
    Answer,
    CheckedDraft,
    Claim,
    Delta,
    Event,
    Filter,
    Found,
    Hit,
    Note,
    Removed,
    Retrieved,
    Sentence,
    Source,
    Status,
    Turn,
    Usage,
)
from rag.writers import Writer, make_writer

MAX_DRAFT = 20_000
"""Characters; a reply that is longer has run away."""
RETRIEVED = 10
_NAMED = 3  # words that a refusal names


class Assistant:
    """Answers questions from one library, with one writer."""

    def __init__(self, library: Library, writer: Writer | None = None) -> None:
        self.library = library
        self.writer = writer or make_writer(library.settings, library.embedder)

    def ask(
        self, question: str, history: Sequence[Turn] = (), where: Filter | None = None
    ) -> Answer:
        """Answer a question.

        Args:
            question: in plain words.
            history: the conversation before it.
            where: the papers that it is put to; None: all. Where there are none, the answer
                is a refusal that says so.

        Raises:
            InputError: the question is empty or too long, or the library is empty.
            ModelError: the model cannot be reached, or failed before anything was checked.
        """
        for event in self.stream(question, history, where):
            if isinstance(event, Answer):
                return event
        raise AssertionError("a stream ends with its answer")

    def stream(
        self, question: str, history: Sequence[Turn] = (), where: Filter | None = None
    ) -> Generator[Event, None, None]:
        """Answer a question; yield each sentence as soon as it has passed its check.

        Closing the generator stops the model.
        """
        clock = _Clock()
        settings = self.library.settings
        judge = make_judge(settings)
        rules = rules_of(settings, judge)
        question = clean_question(question)
        history = [Turn(turn.role, clean(turn.content)) for turn in history]
        yield Status("searching")
        store = self.library.store
        where = where or None
        if told := aside(question):
            yield self._reply(told, question, history, where, clock)
            return
        query, usage = resolve(question, history, self.writer.condense)
        hits = rerank(query, retrieve(store, self.library.embedder, query, RETRIEVED, where))
        if not hits and not (where and any(store.counts())):
            raise InputError(
                f"the library {self.library.path} is empty; add papers: rag ingest FILE"
            )
        language = "" if self.writer.endpoint else unread(question, hits)
        evidence = [] if language else cut(store, query, hits)
        sources = number_sources(evidence)
        clock.lap("search")
        build = AnswerBuilder(
            question, query, history, [_row(hit) for hit in hits], sources, self.writer.name,
            store, where,
        )  # fmt: skip
        build.gap = gap(hits)
        if language:
            yield build.refuse("out_of_scope", (), clock.lap("draft"), usage, language)
            return
        if not sources:
            yield build.refuse("not_in_collection", (), clock.lap("draft"), usage)
            return
        yield Found(sources, tuple(hits))
        yield Status("writing")
        reviewed: list[Reviewed] = []
        notes: list[Note] = []
        try:
            for item in self._draft(question, history, sources, rules):
                if isinstance(item, Usage):
                    usage += item
                    continue
                item = follow(reviewed, item)
                reviewed.append(item)
                if isinstance(item.outcome, Sentence | Removed):
                    yield item.outcome
        except ModelInterruptedError:
            if not any(isinstance(item.outcome, Sentence) for item in reviewed):
                raise
            notes.append(
                Note("scope", "The model's reply broke off; this answer may be incomplete.")
            )
        clock.lap("draft")
        if not notes and any(isinstance(item.outcome, Removed) for item in reviewed):
            yield Status("repairing")
            reviewed, spent = self._repair(question, sources, reviewed, rules)
            usage += spent
        if judge:
            usage += judge.usage
        notes += [*_premise(store, query, evidence), *_notes_on(reviewed, evidence, sources)]
        yield build.answer(reviewed, notes, clock.lap("repair"), usage)

    def _reply(
        self, told: Aside, question: str, history: Sequence[Turn], where: Filter | None,
        clock: _Clock,
    ) -> Answer:  # fmt: skip
        store = self.library.store
        said = reply(told, store, self.library.embedder, where)
        rows = [Retrieved(paper.id, paper.title, 1.0) for paper in said.papers]
        build = AnswerBuilder(
            question, question, history, rows, said.sources, self.writer.name, store, where
        )  # fmt: skip
        return build.reply(said, clock.lap("search"))

    def check(
        self, text: str, on_progress: Callable[[int, int], None] | None = None
    ) -> CheckedDraft:
        """Check a person's own text: the papers of the library that support each sentence.

        Numbers in the result refer to the result's own ``sources``; citations in the text are
        the person's and are left out of account.

        Args:
            text: as it stands.
            on_progress: called with the sentences checked and their total.
        """
        return check_against(text, self.library, rules_of(self.library.settings), on_progress)

    def _draft(
        self, question: str, history: Sequence[Turn], sources: Sequence[Source], rules: Rules
    ) -> Iterator[Reviewed | Usage]:
        def reviewed(claim: Claim) -> Reviewed:
            return review(claim, sources, question, rules)

        stream, length = ClaimStream(), 0
        # What is quoted word by word needs no reading; a model takes its time, and rephrases.
        ahead = reading_ahead(sources) if self.writer.endpoint else nullcontext()
        with ahead, closing(self.writer.draft(question, sources, history)) as deltas:
            try:
                for delta in deltas:
                    if delta.usage != Usage():
                        yield delta.usage
                    yield from map(reviewed, stream.feed(delta.text))
                    length += len(delta.text)
                    if length > MAX_DRAFT:
                        raise ModelInterruptedError("the reply is far too long and was cut")
            except ModelInterruptedError:
                # The last claim may be half a sentence.
                whole = [c for c in stream.close() if ends_sentence(c.raw)]
                yield from map(reviewed, whole)
                raise
        yield from map(reviewed, stream.close())

    def _repair(
        self, question: str, sources: Sequence[Source], reviewed: list[Reviewed], rules: Rules
    ) -> tuple[list[Reviewed], Usage]:
        """One round: the reasons go back to the writer; what passes returns to its place."""
        draft = "".join(item.claim.raw for item in reviewed)
        faults = [item.outcome for item in reviewed if isinstance(item.outcome, Removed)]
        try:
            reply = self.writer.repair(question, sources, draft, faults) or Delta("")
        except ModelError:
            return reviewed, Usage(calls=1)  # the checked part of the answer is not lost
        # A line for each fault, in order; blank where nothing can be said.
        repaired = [
            [review(claim, sources, question, rules) for claim in parse_claims(line)]
            for line in reply.text.split("\n")
        ]
        return merge_repairs(reviewed, repaired), reply.usage


def gap(hits: Sequence[Hit]) -> str:
    """What the nearest paper lacks of the question, as a sentence; empty if it lacks no word."""
    if not hits or not hits[0].lacking:
        return ""
    words = ", ".join(f"“{word}”" for word in hits[0].lacking[:_NAMED])
    return f" The nearest paper, “{hits[0].paper.title}”, does not mention {words}."


def _premise(store: Store, question: str, evidence: Sequence[Hit]) -> list[Note]:
    """What the question takes for granted: figures of no paper here, names of none at all."""
    lacking = [set(hit.lacking) for hit in evidence]
    figures = [w for w in evidence[0].lacking if w[0].isdigit() and all(w in s for s in lacking)]
    texts = [f"{hit.paper.title}. {hit.paper.abstract}" for hit in evidence]
    told = [
        ("gives the figure", figures),
        ("mentions", [name for name in unknown_to(store, question, texts) if name not in figures]),
    ]
    return [
        Note("premise", f"None of these papers {does} {' or '.join(f'“{w}”' for w in words)}.")
        for does, words in told
        if words
    ]


def unread(question: str, hits: Sequence[Hit]) -> str:
    """The language of a question that only a model can read; papers in it can be quoted, too."""
    language = foreign(question)
    return "" if any(foreign(hit.paper.abstract) == language for hit in hits) else language


def _row(hit: Hit) -> Retrieved:
    return Retrieved(hit.paper.id, hit.paper.title, round(hit.score, 4))


def _notes_on(
    reviewed: Sequence[Reviewed], evidence: Sequence[Hit], sources: Sequence[Source]
) -> list[Note]:
    """What a reader of the kept sentences must know of the papers that they cite."""
    kept = [item.outcome for item in reviewed if isinstance(item.outcome, Sentence)]
    cited = {n for sentence in kept for n in sentence.citations}
    remarks = [hit.paper.note for n, hit in enumerate(evidence, start=1) if n in cited]
    return [
        *(Note("collection", text) for text in dict.fromkeys(remarks) if text),
        *injection_note([source for source in sources if source.n in cited]),
        *disagreements(kept, sources),
    ]


class _Clock:
    """Seconds per stage, and in all."""

    def __init__(self) -> None:
        self._start = self._last = time.perf_counter()
        self._laps: dict[str, float] = {}

    def lap(self, stage: str) -> dict[str, float]:
        now = time.perf_counter()
        self._laps[stage] = round(now - self._last, 4)
        self._laps["total"] = round(now - self._start, 4)
        self._last = now
        return dict(self._laps)
