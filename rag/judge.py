"""A chat model as second judge: it decides the claims of which the verifier is unsure.

Asking for one of three verdicts on a claim and its sources follows Yue et al. (2023),
"Automatic Evaluation of Attribution by Large Language Models". What the model says is not
trusted: a reply that cannot be read, or speaks of a claim nobody asked about, decides nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, Protocol

from rag.chat import ChatWriter
from rag.errors import ModelError
from rag.grounding import Rules
from rag.prompting import CLAIM_LIMIT, Message, judge_prompt
from rag.settings import Settings
from rag.text import brief
from rag.types import Source, Usage, Verdict

_KINDS = ("supported", "unsupported", "contradicted")
_REPLY_LIMIT = 2_000
"""Characters for each claim; a model held to JSON may write white space without end."""
_ROW = {
    "type": "object",
    "properties": {
        "claim": {"type": "integer"},
        # Before the verdict: what a model has written is what it can decide by.
        "reason": {"type": "string"},
        "verdict": {"type": "string", "enum": list(_KINDS)},
    },
    "required": ["claim", "reason", "verdict"],
    "additionalProperties": False,
}
_SCHEMA = {
    "type": "object",
    "properties": {"verdicts": {"type": "array", "items": _ROW}},
    "required": ["verdicts"],
    "additionalProperties": False,
}
_FORMAT = {
    "type": "json_schema",
    "json_schema": {"name": "verdicts", "strict": True, "schema": _SCHEMA},
}


@dataclass(frozen=True, slots=True)
class Case:
    """A claim to decide: its text without markers, and the sources that it cites."""

    text: str
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """What a judge says of a claim, and why, on one line for people."""

    verdict: Literal["supported", "unsupported", "contradicted"]
    reason: str


class Judge(Protocol):
    """Decides claims. A judge serves one answer, so that its usage is that answer's."""

    @property
    def usage(self) -> Usage:
        """What all decisions so far took."""

    def decide(self, cases: Sequence[Case]) -> list[Decision | None]:
        """A decision for each case, in order; None: unscored, which is never support."""


class ChatJudge:
    """Asks a chat model, once for each batch of cases."""

    def __init__(self, model: ChatWriter) -> None:
        self.usage = Usage()
        self._model = model

    def decide(self, cases: Sequence[Case]) -> list[Decision | None]:
        """A decision for each case, in order, from one call to the model.

        None where the model failed or its reply holds no readable verdict on the case; also,
        without asking, where a case has no source or is too long to be sent whole.

        Raises:
            ValueError: two different sources have the same number.
        """
        asked = [n for n, case in enumerate(cases) if _can_be_asked(case)]
        decisions: list[Decision | None] = [None] * len(cases)
        if asked:
            reply = self._reply(_prompt([cases[n] for n in asked]), _REPLY_LIMIT * len(asked))
            for n, decision in zip(asked, _read(reply, len(asked)), strict=True):
                decisions[n] = decision
        return decisions

    def _reply(self, messages: Sequence[Message], limit: int) -> str:
        """The whole reply; empty where the model fails or goes on beyond ``limit``."""
        text, usage = "", Usage()
        try:
            with closing(self._model.stream(messages, response_format=_FORMAT)) as deltas:
                for delta in deltas:
                    text, usage = text + delta.text, usage + delta.usage
                    if len(text) > limit:
                        return ""
        except ModelError:
            return ""
        finally:
            self.usage += usage if usage.calls else Usage(calls=1)
        return text


def make_judge(settings: Settings) -> Judge | None:
    """A judge for one answer, if the settings ask for one and name a chat model.

    Raises:
        SettingsError: the model's key or address is missing or unusable.
    """
    if settings.judge and settings.model.strip():
        return ChatJudge(ChatWriter.from_settings(settings))
    return None


def rules_of(settings: Settings, judge: Judge | None = None) -> Rules:
    """How claims are decided under these settings, with ``judge`` where the verifier is unsure."""
    return Rules(settings.strictness, partial(_opinion, judge) if judge else None)


def _opinion(judge: Judge, text: str, sources: tuple[Source, ...]) -> Verdict | None:
    (decision,) = judge.decide([Case(text, sources)])
    return Verdict(decision.verdict, decision.reason) if decision else None


def _can_be_asked(case: Case) -> bool:
    return bool(case.sources) and 0 < len(case.text.strip()) <= CLAIM_LIMIT


def _prompt(cases: Sequence[Case]) -> list[Message]:
    sources: dict[int, Source] = {}
    for source in (source for case in cases for source in case.sources):
        if sources.setdefault(source.n, source) != source:
            raise ValueError(f"two sources are numbered {source.n}; judge them in two calls")
    claims = [(case.text, [source.n for source in case.sources]) for case in cases]
    return judge_prompt(claims, [sources[n] for n in sorted(sources)])


def _read(reply: str, count: int) -> list[Decision | None]:
    """The decisions on claims 1 to ``count`` that ``reply`` holds."""
    decisions: dict[int, Decision | None] = {}
    for row in _rows(reply):
        n = row.get("claim") if isinstance(row, dict) else None
        if type(n) is not int or not 1 <= n <= count:
            return [None] * count  # it may count from 0: then every number names a neighbour
        decisions[n] = None if n in decisions else _decision(row)
    return [decisions.get(n) for n in range(1, count + 1)]


def _rows(reply: str) -> list[Any]:
    # Models without a schema put words or a fence around the object. Two objects, or braces in
    # those words, do not parse: which of them is the verdict is not for us to guess.
    try:
        found = json.loads(reply[reply.find("{") : reply.rfind("}") + 1])
    except (ValueError, RecursionError):
        return []
    rows = found.get("verdicts") if isinstance(found, dict) else None
    return rows if isinstance(rows, list) else []


def _decision(row: dict[str, Any]) -> Decision | None:
    verdict, reason = row.get("verdict"), row.get("reason")
    if verdict not in _KINDS or not isinstance(reason, str) or not (line := brief(reason)):
        return None
    return Decision(verdict, line)
