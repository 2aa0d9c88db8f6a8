"""Who may reach the server and how much they may ask of it: what ``rag chat`` was told."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from pathlib import Path

from rag.errors import InputError

RATE = 30
"""Questions a minute for each visitor, unless only this machine can reach the page."""
UPLOAD_MB = 50


@dataclass(frozen=True, slots=True)
class Access:
    """The rules at the door; those of a page that only this machine can reach."""

    auth: Path | None = None
    """The file of users; None: nobody logs in."""
    proxy_header: str = ""
    """The header in which a proxy names the user; empty: none does."""
    proxies: tuple[str, ...] = ("127.0.0.1", "::1")
    """Addresses or networks of proxies whose word counts."""
    hosts: tuple[str, ...] = ()
    """Names under which the server is reached, besides addresses and this machine's own name."""
    rate: int = 0
    """Questions a minute for each visitor; 0: as many as they like."""
    upload_mb: int = UPLOAD_MB
    """The largest upload."""

    @property
    def closed(self) -> bool:
        """Whether a visitor has to be known."""
        return self.auth is not None or bool(self.proxy_header)

    def __post_init__(self) -> None:
        for proxy in self.proxies:
            try:
                ip_network(proxy, strict=False)
            except ValueError as error:
                raise InputError(
                    f"{proxy!r} is no address of a proxy; give one such as 10.0.0.7 or 10.0.0.0/8"
                ) from error

    def trusts(self, address: str) -> bool:
        """Whether the peer at ``address`` is one of the proxies."""
        try:
            peer = ip_address(address)
        except ValueError:  # a Unix socket, or a test
            return False
        return any(peer in ip_network(proxy, strict=False) for proxy in self.proxies)

    def answers_to(self, host: str) -> bool:
        """Whether a browser that asks for ``host`` means this server.

        A name that an attacker's page resolves to this machine (DNS rebinding) is none of
        ours; an address cannot be rebound.
        """
        if not host:
            return False
        own = {"localhost", socket.gethostname().lower(), *(h.lower() for h in self.hosts)}
        return host in own or _is_address(host)


def host_of(header: str) -> str:
    """The host in a ``Host`` header, without its port, in lower case."""
    host = header.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] if host.count(":") == 1 else host


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
