"""Who may use a shared page: a file of users with hashed passwords and tokens.

Passwords are hashed with scrypt (RFC 7914), each with a salt of its own. Tokens are 256 random
bits, so a plain SHA-256 of them is enough; they are shown once and never stored.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
import threading
from base64 import b64decode, b64encode
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from rag.errors import InputError, SettingsError

SHORTEST_PASSWORD = 8
_NAME = re.compile(r"[\w.@+-]{1,64}")
# 16 MiB and some 50 ms for each guess: the smaller of the two common choices, for small machines.
_N, _R, _P = 2**14, 8, 1
_REMEMBERED = 256


@dataclass(frozen=True, slots=True)
class User:
    """A password's hash, and the SHA-256 of each token."""

    password: str
    tokens: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Register:
    """The file's content; ``secret`` signs the cookies of those who are logged in."""

    secret: str
    users: Mapping[str, User]


class Accounts:
    """The users of one file, read anew when it changes. Threads may share it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._read: tuple[tuple[int, int], Register] | None = None
        self._right: dict[bytes, None] = {}
        self._key = secrets.token_bytes(32)

    @property
    def register(self) -> Register:
        """What the file holds now.

        Raises:
            SettingsError: it cannot be read, or is no such file.
        """
        try:
            facts = self.path.stat()
        except OSError as error:
            raise _unreadable(self.path, error) from error
        version = (facts.st_mtime_ns, facts.st_size)
        with self._lock:
            if self._read is None or self._read[0] != version:
                self._read = (version, read(self.path))
            return self._read[1]

    def has_password(self, name: str, password: str) -> bool:
        """Whether the user's password is this one; as slow for a user that does not exist."""
        user = self.register.users.get(name)
        held = user.password if user else _NOBODY
        proof = "\0".join((name, password, held)).encode()
        seen = hmac.digest(self._key, proof, "sha256")
        with self._lock:
            if seen in self._right:  # a program sends its password with each request
                return True
        right = _is_right(password, held) and user is not None
        if right:
            with self._lock:
                self._right[seen] = None
                if len(self._right) > _REMEMBERED:
                    del self._right[next(iter(self._right))]
        return right

    def of_token(self, token: str) -> str | None:
        """Whose token this is; None: nobody's."""
        given, owner = _digest(token), None
        for name, user in self.register.users.items():
            if any(hmac.compare_digest(given, held) for held in user.tokens):
                owner = name
        return owner

    def sign(self, name: str, text: str) -> str | None:
        """A signature that ends with the user's password; None: there is no such user."""
        register = self.register
        if name not in register.users:
            return None
        key = f"{register.secret}\0{register.users[name].password}".encode()
        return hmac.new(key, f"{name}\0{text}".encode(), "sha256").hexdigest()


# --- the file ---------------------------------------------------------------------------


def read(path: Path) -> Register:
    """The file's content.

    Raises:
        SettingsError: it cannot be read, or is no such file.
    """
    try:
        return TypeAdapter(Register).validate_json(path.read_bytes())
    except OSError as error:
        raise _unreadable(path, error) from error
    except ValidationError as error:
        raise SettingsError(
            f"{path} is no file of users ({error.errors()[0]['msg']}); "
            f"make one: rag user add NAME --auth {path}"
        ) from error


def set_password(path: Path, name: str, password: str) -> bool:
    """Add a user, or give one a new password; true if the user is new.

    Raises:
        InputError: the name or the password is no good.
        SettingsError: the file cannot be read or written.
    """
    if not _NAME.fullmatch(name):
        raise InputError(
            f"{name!r} is no name for a user; use 1 to 64 letters, digits and . _ @ + -"
        )
    if len(password) < SHORTEST_PASSWORD:
        raise InputError(f"the password is too short; give {SHORTEST_PASSWORD} characters or more")
    register = read(path) if path.exists() else Register(secrets.token_hex(32), {})
    known = register.users.get(name)
    user = User(_hashed(password), known.tokens if known else ())
    _write(path, Register(register.secret, {**register.users, name: user}))
    return known is None


def new_token(path: Path, name: str) -> str:
    """Make a token for a user's programs.

    Raises:
        InputError: there is no such user.
        SettingsError: the file cannot be read or written.
    """
    register = read(path)
    user = _user(register, name, path)
    token = f"fn-{secrets.token_urlsafe(32)}"
    user = User(user.password, (*user.tokens, _digest(token)))
    _write(path, Register(register.secret, {**register.users, name: user}))
    return token


def drop_tokens(path: Path, name: str) -> int:
    """Make all of a user's tokens useless; returns how many there were.

    Raises:
        InputError: there is no such user.
        SettingsError: the file cannot be read or written.
    """
    register = read(path)
    user = _user(register, name, path)
    _write(path, Register(register.secret, {**register.users, name: User(user.password)}))
    return len(user.tokens)


def drop_user(path: Path, name: str) -> None:
    """Take a user out, with tokens and logins.

    Raises:
        InputError: there is no such user.
        SettingsError: the file cannot be read or written.
    """
    register = read(path)
    _user(register, name, path)
    _write(
        path,
        Register(register.secret, {n: user for n, user in register.users.items() if n != name}),
    )


def _user(register: Register, name: str, path: Path) -> User:
    if name not in register.users:
        known = ", ".join(sorted(register.users)) or "none"
        raise InputError(f"{path} has no user {name!r}; it has: {known}")
    return register.users[name]


def _write(path: Path, register: Register) -> None:
    text = json.dumps(TypeAdapter(Register).dump_python(register, mode="json"), indent=2) + "\n"
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        draft.replace(path)
    except OSError as error:
        with suppress(OSError):
            draft.unlink()
        raise SettingsError(
            f"{path} cannot be written: {error.strerror}; name a file in a folder of yours"
        ) from error


def _unreadable(path: Path, error: OSError) -> SettingsError:
    return SettingsError(
        f"{path} cannot be read: {error.strerror}; add a user: rag user add NAME --auth {path}"
    )


# --- hashes -----------------------------------------------------------------------------


def _hashed(password: str) -> str:
    salt = secrets.token_bytes(16)
    return f"scrypt${_N}${_R}${_P}${_text(salt)}${_text(_scrypt(password, salt, _N, _R, _P))}"


def _is_right(password: str, held: str) -> bool:
    kind, n, r, p, salt, wanted = held.split("$")
    assert kind == "scrypt"
    made = _scrypt(password, b64decode(salt), int(n), int(r), int(p))
    return hmac.compare_digest(made, b64decode(wanted))


def _scrypt(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    # surrogatepass: what a client sends may be no text at all, and is then simply wrong.
    secret = password.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(secret, salt=salt, n=n, r=r, p=p, maxmem=256 * n * r, dklen=32)


def _text(data: bytes) -> str:
    return b64encode(data).decode("ascii")


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


_NOBODY = f"scrypt${_N}${_R}${_P}${_text(bytes(16))}${_text(bytes(32))}"
