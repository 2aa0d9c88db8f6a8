"""How the server says no to a program: the shape that its protocol expects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from starlette.responses import Response

_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
_CODES = {401: "invalid_api_key", 404: "not_found", 429: "rate_limit_exceeded"}


def refusal(
    path: str, status: int, message: str, *, seconds: int = 0, code: str = "", param: str = ""
) -> Response:
    """A JSON reply: OpenAI's error object under ``/v1``, ``{"detail": …}`` elsewhere.

    Args:
        path: what was asked for.
        status: of HTTP.
        message: one line: what is wrong and what to do.
        seconds: for the ``Retry-After`` header.
        code: OpenAI's name of the error; empty: the usual one for this status.
        param: the part of the request that is wrong.
    """
    from starlette.responses import JSONResponse

    headers = {"Retry-After": str(seconds)} if seconds else {}
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="Footnote"'
    if path == "/v1" or path.startswith("/v1/"):
        return JSONResponse(openai_error(status, message, code, param), status, headers)
    return JSONResponse({"detail": message}, status, headers)


def openai_error(status: int, message: str, code: str = "", param: str = "") -> dict[str, Any]:
    """OpenAI's error object."""
    kind = _TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    error = {"message": message, "type": kind, "param": param or None,
             "code": code or _CODES.get(status)}  # fmt: skip
    return {"error": error}
