"""From a question to a checked answer: the stages of the design, in their order."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, nullcontext

from rag.checking import check_against, digest, number_sources
from rag.citations import ClaimStream, ends_sentence, parse_claims
from rag.disagreement import disagreements
from rag.enforcement import Reviewed, assemble, follow, merge_repairs, review
from rag.errors import InputError, ModelError, ModelInterruptedError
from rag.grounding import Rules, reading_ahead
from rag.history import resolve
from rag.injection import injection_note
from rag.judge import make_judge, rules_of
from rag.library import Library
from rag.prompting import NO_ANSWER
from rag.retrieval import cut, retrieve
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
    Refusal,
    RefusalCause,
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
_NEAREST = 3
_PAPERS_PER_CLAIM = 5


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
        query, usage = resolve(question, history, self.writer.condense)
        store = self.library.store
        where = where or None
        hits = retrieve(store, self.library.embedder, query, RETRIEVED, where)
        if not hits and not (where and any(store.counts())):
            raise InputError(
                f"the library {self.library.path} is empty; add papers: rag ingest FILE"
            )
        evidence = cut(store, query, hits)
        sources = number_sources(evidence)
        clock.lap("search")
        build = _AnswerBuilder(
            question, query, history, hits, sources, self.writer.name, store, where
        )  # fmt: skip
        if not sources:
            yield build.refuse("not_in_collection", (), clock.lap("draft"), usage)
            return
        yield Found(sources)
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
        notes += _notes_on(reviewed, evidence, sources)
        yield build.answer(reviewed, notes, clock.lap("repair"), usage)

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


class _AnswerBuilder:
    """What every answer to one question shares."""

    def __init__(
        self, question: str, query: str, history: Sequence[Turn], hits: Sequence[Hit],
        sources: tuple[Source, ...], model: str, store: Store, where: Filter | None,
    ) -> None:  # fmt: skip
        self.question, self.query, self.model, self.sources = question, query, model, sources
        self.store, self.where = store, where
        limits = [repr(where)] if where else []
        self.id = digest(question, *(turn.content for turn in history), *limits)
        self.retrieved = tuple(
            Retrieved(h.paper.id, h.paper.title, round(h.score, 4)) for h in hits
        )

    def answer(
        self, reviewed: Sequence[Reviewed], notes: Sequence[Note], timings: dict[str, float],
        usage: Usage,
    ) -> Answer:  # fmt: skip
        outcomes = [item.outcome for item in reviewed]
        removed = tuple(o for o in outcomes if isinstance(o, Removed))
        sentences = tuple(o for o in outcomes if isinstance(o, Sentence))
        if not sentences:
            gave_up = not removed or any(i.claim.bare.startswith(NO_ANSWER) for i in reviewed)
            cause: RefusalCause = "not_in_collection" if gave_up else "nothing_supported"
            return self.refuse(cause, removed, timings, usage)
        said = tuple(o for o in outcomes if isinstance(o, Note))
        return self._make(False, assemble(reviewed), sentences, (*said, *notes), None, removed,
                          timings, usage)  # fmt: skip

    def refuse(
        self, cause: RefusalCause, removed: tuple[Removed, ...], timings: dict[str, float],
        usage: Usage,
    ) -> Answer:  # fmt: skip
        text = {
            "not_in_collection": "I found no answer to this question in "
            f"{_place(self.store, self.where)}.",
            "nothing_supported": "No sentence of the draft was supported by the papers that it "
            "cites, so none is shown.",
        }[cause]
        nearest = self.retrieved[:_NEAREST]
        refusal = Refusal(cause, text, tuple(row.paper_id for row in nearest))
        return self._make(True, text, (), (), refusal, removed, timings, usage)

    def _make(
        self, refused: bool, text: str, sentences: tuple[Sentence, ...], notes: tuple[Note, ...],
        refusal: Refusal | None, removed: tuple[Removed, ...], timings: dict[str, float],
        usage: Usage,
    ) -> Answer:  # fmt: skip
        return Answer(
            self.id, self.question, self.query, refused, text, sentences, notes, refusal, removed,
            self.sources, self.retrieved, self.model, timings, usage, self.where,
        )  # fmt: skip


def _place(store: Store, where: Filter | None) -> str:
    """Where an answer was looked for, with what of a filter may be a slip."""
    if not where:
        return "the collection"
    passed = len(store.matching(where))
    papers = {0: "the collection: no paper passes", 1: "the one paper that passes"}.get(
        passed, f"the {passed:,} papers that pass"
    )
    slips = store.unmatched(where)
    return f"{papers} the filter ({where})" + "".join(f"; {slip}" for slip in slips)


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
