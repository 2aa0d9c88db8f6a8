"""What every answer to one question shares, and the answers made of it."""

from __future__ import annotations

from collections.abc import Sequence

from rag.checking import digest
from rag.enforcement import Reviewed, assemble
from rag.prompting import NO_ANSWER
from rag.replies import Reply
from rag.store import Store
from rag.types import (
    Answer,
    Filter,
    Note,
    Refusal,
    RefusalCause,
    Removed,
    Retrieved,
    Sentence,
    Source,
    Turn,
    Usage,
)

_NEAREST = 3


class AnswerBuilder:
    """Makes the answers to one question."""

    def __init__(
        self, question: str, query: str, history: Sequence[Turn], retrieved: Sequence[Retrieved],
        sources: tuple[Source, ...], model: str, store: Store, where: Filter | None,
    ) -> None:  # fmt: skip
        self.question, self.query, self.model, self.sources = question, query, model, sources
        self.store, self.where, self.retrieved = store, where, tuple(retrieved)
        self.gap = ""
        """What the nearest paper lacks, as a sentence for a refusal."""
        limits = [repr(where)] if where else []
        self.id = digest(question, *(turn.content for turn in history), *limits)

    def answer(
        self, reviewed: Sequence[Reviewed], notes: Sequence[Note], timings: dict[str, float],
        usage: Usage,
    ) -> Answer:  # fmt: skip
        """The answer that the checked draft makes; a refusal where nothing of it is left."""
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

    def reply(self, said: Reply, timings: dict[str, float]) -> Answer:
        """What is said beside the research; a refusal where papers were asked for in vain."""
        if not said.found:
            refusal = Refusal("not_in_collection", said.intro, ())
            return self._make(True, said.intro, (), (), refusal, (), timings, Usage())
        return self._make(False, said.text, said.sentences, said.notes, None, (), timings, Usage())

    def refuse(
        self, cause: RefusalCause, removed: tuple[Removed, ...], timings: dict[str, float],
        usage: Usage, language: str = "",
    ) -> Answer:  # fmt: skip
        """A refusal that says why, and names the nearest papers."""
        text = {
            "out_of_scope": f"The question seems to be in {language}. Without a language model "
            "only English can be answered: ask in English, or set RAG_MODEL.",
            "not_in_collection": "I found no answer to this question in "
            f"{place(self.store, self.where)}.{self.gap}",
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


def place(store: Store, where: Filter | None) -> str:
    """Where an answer was looked for, with what of a filter may be a slip."""
    if not where:
        return "the collection"
    passed = len(store.matching(where))
    papers = {0: "the collection: no paper passes", 1: "the one paper that passes"}.get(
        passed, f"the {passed:,} papers that pass"
    )
    slips = store.unmatched(where)
    return f"{papers} the filter ({where})" + "".join(f"; {slip}" for slip in slips)
