from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from rag.web import accounts
from tests.conftest import Rag


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "users.json"


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def test_a_users_life(rag: Rag, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, "correct horse\n")
    assert rag("user", "add", "ada", "--auth", path) == (0, "ada added\n", "")
    typed(monkeypatch, "another horse\n")
    assert "has a new password" in rag("user", "add", "ada", "--auth", path)[1]
    assert accounts.Accounts(path).has_password("ada", "another horse")
    token = rag("user", "token", "ada", "--auth", path)[1].strip()
    assert accounts.Accounts(path).of_token(token) == "ada"
    status, out, _ = rag("user", "list", "--auth", path, "--json")
    assert (status, json.loads(out)) == (0, [{"user": "ada", "tokens": 1}])
    assert rag("user", "revoke", "ada", "--auth", path)[0] == 0
    assert accounts.Accounts(path).of_token(token) is None
    assert rag("user", "remove", "ada", "--auth", path) == (0, "ada is out\n", "")
    assert accounts.read(path).users == {}


def test_mistakes_are_said_in_a_line(rag: Rag, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, "")
    assert "there is no password" in rag("user", "add", "ada", "--auth", path)[2]
    typed(monkeypatch, "short\n")
    status, out, err = rag("user", "add", "ada", "--auth", path)
    assert (status, out) == (1, "") and "too short" in err
    assert not path.exists()
    assert "add a user" in rag("user", "token", "ada", "--auth", path)[2]
