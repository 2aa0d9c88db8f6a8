"""Who is asking: the user who is logged in, or a browser that comes again."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from starlette.types import Scope

NOBODY = "local"
"""The visitor of a call that came by no server of ours, as in a test."""
_KEY = "footnote.visitor"
_ID = re.compile(r"[\w-]{22}")


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whose request it is."""

    name: str
    """The user's name, or without logins an id that only this browser knows."""
    address: str = ""
    user: bool = False
    """Whether there was a login."""
    may_leave: bool = False
    """Whether it was by our own form, so that it can be ended here."""

    @property
    def counted_as(self) -> str:
        """Under what name requests are counted: a browser can always forget its id."""
        return f"user {self.name}" if self.user else f"address {self.address}"


def visitor(request: Any) -> str:
    """The name under which to keep what belongs to whoever sent ``request``.

    Args:
        request: a ``gr.Request`` or Starlette's; None, or one that did not pass our server:
            the one visitor ``NOBODY``.
    """
    return visitor_of(request).name


def visitor_of(request: Any) -> Visitor:
    """The same with all that is known."""
    # A gr.Request wraps the other, and copies what is asked of it by way of JSON.
    scope: Scope = getattr(getattr(request, "request", request), "scope", None) or {}
    found = scope.get(_KEY)
    return found if isinstance(found, Visitor) else Visitor(NOBODY)


def note(scope: Scope, who: Visitor) -> None:
    """Let ``visitor`` know whose request it is."""
    scope[_KEY] = who


def new_id() -> str:
    """An id that nobody can guess: 128 random bits, safe in a file's name."""
    return secrets.token_urlsafe(16)


def is_id(text: str) -> bool:
    """Whether ``text`` can be such an id."""
    return bool(_ID.fullmatch(text))
