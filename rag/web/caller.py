"""Where a request comes from, as far as it can be believed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from rag.web.access import Access

if TYPE_CHECKING:
    from starlette.datastructures import Headers
    from starlette.types import Scope


@dataclass(frozen=True, slots=True)
class Caller:
    """What a request says of itself, as far as it is believed."""

    address: str
    host: str
    """Of the server, as the browser wrote it, with its port."""
    secure: bool
    """Whether the browser came by https."""
    claimed: str
    """The user that a proxy names; empty: none does."""


def caller_of(scope: Scope, headers: Headers, access: Access) -> Caller:
    """What to believe of a request; what only a proxy may say is taken out of the others'."""
    peer = (scope.get("client") or ("", 0))[0]
    trusted = access.trusts(peer)
    claimed = access.proxy_header.lower()
    address, host, user = peer, headers.get("host", ""), ""
    secure = scope.get("scheme") == "https"
    if trusted:
        chain = [part.strip() for part in headers.get("x-forwarded-for", "").split(",")]
        address = next((each for each in reversed(chain) if _outside(each, access)), peer)
        host = headers.get("x-forwarded-host", "").partition(",")[0].strip() or host
        secure = secure or headers.get("x-forwarded-proto", "").startswith("https")
        user = headers.get(claimed, "").strip() if claimed else ""
    else:
        scope["headers"] = [
            (key, value)
            for key, value in scope["headers"]
            if not key.startswith(b"x-forwarded-") and key != claimed.encode("latin-1")
        ]
    return Caller(address, host, secure, user)


def _outside(address: str, access: Access) -> bool:
    try:
        return bool(ip_address(address)) and not access.trusts(address)
    except ValueError:
        return False


def from_own_page(method: str, headers: Headers, host: str) -> bool:
    """Whether no other web page made a browser send this request.

    Browsers name the page in ``Origin`` (RFC 6454) and its relation to us in ``Sec-Fetch-Site``
    (W3C Fetch Metadata); programs send neither. Another page may link here, no more.
    """
    origin = headers.get("origin")
    if origin is not None and _bare(urlsplit(origin).netloc) != _bare(host):
        return False
    if headers.get("sec-fetch-site", "none") in ("none", "same-origin"):
        return True
    return method in ("GET", "HEAD") and headers.get("sec-fetch-mode") == "navigate"


def _bare(netloc: str) -> str:
    return re.sub(r":(?:80|443)$", "", netloc.strip().lower())
