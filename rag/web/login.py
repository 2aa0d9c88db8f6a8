"""How a visitor says who they are: a form and a signed cookie, a password or a token."""

from __future__ import annotations

import json
import time
from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from hmac import compare_digest
from html import escape

from rag.web.accounts import Accounts
from rag.web.limits import BusyError, Rate

COOKIE = "footnote_session"
DAYS = 14
_ADDRESS_FAILURES, _NAME_FAILURES = (10, 300), (50, 3600)


class Door:
    """Knows the users by what they show; counts what did not fit, and slows down who guesses."""

    def __init__(self, accounts: Accounts) -> None:
        self.accounts = accounts
        self._by_address = Rate(*_ADDRESS_FAILURES)
        self._by_name = Rate(*_NAME_FAILURES)

    def log_in(self, name: str, password: str, address: str) -> bool:
        """Whether name and password fit.

        Raises:
            BusyError: too many did not, from this address or for this name.
        """
        wait = max(self._by_address.wait(address), self._by_name.wait(name))
        if wait:
            raise BusyError(f"too many failed logins; try again in {wait} seconds", wait)
        if self.accounts.has_password(name, password):
            return True
        self._by_address.take(address)
        self._by_name.take(name)
        return False

    def show(self, authorization: str, address: str) -> str | None:
        """Who sends this ``Authorization`` header; None: nobody that is known.

        Raises:
            BusyError: as for ``log_in``.
        """
        kind, _, given = authorization.strip().partition(" ")
        given = given.strip()
        if kind.lower() == "bearer":  # 256 random bits: nobody guesses them, however fast
            return self.accounts.of_token(given)
        if kind.lower() == "basic":
            try:
                name, _, password = b64decode(given, validate=True).decode().partition(":")
            except (NotBase64, UnicodeDecodeError):
                return None
            return name if self.log_in(name, password, address) else None
        return None

    def cookie(self, name: str) -> str:
        """What a browser is given at login."""
        facts = urlsafe_b64encode(json.dumps([name, int(time.time())]).encode()).decode()
        return f"{facts}.{self.accounts.sign(name, facts)}"

    def of_cookie(self, value: str) -> str | None:
        """Whom a browser logged in as; None: it did not, or too long ago."""
        facts, _, signature = value.partition(".")
        try:
            name, since = json.loads(urlsafe_b64decode(facts))
            expected = self.accounts.sign(name, facts)
        except (ValueError, TypeError):
            return None
        if expected is None or not compare_digest(expected.encode(), signature.encode()):
            return None
        return name if time.time() - since < DAYS * 86_400 else None


def page(problem: str = "", next_path: str = "/", name: str = "") -> str:
    """The login form, without a script."""
    told = f'<p role="alert">{escape(problem)}</p>' if problem else ""
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Log in · Footnote</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head>
<body><main><h1>Footnote<sup aria-hidden="true">1</sup></h1>{told}
<form method="post" action="login"><input type="hidden" name="next" value="{escape(next_path)}">
<label>Name<input name="username" autocomplete="username" autocapitalize="none" required
 value="{escape(name)}"{"" if name else " autofocus"}></label>
<label>Password<input name="password" type="password" autocomplete="current-password" required
 {"autofocus" if name else ""}></label>
<button>Log in</button></form></main></body></html>
"""


STYLE = """
:root { color-scheme: light dark; --ground: #fbfaf8; --ink: #1d2126; --line: #8a8f98;
  --accent: #1f5fa8; --alarm: #a3211f }
@media (prefers-color-scheme: dark) { :root { --ground: #16181b; --ink: #e8e6e1;
  --line: #7d838c; --accent: #8ab8f0; --alarm: #ff9d94 } }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--ground);
  color: var(--ink); font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif }
main { width: min(22rem, 100vw - 2rem) }
h1 { font-size: 1.6rem; margin: 0 0 1rem } sup { color: var(--accent); font-size: .6em }
label { display: block; margin-bottom: .9rem; font-size: .9rem }
input { display: block; box-sizing: border-box; width: 100%; margin-top: .25rem; padding: .55rem;
  font: inherit; color: inherit; background: transparent; border: 1px solid var(--line);
  border-radius: .35rem }
button { padding: .55rem 1.2rem; font: inherit; color: var(--ground); background: var(--accent);
  border: 0; border-radius: .35rem; cursor: pointer }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px }
[role=alert] { color: var(--alarm) }
"""
"""Shared with the page that says that Footnote is starting."""
