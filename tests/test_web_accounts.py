from __future__ import annotations

import stat
from pathlib import Path

import pytest

from rag.errors import InputError, SettingsError
from rag.web import accounts
from rag.web.accounts import Accounts


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "users.json"


def test_the_file_holds_no_password_and_no_token_and_nobody_else_reads_it(path: Path) -> None:
    assert accounts.set_password(path, "ada", "correct horse")
    token = accounts.new_token(path, "ada")
    text = path.read_text()
    assert "correct horse" not in text and token not in text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["users.json"]


def test_passwords_and_tokens_are_told_apart_and_changes_are_seen(path: Path) -> None:
    accounts.set_password(path, "ada", "correct horse")
    accounts.set_password(path, "bob", "correct horse")
    known = Accounts(path)
    assert known.register.users["ada"].password != known.register.users["bob"].password
    token = accounts.new_token(path, "bob")
    assert (known.of_token(token), known.of_token("fn-x")) == ("bob", None)
    for _ in range(2):  # the second time from memory
        assert known.has_password("ada", "correct horse")
        assert not known.has_password("ada", "wrong horse")
        assert not known.has_password("eve", "correct horse")
    signed = known.sign("ada", "facts")
    assert not accounts.set_password(path, "ada", "another horse")
    assert not known.has_password("ada", "correct horse")
    assert known.sign("ada", "facts") not in (signed, None)
    assert known.of_token(token) == "bob"
    accounts.drop_user(path, "bob")
    assert known.of_token(token) is None and known.sign("bob", "facts") is None


@pytest.mark.parametrize("name", ["", "a b", "x" * 65, "../x", "a\n"])
def test_a_name_has_to_be_plain(path: Path, name: str) -> None:
    with pytest.raises(InputError, match="no name for a user"):
        accounts.set_password(path, name, "correct horse")


def test_what_is_wrong_with_the_file_is_said(path: Path) -> None:
    with pytest.raises(SettingsError, match=r"cannot be read: .*; add a user: rag user add"):
        accounts.read(path)
    path.write_text('{"users": []}')
    with pytest.raises(SettingsError, match="no file of users"):
        accounts.read(path)
    with pytest.raises(InputError, match="too short"):
        accounts.set_password(path, "ada", "1234567")


def test_a_user_that_is_not_there_is_named(path: Path) -> None:
    accounts.set_password(path, "ada", "correct horse")
    for work in (accounts.drop_user, accounts.new_token, accounts.drop_tokens):
        with pytest.raises(InputError, match="has no user 'eve'; it has: ada"):
            work(path, "eve")
