"""``/v1``: Footnote as a model, for programs that speak to OpenAI's chat completions.

https://platform.openai.com/docs/api-reference/chat. A collection is a model. The last message
of the user is the question, what was said before it the conversation; system messages and
sampling settings have no effect, since Footnote's prompts are its own.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable
from contextlib import AsyncExitStack, aclosing
from typing import TYPE_CHECKING, Any, TypeVar, cast

from pydantic import ValidationError

from rag.errors import InputError, ModelError, RagError, StoreError
from rag.render import to_dict
from rag.types import Answer, Event, Found, Sentence, Turn
from rag.web.background import in_thread
from rag.web.completions import ChatRequest, Reply, model_ids, usage_of
from rag.web.exchange import UNEXPECTED
from rag.web.limits import BusyError, Limits
from rag.web.programs import Programs
from rag.web.refusals import openai_error, refusal
from rag.web.transcript import Telling, url_citations
from rag.web.visitors import visitor_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class V1:
    """The endpoints over a site's collections."""

    def __init__(self, programs: Programs, limits: Limits) -> None:
        self.programs, self.limits = programs, limits
        self.models = model_ids([each.name for each in programs.site.collections])
        self._since = int(time.time())

    async def list_models(self, _request: Request) -> Response:
        """``GET /v1/models``."""
        from starlette.responses import JSONResponse

        return JSONResponse({"object": "list", "data": [self._model(id) for id in self.models]})

    async def model(self, request: Request) -> Response:
        """``GET /v1/models/ID``."""
        from starlette.responses import JSONResponse

        id = request.path_params["id"]
        return JSONResponse(self._model(id)) if id in self.models else self._no_model(id)

    async def nothing(self, request: Request) -> Response:
        """Whatever else lies under ``/v1``."""
        served = "GET /v1/models and POST /v1/chat/completions"
        return refusal(request.url.path, 404, f"there is nothing here; there are {served}")

    async def chat(self, request: Request) -> Response:
        """``POST /v1/chat/completions``."""
        try:
            asked = ChatRequest.model_validate_json(await request.body())
            if asked.model not in self.models:
                return self._no_model(asked.model)
            question, history = asked.conversation()
            return await self._answer(request, asked, question, history)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            return refusal("/v1", 400, f"{where or 'the request'}: {first['msg']}", param=where)
        except RagError as error:
            return _refused(error)
        except _GoneError:
            return refusal("/v1", 499, "the client has left")
        except Exception:
            _log.exception("a question by /v1 failed")
            return refusal("/v1", 500, UNEXPECTED)

    async def _answer(
        self, request: Request, asked: ChatRequest, question: str, history: tuple[Turn, ...]
    ) -> Response:
        from starlette.responses import JSONResponse

        reply = Reply(f"chatcmpl-{uuid.uuid4().hex}", asked.model, int(time.time()))
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.limits.place(visitor_of(request).counted_as))
            events = in_thread(self.programs.ask(question, history, self.models[asked.model]))
            await stack.enter_async_context(aclosing(events))
            if asked.stream:
                # What is wrong with the question becomes a status, not the end of a stream.
                first = await _unless_gone(request, _first(events))
                with_usage = bool(asked.stream_options and asked.stream_options.include_usage)
                held = _Held(_told(reply, first, events, with_usage), stack.pop_all())
                return cast("Response", held)  # any ASGI application will do
            answer = await _unless_gone(request, _last(events))
            return JSONResponse(reply.completion(answer))

    def _model(self, id: str) -> dict[str, Any]:
        return {"id": id, "object": "model", "created": self._since, "owned_by": "footnote"}

    def _no_model(self, id: str) -> Response:
        known = ", ".join(self.models)
        return refusal(
            "/v1", 404, f"there is no model {id[:100]!r}; there are: {known}",
            code="model_not_found", param="model",
        )  # fmt: skip


# --- events -----------------------------------------------------------------------------


class _GoneError(Exception):
    """The client hung up."""


async def _first(events: AsyncGenerator[Event, None]) -> Event:
    """The first event that means that an answer is under way."""
    async for event in events:
        if isinstance(event, Found | Answer):
            return event
    raise AssertionError("a stream ends with its answer")


async def _last(events: AsyncGenerator[Event, None]) -> Answer:
    async for event in events:
        if isinstance(event, Answer):
            return event
    raise AssertionError("a stream ends with its answer")


async def _unless_gone(request: Request, work: Awaitable[_T]) -> _T:
    """What ``work`` gives; it is ended when the client hangs up."""

    async def hung_up() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    done, gone = asyncio.ensure_future(work), asyncio.ensure_future(hung_up())
    try:
        await asyncio.wait({done, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not done.done():
            raise _GoneError
        return await done
    finally:
        for task in (done, gone):
            task.cancel()
        await asyncio.gather(done, gone, return_exceptions=True)


async def _told(
    reply: Reply, first: Event, events: AsyncGenerator[Event, None], with_usage: bool
) -> AsyncIterator[str]:
    """The events of a stream in the protocol's form; every sentence when it is checked."""
    yield reply.chunk({"role": "assistant", "content": ""})
    telling = Telling()
    try:
        event = first
        while True:
            if isinstance(event, Sentence):
                yield reply.chunk({"content": telling.more(event)})
            if isinstance(event, Answer):
                break
            event = await anext(events)
    except Exception as error:
        if not isinstance(error, RagError):
            _log.exception("a question by /v1 failed")
        known = isinstance(error, RagError)
        message = str(error) if known else UNEXPECTED
        yield f"data: {json.dumps(openai_error(_status(error), message))}\n\n"
        return
    yield reply.chunk({"content": telling.rest(event)})
    notes = url_citations(telling.text, event)
    yield reply.chunk({"annotations": notes} if notes else {}, "stop", footnote=to_dict(event))
    if with_usage:
        yield reply.event([], usage=usage_of(event.usage))
    yield "data: [DONE]\n\n"


class _Held:
    """A reply that lets go of its place and its model when it ends, however it ends."""

    def __init__(self, body: AsyncIterator[str], held: AsyncExitStack) -> None:
        self.body, self.held = body, held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it: as an ASGI application."""
        from starlette.responses import StreamingResponse

        # X-Accel-Buffering: a proxy such as nginx must not keep sentences back.
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        async with self.held:
            reply = StreamingResponse(self.body, media_type="text/event-stream", headers=headers)
            await reply(scope, receive, send)


def _refused(error: RagError) -> Response:
    seconds = error.seconds if isinstance(error, BusyError) else 0
    return refusal("/v1", _status(error), str(error), seconds=seconds)


def _status(error: Exception) -> int:
    kinds = {InputError: 400, BusyError: 429, ModelError: 502, StoreError: 503}
    return next((status for kind, status in kinds.items() if isinstance(error, kind)), 500)
