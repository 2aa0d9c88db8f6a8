"""OpenAI's chat completions: what a request may hold, and the shapes of the replies.

https://platform.openai.com/docs/api-reference/chat. Made by hand, as importing the ``openai``
package takes seconds; the tests hold them to its types.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, Field

from rag.errors import InputError
from rag.render import to_dict
from rag.types import Answer, Turn, Usage
from rag.web.transcript import said, url_citations, whole


class Part(BaseModel):
    """A part of a message's content."""

    type: str
    text: str = ""


class Message(BaseModel):
    """A message of the conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = None

    @property
    def text(self) -> str:
        """Its text.

        Raises:
            InputError: it has parts that are no text.
        """
        if isinstance(self.content, list):
            if other := next((part.type for part in self.content if part.type != "text"), None):
                raise InputError(f"messages: Footnote reads text only, not {other!r}")
            return "\n".join(part.text for part in self.content)
        return self.content or ""


class StreamOptions(BaseModel):
    """What a stream is to carry besides."""

    include_usage: bool = False


class ChatRequest(BaseModel):
    """The part of a request that has an effect."""

    model: str
    messages: list[Message] = Field(min_length=1)
    stream: bool = False
    stream_options: StreamOptions | None = None
    n: Literal[1] | None = 1

    def conversation(self) -> tuple[str, tuple[Turn, ...]]:
        """The question and what was said before it.

        Raises:
            InputError: the last message is no question of the user.
        """
        spoken = [m for m in self.messages if m.role in ("user", "assistant")]
        if not spoken or spoken[-1].role != "user":
            raise InputError("messages: the last one has to be the user's question")
        return spoken[-1].text, tuple(said(m.role, m.text) for m in spoken[:-1])


@dataclass(frozen=True, slots=True)
class Reply:
    """What all parts of one reply share."""

    id: str
    model: str
    created: int

    def chunk(self, delta: dict[str, Any], finish: str | None = None, **more: Any) -> str:
        """An event of a stream."""
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
        return self.event([choice], **more)

    def event(self, choices: list[dict[str, Any]], **more: Any) -> str:
        """An event of a stream with these choices."""
        kind = "chat.completion.chunk"
        document = {"id": self.id, "object": kind, "created": self.created, "model": self.model}
        return f"data: {json.dumps({**document, 'choices': choices, **more})}\n\n"

    def completion(self, answer: Answer) -> dict[str, Any]:
        """The whole reply at once."""
        text = whole(answer)
        message = {"role": "assistant", "content": text, "refusal": None,
                   "annotations": url_citations(text, answer)}  # fmt: skip
        choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
        return {
            "id": self.id, "object": "chat.completion", "created": self.created,
            "model": self.model, "choices": [choice], "usage": usage_of(answer.usage),
            "footnote": to_dict(answer),
        }  # fmt: skip


def model_ids(collections: list[str]) -> dict[str, str]:
    """The collections by the ids of their models, in their order."""
    models: dict[str, str] = {}
    for name in collections:
        id = base = "footnote-" + (re.sub(r"[^\w.]+", "-", name.lower()).strip("-") or "papers")
        number = 1
        while id in models:
            number += 1
            id = f"{base}-{number}"
        models[id] = name
    return models


def usage_of(usage: Usage) -> dict[str, int]:
    """OpenAI's account of tokens."""
    total = usage.prompt_tokens + usage.completion_tokens
    return {"prompt_tokens": usage.prompt_tokens, "completion_tokens": usage.completion_tokens,
            "total_tokens": total}  # fmt: skip
