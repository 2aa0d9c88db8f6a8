"""``rag user``: who may log in to a shared page."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from rag.errors import InputError
from rag.session import Debug, Json, session, tell
from rag.web import accounts

user_app = typer.Typer(
    help="Who may log in to the page: rag chat --auth FILE.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Of the user.")]
Auth = Annotated[
    Path, typer.Option("--auth", metavar="FILE", readable=False, help="The file of users.")
]


@user_app.command()
def add(name: Name, auth: Auth, as_json: Json = False, debug: Debug = False) -> None:
    """Add a user, or give one a new password; it is asked for, or read from standard input."""
    with session(as_json, debug) as run:
        new = accounts.set_password(auth, name, _password())
        what = "added" if new else "has a new password; logins made with the old one end"
        run.show({"user": name, "added": new}, f"{name} {what}")


@user_app.command()
def token(name: Name, auth: Auth, as_json: Json = False, debug: Debug = False) -> None:
    """Make a token with which a user's programs come in; it is shown this once."""
    with session(as_json, debug) as run:
        made = accounts.new_token(auth, name)
        run.show({"user": name, "token": made}, made)


@user_app.command()
def revoke(name: Name, auth: Auth, as_json: Json = False, debug: Debug = False) -> None:
    """Make all of a user's tokens useless."""
    with session(as_json, debug) as run:
        count = accounts.drop_tokens(auth, name)
        run.show({"user": name, "revoked": count}, f"{count} tokens of {name} are useless now")


@user_app.command()
def remove(name: Name, auth: Auth, as_json: Json = False, debug: Debug = False) -> None:
    """Take a user out; logins and tokens end at once."""
    with session(as_json, debug) as run:
        accounts.drop_user(auth, name)
        run.show({"user": name}, f"{name} is out")


@user_app.command(name="list")
def list_users(auth: Auth, as_json: Json = False, debug: Debug = False) -> None:
    """List the users, and how many tokens each has."""
    with session(as_json, debug) as run:
        users = accounts.read(auth).users
        rows = [{"user": name, "tokens": len(user.tokens)} for name, user in users.items()]
        run.show(rows, "\n".join(f"{row['user']}  {row['tokens']} tokens" for row in rows))


def _password() -> str:
    if sys.stdin.isatty():
        tell("notice", f"the password has to have {accounts.SHORTEST_PASSWORD} characters or more")
        given: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
        return given
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise InputError("there is no password; type one, or send it on standard input")
    return line
