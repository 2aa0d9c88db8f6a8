"""A chat model as a writer: replies stream through llama-index, failures become one line."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from typing import TYPE_CHECKING, Any

import httpx

from rag.errors import ModelError, ModelInterruptedError, SettingsError
from rag.prompting import NO_ANSWER, Message, build_prompt, condense_prompt, repair_prompt
from rag.reasoning import AfterReasoning
from rag.settings import Settings, is_loopback
from rag.text import brief
from rag.types import Delta, Removed, Source, Turn, Usage

if TYPE_CHECKING:
    from llama_index.core.llms import LLM

# llama-index only reports it; what is sent is bounded by prompting.
_CONTEXT_WINDOW = 32_768
_NUMBERED = re.compile(r"\s*(\d+)\s*[:.)]\s+(.*)")
_BROKEN_OFF = {
    "length": "reached its token limit; ask for a shorter answer or allow the model a longer one",
    "content_filter": "was stopped by the provider's content filter; rephrase the question",
}


class ChatWriter:
    """Drafts with a llama-index chat model; ``connect`` opens one for the time of a call."""

    def __init__(
        self,
        name: str,
        endpoint: str,
        remote: bool,
        connect: Callable[[], AbstractContextManager[LLM]],
        secret: str = "",
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.endpoint = endpoint
        self.remote = remote
        self._connect = connect
        self._secret = secret
        self._options = options or {}

    @classmethod
    def from_settings(cls, settings: Settings) -> ChatWriter:
        """The writer for ``settings.model`` at its OpenAI-compatible endpoint.

        Raises:
            SettingsError: neither a key nor an address is set, or one of them is unusable.
        """
        key, endpoint = _key(settings), _endpoint(settings)
        return cls(
            name=settings.model.strip(),
            endpoint=re.sub(r"//[^/]*@", "//", endpoint).partition("?")[0],
            remote=not is_loopback(endpoint),
            connect=lambda: _openai_like(settings, key, endpoint),
            secret=key,
            options={"stream_options": {"include_usage": True}},
        )

    def draft(
        self, question: str, sources: Sequence[Source], history: Sequence[Turn]
    ) -> Generator[Delta, None, None]:
        """The draft as it comes; closing the generator closes the connection.

        Raises:
            ModelError: the model cannot be reached or used, or says nothing.
            ModelInterruptedError: it failed after the text handed out so far.
        """
        said = False
        with closing(self.stream(build_prompt(question, sources, history))) as deltas:
            for delta in deltas:
                said = said or bool(delta.text.strip())
                yield delta
        if not said:
            raise ModelError(
                f"{self._where} sent an empty reply; check that RAG_MODEL names a chat model"
            )

    def repair(
        self, question: str, sources: Sequence[Source], draft: str, faults: Sequence[Removed]
    ) -> Delta:
        """One line for each fault, in order: its corrected sentence, or nothing.

        Raises:
            ModelError: as for ``draft``; an empty reply repairs nothing.
        """
        reply = self._whole(repair_prompt(question, sources, draft, faults))
        return Delta("\n".join(_by_fault(reply.text, len(faults))), reply.usage)

    def condense(self, question: str, history: Sequence[Turn]) -> Delta:
        """The question made independent of ``history``, on one line; may be empty.

        Raises:
            ModelError: as for ``draft``.
        """
        reply = self._whole(condense_prompt(question, history))
        return Delta(" ".join(reply.text.split()), reply.usage)

    @property
    def _where(self) -> str:
        return f"model {self.name!r} at {self.endpoint}"

    def _whole(self, messages: list[Message]) -> Delta:
        deltas = list(self.stream(messages))
        return Delta("".join(d.text for d in deltas), sum((d.usage for d in deltas), Usage()))

    def stream(self, messages: Sequence[Message], **options: Any) -> Generator[Delta, None, None]:
        """The reply as it comes, without what the model thinks aloud; raises as ``draft`` does.

        ``options`` go into the request; a server that rejects them is asked without.
        """
        from llama_index.core.llms import ChatMessage

        said, finish, tokens, heard = False, "", Usage(), time.monotonic()
        prompt = [ChatMessage(role=m["role"], content=m["content"]) for m in messages]
        answer, options = AfterReasoning(), {**self._options, **options}
        try:
            with self._connect() as llm, closing(_reply(llm, prompt, options)) as chunks:
                for chunk in chunks:
                    heard = time.monotonic()
                    finish, tokens = _finish(chunk) or finish, _tokens(chunk) or tokens
                    if text := answer.feed(chunk.delta or ""):
                        yield Delta(text, Usage() if said else Usage(calls=1))
                        said = True
        except Exception as error:
            if not finish:  # once the reply is whole, how the connection ends is no matter
                raise self._failure(error, said, time.monotonic() - heard) from _cause(error)
        yield Delta(answer.close(), tokens if said else tokens + Usage(calls=1))
        if finish in _BROKEN_OFF:
            raise ModelInterruptedError(f"the reply of {self._where} {_BROKEN_OFF[finish]}")

    def _failure(self, error: Exception, said: bool, silence: float) -> ModelError:
        found = _diagnose(error, silence)
        if self._secret:
            found = found.replace(self._secret, "***")
        if said:
            return ModelInterruptedError(
                f"{self._where} broke off in the middle of its reply: {found}"
            )
        return ModelError(f"{self._where} {found}")


def _key(settings: Settings) -> str:
    key = settings.openai_api_key.strip()
    if not (key or settings.openai_base_url.strip()):
        raise SettingsError(
            f"RAG_MODEL={settings.model} needs OPENAI_API_KEY, or OPENAI_BASE_URL for a server "
            "without a key; set one of them, or unset RAG_MODEL to answer without a model"
        )
    if not re.fullmatch(r"[!-~]*", key):  # the HTTP library would quote it in its complaint
        raise SettingsError(
            "OPENAI_API_KEY holds a space, a line break or another character that no key has; "
            "copy it again"
        )
    return key


def _endpoint(settings: Settings) -> str:
    endpoint = settings.endpoint.strip().rstrip("/")
    if not re.match(r"https?://[^/]", endpoint) or not _is_url(endpoint):
        raise SettingsError(
            "OPENAI_BASE_URL is not a web address; expected one like http://127.0.0.1:11434/v1"
        )
    return endpoint


def _is_url(text: str) -> bool:
    try:
        return bool(httpx.URL(text).host)
    except httpx.InvalidURL:
        return False


@contextmanager
def _openai_like(settings: Settings, key: str, endpoint: str) -> Iterator[LLM]:
    # The import takes seconds: only who asks a model pays for it.
    from llama_index.llms.openai_like import OpenAILike
    from openai import DefaultHttpxClient

    # A client of its own for each call: closing it is what stops a reply half-way, since
    # llama-index keeps the response out of reach.
    with DefaultHttpxClient(event_hooks={"response": [_expect_end]}) as client:
        yield OpenAILike(
            model=settings.model.strip(),
            api_base=endpoint,
            api_key=key or "none",
            is_chat_model=True,
            context_window=_CONTEXT_WINDOW,
            temperature=0.0,
            timeout=settings.timeout,
            max_retries=settings.retries,
            http_client=client,
        )


def _reply(
    llm: LLM, prompt: Sequence[Any], options: Mapping[str, Any]
) -> Generator[Any, None, None]:
    """The chunks of a reply; asked for again without those ``options`` that a server rejects."""
    import openai

    try:
        yield from llm.stream_chat(prompt, **options)
    except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
        named = {name for name in options if name in str(error)}
        # Servers without JSON schemas complain of many things: a grammar, a type, the request.
        if not (rejected := named or options.keys() & {"response_format"}):
            raise
        yield from _reply(llm, prompt, {k: v for k, v in options.items() if k not in rejected})


def _expect_end(response: httpx.Response) -> None:
    if "text/event-stream" in response.headers.get("content-type", ""):
        response.stream = _EventStream(response.stream)


class _EventStream(httpx.SyncByteStream):
    """An event stream that fails where it ends without its last event.

    Without a length, a connection lost half-way looks like the end of the reply.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        yield from self._stream
        # The protocol's reader stops at the last event, so whoever comes here missed it.
        raise httpx.RemoteProtocolError("the connection ended before the reply did")

    def close(self) -> None:
        self._stream.close()


def _finish(chunk: Any) -> str:
    choices = getattr(chunk.raw, "choices", None)
    return (choices[0].finish_reason or "") if choices else ""


def _tokens(chunk: Any) -> Usage | None:
    counts = chunk.additional_kwargs
    if "prompt_tokens" not in counts:
        return None
    return Usage(0, counts["prompt_tokens"] or 0, counts.get("completion_tokens") or 0)


def _by_fault(text: str, count: int) -> list[str]:
    """The reply's lines by the fault they are numbered for; unnumbered ones in their order."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    numbered = {int(m[1]): m[2] for m in map(_NUMBERED.fullmatch, lines) if m}
    if not numbered:
        numbered = dict(enumerate(lines, 1))
    fixed = [numbered.get(n, "").strip() for n in range(1, count + 1)]
    return ["" if NO_ANSWER in line else line for line in fixed]


def _cause(error: Exception) -> Exception | None:
    import openai

    # A server may quote the key in its reply; what the reply says of use is in our own line.
    return None if isinstance(error, openai.APIError) and error.body else error


def _diagnose(error: Exception, silence: float) -> str:
    """What went wrong and what to do about it, to follow "model X at Y"."""
    import openai

    if isinstance(error, openai.APIStatusError):
        return _diagnose_status(error)
    if isinstance(error, openai.APITimeoutError | httpx.TimeoutException):
        return f"was silent for {silence:.3g} s; check the server or raise RAG_TIMEOUT"
    if isinstance(error, openai.APIConnectionError):
        reason = brief(error.__cause__ or error)
        return f"cannot be reached ({reason}); check that it runs, or correct OPENAI_BASE_URL"
    if isinstance(error, httpx.TransportError):
        return f"lost the connection ({brief(error)}); ask again"
    if isinstance(error, openai.APIError):
        return f"reported an error ({brief(error.message)}); ask again, or see the server's log"
    return f"failed ({type(error).__name__}: {brief(error)}); check RAG_MODEL and the server"


def _diagnose_status(error: Any) -> str:
    status, body = error.status_code, error.body
    said = brief(body.get("message") or body if isinstance(body, dict) else body or "no reason")
    if status in (401, 403):  # its words quote the key
        return f"refused the API key ({status}); set OPENAI_API_KEY to a valid one"
    if status == 404:
        return (
            f"does not exist there (404: {said}); check RAG_MODEL, and that OPENAI_BASE_URL "
            "is the server's API address, often ending in /v1"
        )
    if status == 429:
        return f"is over its rate limit or quota (429: {said}); wait, or check the account"
    if status >= 500:
        return f"keeps failing ({status}: {said}); ask again later, or see the server's log"
    return f"refused the request ({status}: {said}); check that RAG_MODEL is a chat model"
