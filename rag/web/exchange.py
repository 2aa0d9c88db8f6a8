"""One question and what has become of it so far: the page's state, built from events."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Protocol

from rag.errors import RagError
from rag.filters import Filter
from rag.types import Answer, Event, Found, Paper, Removed, Sentence, Source, Status, Turn
from rag.web.reasons import Reason, reason

Feedback = Literal["", "up", "down"]
_log = logging.getLogger(__name__)
UNEXPECTED = "Something went wrong that should not have; the log of the server has the details."
STOPPED = "Stopped before the answer was complete."


class Holding(Protocol):
    """What an exchange needs of the ``Library``."""

    @property
    def path(self) -> Path:
        """Its folder, which is nobody's business."""
        ...

    def papers(self, ids: Collection[str]) -> Mapping[str, Paper]:
        """Those papers of ``ids`` that are held."""
        ...


class Answering(Protocol):
    """What an exchange needs of the ``Assistant``."""

    @property
    def library(self) -> Holding:
        """Where the papers are looked up."""
        ...

    def stream(
        self, question: str, history: Sequence[Turn] = (), where: Filter | None = None
    ) -> Generator[Event, None, None]:
        """Answer ``question``, event by event; the last event is the ``Answer``."""
        ...


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question and its answer so far; ``answer`` is None until the final one is there."""

    question: str
    status: str = "searching"
    """The stage of the work; empty when there is nothing to wait for."""
    sources: tuple[Source, ...] = ()
    sentences: tuple[Sentence, ...] = ()
    answer: Answer | None = None
    problem: str = ""
    """Why there is no complete answer: one line for people."""
    withheld: int = 0
    """Sentences of the draft that did not pass so far."""
    where: Filter | None = None
    """The papers that the question is put to; None: all."""
    papers: Mapping[str, Paper] = field(default_factory=dict)
    """What is known of the papers found, by id: authors and venue are in no ``Source``."""
    reasons: Mapping[str, Reason] = field(default_factory=dict)
    """Why papers were found, by id; none in a chat of the past."""
    feedback: Feedback = ""
    """What the reader thinks of the answer."""


def follow(
    assistant: Answering,
    question: str,
    earlier: Sequence[Exchange] = (),
    where: Filter | None = None,
) -> Generator[Exchange, None, None]:
    """Ask, and yield the exchange after every event; errors end it with a ``problem``.

    Closing this iterator closes the assistant's stream, and with it a model's connection.
    """
    exchange = Exchange(question, where=where)
    try:
        with closing(assistant.stream(question, history(earlier), where)) as events:
            for event in events:
                exchange = advance(exchange, event)
                if isinstance(event, Found | Answer):
                    exchange = replace(exchange, papers=assistant.library.papers(found(exchange)))
                yield exchange
    except RagError as error:
        yield end(exchange, without_path(str(error), assistant.library.path))
    except Exception:
        _log.exception("a question failed")
        yield end(exchange, UNEXPECTED)


def without_path(text: str, path: Path) -> str:
    """A message without the folder of a library: readers of the page are not told of it."""
    return re.sub(rf"(?: (?:at|in|is))? ?'?{re.escape(str(path))}[^\s:;,]*", "", text)


def advance(exchange: Exchange, event: Event) -> Exchange:
    """The exchange after one more event; the final ``Answer`` replaces what was streamed."""
    match event:
        case Status(text):
            return replace(exchange, status=text)
        case Found(sources, hits):
            reasons = {hit.paper.id: reason(exchange.question, hit) for hit in hits}
            return replace(exchange, sources=sources, reasons=reasons)
        case Sentence():
            return replace(exchange, sentences=(*exchange.sentences, event))
        case Removed():
            return replace(exchange, withheld=exchange.withheld + 1)
        case Answer():
            return replace(
                exchange,
                status="",
                sources=event.sources,
                sentences=event.sentences,
                answer=event,
            )


def found(exchange: Exchange) -> list[str]:
    """The ids of the papers that were found for it, best first, each once."""
    rows = exchange.answer.retrieved if exchange.answer else ()
    ids = [*(row.paper_id for row in rows), *(source.paper_id for source in exchange.sources)]
    return list(dict.fromkeys(ids))


def end(exchange: Exchange, problem: str = STOPPED) -> Exchange:
    """The exchange given up: what was checked so far stays, with the reason under it."""
    return exchange if exchange.answer else replace(exchange, status="", problem=problem)


def history(exchanges: Sequence[Exchange]) -> tuple[Turn, ...]:
    """The finished exchanges as plain text, for a follow-up question."""
    turns: list[Turn] = []
    for exchange in exchanges:
        if answer := exchange.answer:
            said = answer.refusal.text if answer.refusal else answer.text
            turns += [Turn("user", exchange.question), Turn("assistant", said)]
    return tuple(turns)
