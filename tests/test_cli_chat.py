"""What ``rag chat`` makes of its options; the server itself is tested with the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rag.web.access import RATE, Access
from tests.conftest import Rag


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    calls: list[dict[str, Any]] = []
    monkeypatch.setattr("app.launch", lambda _settings, **named: calls.append(named))
    return calls


def test_a_page_of_this_machine_is_open_and_counts_nothing(
    rag: Rag, launched: list[dict[str, Any]]
) -> None:
    assert rag("chat") == (0, "", "")
    assert launched[0]["access"] == Access()
    assert launched[0]["host"] == "127.0.0.1" and not launched[0]["read_only"]


def test_an_open_page_that_others_can_reach_is_warned_of(
    rag: Rag, launched: list[dict[str, Any]], tmp_path: Path
) -> None:
    _, _, err = rag("chat", "--host", "0.0.0.0")
    assert "rag: warning: everyone who can reach 0.0.0.0 can ask, add papers" in err
    assert launched[0]["access"].rate == RATE
    _, _, err = rag("chat", "--host", "0.0.0.0", "--read-only")
    assert "can ask, without a login" in err
    assert "warning" not in rag("chat", "--host", "0.0.0.0", "--auth", tmp_path / "users")[2]
    assert "warning" not in rag("chat", "--host", "::", "--proxy-header", "X-User")[2]


def test_the_options_reach_the_door(
    rag: Rag, launched: list[dict[str, Any]], tmp_path: Path
) -> None:
    users = tmp_path / "users.json"
    options = ["--auth", users, "--proxy-header", "X-User", "--proxy-from", "10.0.0.0/8",
               "--allow-host", "papers.example.org", "--rate", "7", "--max-upload-mb", "3",
               "--read-only"]  # fmt: skip
    assert rag("chat", *options)[0] == 0
    expected = Access(users, "X-User", ("10.0.0.0/8",), ("papers.example.org",), 7, 3)
    assert launched[0]["access"] == expected and launched[0]["read_only"]


def test_collections_are_given_by_name(rag: Rag, launched: list[dict[str, Any]]) -> None:
    rag("chat", "--collection", "Heart=/a/b=c", "--collection", "Lung  cancer=/d")
    assert launched[0]["shelves"] == {"Heart": Path("/a/b=c"), "Lung cancer": Path("/d")}


@pytest.mark.parametrize(
    "options",
    [
        ["--collection", "Heart"],
        ["--collection", "=/a"],
        ["--collection", "Heart="],
        ["--collection", "A=/a", "--collection", "A=/b"],
        ["--collection", "A=/a", "--store", "/b"],
        ["--rate", "-1"],
        ["--max-upload-mb", "0"],
    ],
)
def test_wrong_usage(rag: Rag, launched: list[dict[str, Any]], options: list[str]) -> None:
    assert rag("chat", *options)[0] == 2
    assert launched == []


def test_a_proxy_has_an_address(rag: Rag, launched: list[dict[str, Any]]) -> None:
    status, _, err = rag("chat", "--proxy-header", "X-User", "--proxy-from", "my-proxy")
    assert status == 1 and "'my-proxy' is no address of a proxy" in err
