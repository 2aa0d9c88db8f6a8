"""Questions proposed by a chat model, one call for each paper; its reply is not trusted."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from rag.chat import ChatWriter
from rag.errors import ModelError
from rag.prompting import propose_prompt
from rag.text import brief, clean
from rag.types import Paper, Source, Usage

from ..records import Record, Text
from .proposal import Nugget, Proposal

_MOST_QUESTIONS = 4
_REPLY_LIMIT = 20_000
"""Characters; a model held to JSON may write white space without end."""


class _Fact(Record):
    statement: Text
    wordings: Annotated[tuple[Text, ...], Field(min_length=1)]
    vital: bool


class _Question(Record):
    question: Text
    kind: Literal["fact", "unanswerable"]
    lacks: str
    facts: tuple[_Fact, ...]


class _Reply(Record):
    questions: tuple[_Question, ...]


class ModelWriter:
    """Proposes questions on a paper by asking a chat model."""

    def __init__(self, model: ChatWriter) -> None:
        self.usage = Usage()
        self._model = model

    def propose(self, paper: Paper) -> Sequence[Proposal]:
        """The questions of one reply.

        Raises:
            ModelError: the model cannot be reached or used, or its reply cannot be read.
        """
        source = Source(1, paper.id, paper.title, paper.url, paper.year, paper.abstract)
        return [_proposal(row) for row in self._read(self._ask(source))]

    def _ask(self, source: Source) -> str:
        text = ""
        messages = propose_prompt(source)
        with closing(self._model.stream(messages, response_format=_format())) as deltas:
            for delta in deltas:
                text += delta.text
                self.usage += delta.usage
                if len(text) > _REPLY_LIMIT:
                    break
        return text

    def _read(self, reply: str) -> Sequence[_Question]:
        # Models without a schema put words or a fence around the object.
        body = reply[reply.find("{") : reply.rfind("}") + 1]
        try:
            return _Reply.model_validate_json(body).questions[:_MOST_QUESTIONS]
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "reply"
            raise ModelError(
                f"model {self._model.name!r} sent no questions that can be read "
                f"({brief(where)}: {brief(first['msg'])}); try another model"
            ) from error


def _proposal(row: _Question) -> Proposal:
    question = " ".join(clean(row.question).split())
    if row.kind == "unanswerable":
        return Proposal(question, lacks=clean(row.lacks), tags=("near_miss", "drafted"))
    nuggets = tuple(
        Nugget(clean(f.statement), tuple(map(clean, f.wordings)), f.vital) for f in row.facts
    )
    return Proposal(question, nuggets, tags=("drafted",))


def _format() -> dict[str, Any]:
    schema = _Reply.model_json_schema()
    return {
        "type": "json_schema",
        "json_schema": {"name": "questions", "strict": True, "schema": schema},
    }
