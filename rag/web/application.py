"""The application around the page: what stands beside it, behind one door."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any

from rag import __version__
from rag.web.access import Access
from rag.web.guard import Guard
from rag.web.headers import LocalOnly
from rag.web.limits import Limits
from rag.web.programs import Programs
from rag.web.site import Site
from rag.web.uploads import UploadsOnly
from rag.web.v1 import V1

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.responses import Response


def application(site: Site, access: Access, limits: Limits) -> FastAPI:
    """Everything but the page, which is to be mounted at its root."""
    from fastapi import FastAPI
    from starlette.middleware import Middleware

    from rag.web.tools import http_app, make_server

    programs = Programs(site)
    tools = http_app(make_server(programs, limits))
    v1 = V1(programs, limits)

    def lifespan(_app: FastAPI) -> AbstractAsyncContextManager[Any]:
        return tools.router.lifespan_context(tools)

    # FastAPI only because Gradio mounts itself on no less.
    app = FastAPI(
        openapi_url=None,
        lifespan=lifespan,
        middleware=[
            Middleware(LocalOnly),
            Middleware(Guard, access=access),
            Middleware(UploadsOnly),
        ],
    )
    app.router.add_route("/healthz", _health)
    app.router.add_route("/v1/models", v1.list_models, methods=["GET"])
    app.router.add_route("/v1/models/{id:path}", v1.model, methods=["GET"])
    app.router.add_route("/v1/chat/completions", v1.chat, methods=["POST"])
    app.router.add_route("/v1/{rest:path}", v1.nothing, methods=["GET", "POST"])
    app.router.routes.extend(tools.routes)
    return app


async def _health(_request: Request) -> Response:
    from starlette.responses import JSONResponse

    return JSONResponse({"status": "ok", "version": __version__})
