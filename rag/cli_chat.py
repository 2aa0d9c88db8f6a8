"""``rag chat``: the page, its API, ``/v1`` and MCP on one port."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated

import typer

from rag import resources
from rag.render import outbound
from rag.session import Debug, Json, Store, session, tell
from rag.settings import can_open_browser
from rag.web.access import RATE, UPLOAD_MB, Access

Model = Annotated[
    str | None,
    typer.Option("--model", metavar="NAME", help="Chat model that writes; default: RAG_MODEL."),
]


def chat(
    port: Annotated[int, typer.Option("--port", min=1, max=65535, metavar="N")] = 7860,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Open no browser.")] = False,
    collection: Annotated[
        list[str] | None,
        typer.Option(
            "--collection",
            metavar="NAME=DIR",
            help="A collection to choose, instead of --store. May be repeated.",
        ),
    ] = None,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Readers may ask, and change nothing.")
    ] = False,
    auth: Annotated[
        Path | None,
        typer.Option(
            "--auth", metavar="FILE", readable=False, help="Users who may log in; see rag user."
        ),
    ] = None,
    proxy_header: Annotated[
        str,
        typer.Option("--proxy-header", metavar="NAME", help="Header in which a proxy names users."),
    ] = "",
    proxy_from: Annotated[
        list[str] | None,
        typer.Option(
            "--proxy-from",
            metavar="ADDRESS",
            help="Proxies to believe; default: this machine. May be repeated.",
        ),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-host", metavar="NAME", help="Name that readers use. May be repeated."
        ),
    ] = None,
    rate: Annotated[
        int | None,
        typer.Option(
            "--rate",
            min=0,
            metavar="N",
            help=f"Questions a minute for each reader, 0: any number; default: {RATE}, "
            "or any number where only this machine can ask.",
        ),
    ] = None,
    max_upload_mb: Annotated[
        int, typer.Option("--max-upload-mb", min=1, metavar="N", help="Largest upload.")
    ] = UPLOAD_MB,
    model: Model = None,
    store: Store = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Serve the chat page, its API, /v1 and MCP until Ctrl+C."""
    shelves = _shelves(collection or ())
    if shelves and store is not None:
        raise typer.BadParameter("give either --store or --collection")
    with session(as_json, debug, store=store, model=model) as run:
        here = _is_loopback(host)
        closed = auth is not None or bool(proxy_header)
        if rate is None:
            rate = 0 if here and not closed else RATE
        access = Access(auth, proxy_header, tuple(proxy_from or Access().proxies),
                        tuple(allow_host or ()), rate, max_upload_mb)  # fmt: skip
        for line in outbound(run.settings):
            tell("notice", line)
        if not here and not closed:
            tell("warning", _open_door(host, read_only))
        if as_json:
            run.show({"url": f"http://{host}:{port}/"}, "")
            run.output.flush()
        resources.module("app").launch(
            run.settings,
            host=host,
            port=port,
            open_browser=not no_browser and can_open_browser(),
            shelves=shelves,
            access=access,
            read_only=read_only,
        )


def _shelves(given: Sequence[str]) -> dict[str, Path]:
    shelves: dict[str, Path] = {}
    for item in given:
        name, equals, folder = item.partition("=")
        name = " ".join(name.split())
        if not (equals and name and folder) or len(name) > 60 or not name.isprintable():
            raise typer.BadParameter(f"{item!r}: expected NAME=DIR", param_hint="--collection")
        if name in shelves:
            raise typer.BadParameter(f"{name!r} is given twice", param_hint="--collection")
        shelves[name] = Path(folder).expanduser()
    return shelves


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _open_door(host: str, read_only: bool) -> str:
    can = "ask" if read_only else "ask, add papers and remove them"
    return (
        f"everyone who can reach {host} can {can}, without a login and unencrypted; "
        "see --auth and --read-only, and docs/serving.md"
    )
