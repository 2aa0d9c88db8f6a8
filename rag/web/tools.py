"""The MCP server: tools search, ask and check for the models of others.

https://modelcontextprotocol.io, by the official package. Over HTTP it is an ASGI application of
its own beside the page (Gradio's ``mcp_server=True`` would offer the page's buttons as tools);
over standard input and output it is ``rag mcp``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import fields
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import CallToolResult, TextContent, ToolAnnotations
from pydantic import BaseModel, Field, create_model

from rag import __version__
from rag.documents import SearchRow
from rag.errors import RagError
from rag.render import checked_to_markdown, to_dict, to_markdown
from rag.types import Answer, CheckedDraft, Status
from rag.web.background import in_thread
from rag.web.limits import Limits
from rag.web.programs import LONGEST_TEXT, MOST_ROWS, Programs
from rag.web.visitors import visitor_of

if TYPE_CHECKING:
    from starlette.applications import Starlette


def _model(kind: type) -> type[BaseModel]:
    """The same fields as a pydantic model: MCPServer makes no schema of a slotted dataclass."""
    hints = get_type_hints(kind)
    shape: dict[str, Any] = {field.name: (hints[field.name], ...) for field in fields(kind)}
    return create_model(kind.__name__, **shape)


class Found(BaseModel):
    """What the search tool returns."""

    papers: list[SearchRow]


Answered: Any = _model(Answer)
Checked: Any = _model(CheckedDraft)
Question = Annotated[str, Field(description="The question, in plain words.")]
Text = Annotated[
    str, Field(description=f"The text, {LONGEST_TEXT:,} characters at most.", min_length=1)
]
Count = Annotated[int, Field(description="Papers at most.", ge=1, le=MOST_ROWS)]
Where = Annotated[str, Field(description="A collection's name; empty: the first one.")]
_READS = ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)


class Tools:
    """The tools over a site's collections."""

    def __init__(self, programs: Programs, limits: Limits) -> None:
        self.programs, self.limits = programs, limits

    async def search(
        self, ctx: Context, question: Question, k: Count = 10, collection: Where = ""
    ) -> Annotated[CallToolResult, Found]:
        """List the papers of the collection nearest to a question, best first.

        Each comes with its title, abstract, year, address and the passage that fits best. Use
        it to look around; to get an answer whose every sentence is checked, use ask.
        """
        async with self._turn(ctx):
            rows = await asyncio.to_thread(self.programs.search, question, k, collection)
        lines = [f"{row.rank}. {_named(row)}\n   {row.passage.text}" for row in rows]
        return _result("\n".join(lines) or "No papers.", {"papers": rows})

    async def ask(
        self, ctx: Context, question: Question, collection: Where = ""
    ) -> Annotated[CallToolResult, Answered]:
        """Answer a question from the collection's abstracts.

        Every sentence of the answer cites its papers as [n], and each was checked against
        them; what they do not support was removed and is listed with the reason. Where the
        collection holds no answer, the result says so (refused) and names the nearest papers:
        then do not answer from elsewhere as if it came from these papers. Keep the [n] with
        the sentences that you quote.
        """
        async with (
            self._turn(ctx),
            aclosing(in_thread(self.programs.ask(question, collection=collection))) as events,
        ):
            step = 0
            async for event in events:
                step += 1
                if isinstance(event, Status):
                    await ctx.report_progress(step, message=event.text)
                last = event
        assert isinstance(last, Answer)
        return _result(to_markdown(last), last)

    async def check(
        self, ctx: Context, text: Text, collection: Where = ""
    ) -> Annotated[CallToolResult, Checked]:
        """Check a text: which of its sentences do papers of the collection support?

        Each sentence comes back with a verdict (kept or not), the reason, and the passages
        that support it. Citations in the text itself are left out of account.
        """
        async with self._turn(ctx):
            checked = await asyncio.to_thread(self.programs.check, text, collection)
        return _result(checked_to_markdown(checked), checked)

    @asynccontextmanager
    async def _turn(self, ctx: Context) -> AsyncIterator[None]:
        who = visitor_of(ctx.request_context.request)
        try:
            async with self.limits.place(who.counted_as):
                yield
        except RagError as error:
            raise ToolError(str(error)) from error


def make_server(programs: Programs, limits: Limits) -> MCPServer:
    """The server, not yet connected to anything."""
    names = [each.name for each in programs.site.collections]
    server = MCPServer(
        "footnote",
        title="Footnote",
        version=__version__,
        instructions="Answers from a collection of paper abstracts, each sentence cited and "
        f"checked. Collections: {', '.join(names)}.",
        log_level="WARNING",
    )
    tools = Tools(programs, limits)
    for title, tool in (
        ("Search the papers", tools.search),
        ("Ask the papers", tools.ask),
        ("Check a text against the papers", tools.check),
    ):
        server.add_tool(tool, title=title, annotations=_READS, structured_output=True)
    return server


def http_app(server: MCPServer) -> Starlette:
    """Streamable HTTP at ``/mcp``; sessions are not kept, each request stands for itself."""
    from mcp.server.transport_security import TransportSecuritySettings

    # The guard has looked at host and origin already.
    open_door = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    return server.streamable_http_app(stateless_http=True, transport_security=open_door)


def _result(text: str, document: Any) -> CallToolResult:
    return CallToolResult(
        content=[TextContent(type="text", text=text)], structured_content=to_dict(document)
    )


def _named(row: SearchRow) -> str:
    year = f" ({row.paper.year})" if row.paper.year else ""
    return f"{row.paper.title}{year} [{row.paper.id}]{f' {row.paper.url}' if row.paper.url else ''}"
