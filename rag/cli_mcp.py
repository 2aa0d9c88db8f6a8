"""``rag mcp``: the collection as tools for a model's program, over standard input and output."""

from __future__ import annotations

from contextlib import redirect_stdout

from rag.cli_chat import Model
from rag.render import outbound
from rag.session import Debug, Store, session, tell


def mcp(model: Model = None, store: Store = None, debug: Debug = False) -> None:
    """Serve the tools search, ask and check by MCP on standard input and output."""
    with session(True, debug, store=store, model=model) as run:
        import anyio

        from rag import sample
        from rag.assistant import Assistant
        from rag.web.limits import Limits
        from rag.web.programs import Programs
        from rag.web.site import Collection, Site
        from rag.web.tools import make_server

        for line in outbound(run.settings):
            tell("notice", line)
        with sample.open_library(run.settings, lambda line: tell("notice", line)) as library:
            site = Site((Collection("Library", Assistant(library)),), read_only=True)
            server = make_server(Programs(site), Limits())
            # The one thing that may write to standard output; it keeps all else from it itself.
            with redirect_stdout(run.output):
                anyio.run(server.run_stdio_async)
