"""Who may come in: the door of the server, over real connections to a page with logins."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from rag.library import Library
from rag.web import accounts
from rag.web.access import Access
from rag.web.guard import LARGEST_BODY, VISITOR_COOKIE
from rag.web.login import COOKIE
from tests.serving import client, get, post, served, small_library

PASSWORD = "correct horse"
HTML = {"accept": "text/html"}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    with small_library(tmp_path_factory.mktemp("guard")) as opened:
        yield opened


@pytest.fixture(scope="module")
def users(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("users") / "users.json"
    accounts.set_password(path, "ada", PASSWORD)
    return path


@pytest.fixture(scope="module")
def closed(library: Library, users: Path) -> Iterator[str]:
    """A page with logins."""
    with served(library, Access(auth=users)) as address:
        yield address


@pytest.fixture(scope="module")
def open_(library: Library) -> Iterator[str]:
    """A page that only this machine can reach."""
    with served(library) as address:
        yield address


def test_nobody_unknown_sees_anything_but_the_form_and_the_probe(closed: str) -> None:
    with httpx.Client(base_url=closed, timeout=60) as web:
        sent_away = web.get("/", headers=HTML)
        assert (sent_away.status_code, sent_away.headers["location"]) == (303, "/login?next=/")
        form = web.get("/login")
        assert 'name="password"' in form.text and "<script" not in form.text
        assert "default-src 'none'" in form.headers["content-security-policy"]
        assert web.get("/healthz").json()["status"] == "ok"
        for path in ("/", "/config", "/gradio_api/info", "/v1/models", "/mcp", "/theme.css",
                     "/gradio_api/file=/etc/passwd", "/nowhere"):  # fmt: skip
            assert web.get(path).status_code == 401, path
        assert web.post("/gradio_api/queue/join", json={}).status_code == 401
        assert web.get("/v1/models").json()["error"]["code"] == "invalid_api_key"


def test_a_person_logs_in_and_out(closed: str) -> None:
    with httpx.Client(base_url=closed, headers=HTML, timeout=60) as web:
        wrong = web.post("/login", data={"username": "ada", "password": "guess"})
        assert wrong.status_code == 401 and "wrong" in wrong.text and COOKIE not in web.cookies
        right = web.post("/login", data={"username": "ada", "password": PASSWORD, "next": "/"})
        assert (right.status_code, right.headers["location"]) == (303, "/")
        for word in ("HttpOnly", "SameSite=Lax"):
            assert word in right.headers["set-cookie"]
        assert web.get("/").status_code == 200
        assert VISITOR_COOKIE not in web.cookies
        web.get("/logout")
        assert web.get("/").status_code == 303


@pytest.mark.parametrize("target", ["https://evil.example", "//evil.example", "/\\evil", "x", ""])
def test_a_login_leads_nowhere_else(closed: str, target: str) -> None:
    given = {"username": "ada", "password": PASSWORD, "next": target}
    sent = post(f"{closed}login", data=given, headers=HTML)
    assert sent.headers["location"] == "/"


def test_a_forged_or_old_cookie_is_none(closed: str, users: Path) -> None:
    given = post(
        f"{closed}login", data={"username": "ada", "password": PASSWORD}, headers=HTML
    ).cookies[COOKIE]

    def status(value: str) -> int:
        return get(f"{closed}config", cookies={COOKIE: value}).status_code

    facts, _, signature = given.partition(".")
    admin = base64.urlsafe_b64encode(b'["admin", 9999999999]').decode()
    assert status(given) == 200
    for forged in (f"{admin}.{signature}", f"{facts}.{'0' * 64}", facts, "", "."):
        assert status(forged) == 401, forged
    assert get(f"{closed}config", headers={"cookie": b"%s=\xe9.\xe9" % COOKIE.encode()}).is_error
    accounts.set_password(users, "ada", "another password")
    assert status(given) == 401
    accounts.set_password(users, "ada", PASSWORD)


def test_a_program_shows_a_token_or_a_password(closed: str, users: Path) -> None:
    token = accounts.new_token(users, "ada")

    def status(**headers: str) -> int:
        return get(f"{closed}config", headers=headers).status_code

    assert status(authorization=f"Bearer {token}") == 200
    assert get(f"{closed}config", auth=("ada", PASSWORD)).status_code == 200
    assert status(authorization="Bearer fn-wrong") == 401
    assert status(authorization=f"Basic {token}") == 401
    assert get(f"{closed}config", auth=("ada", "wrong")).status_code == 401
    assert get(f"{closed}config", auth=("bob", PASSWORD)).status_code == 401
    accounts.drop_tokens(users, "ada")
    assert status(authorization=f"Bearer {token}") == 401


def test_gradio_client_comes_in_with_a_password_or_a_token(closed: str, users: Path) -> None:
    token = accounts.new_token(users, "ada")
    by_token = client(closed, headers={"authorization": f"Bearer {token}"})
    by_password = client(closed, auth=("ada", PASSWORD))
    for known in (by_token, by_password):
        assert known.predict("How high was the tide?", api_name="/ask")["question"]


def test_who_guesses_has_to_wait(library: Library, users: Path) -> None:
    with (
        served(library, Access(auth=users)) as address,
        httpx.Client(base_url=address, timeout=60) as web,
    ):
        given = {"username": "ada", "password": "guess"}
        statuses = [web.post("/login", data=given).status_code for _ in range(12)]
        assert statuses == [401] * 10 + [429] * 2
        right = web.post("/login", data=given | {"password": PASSWORD}, headers=HTML)
        assert right.status_code == 429 and int(right.headers["retry-after"]) > 0
        assert "too many failed logins" in right.text.lower()


def test_a_proxy_names_the_user_and_nobody_else_does(library: Library) -> None:
    named = {"x-forwarded-user": "ada"}
    with served(library, Access(proxy_header="X-Forwarded-User")) as address:
        assert get(f"{address}config", headers=named).status_code == 200
        assert get(f"{address}config").status_code == 401
    elsewhere = Access(proxy_header="X-Forwarded-User", proxies=("10.9.8.7",))
    with served(library, elsewhere) as address:
        assert get(f"{address}config", headers=named).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"host": "evil.example"},
        {"host": ""},
    ],
)
def test_another_web_page_cannot_use_the_server(open_: str, headers: dict[str, str]) -> None:
    with httpx.Client(base_url=open_, timeout=60) as web:
        for path in ("/gradio_api/call/ask", "/gradio_api/upload", "/v1/chat/completions", "/mcp",
                     "/login"):  # fmt: skip
            sent = web.post(path, json={"data": ["How high was the tide?"]}, headers=headers)
            assert sent.status_code in (403, 421, 400), path
            assert "event_id" not in sent.text
        assert web.get("/config", headers=headers).status_code in (403, 421, 400)


def test_a_link_from_elsewhere_opens_the_page(open_: str) -> None:
    link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert get(open_, headers=link).status_code == 200
    assert post(open_, headers=link).status_code == 403


def test_a_name_of_the_server_has_to_be_given(library: Library) -> None:
    with served(library, Access(hosts=("Footnote.example.org",))) as address:
        known = {"host": "footnote.example.org:8443", "origin": "https://footnote.example.org:8443"}
        assert get(f"{address}config", headers=known).status_code == 200
        refused = get(f"{address}config", headers={"host": "other.example.org"})
        assert refused.status_code == 421 and "--allow-host" in refused.text


def test_what_is_too_large_is_not_read(open_: str) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(LARGEST_BODY // 100_000 + 1):
            yield b" " * 100_000

    for content in (b" " * (LARGEST_BODY + 1), pieces()):
        sent = post(f"{open_}gradio_api/call/ask", content=content)
        assert sent.status_code == 413


def test_a_browser_is_known_again_and_a_program_is_not(open_: str) -> None:
    with httpx.Client(base_url=open_, timeout=60) as web:
        given = web.get("/").headers["set-cookie"]
        assert VISITOR_COOKIE in given and "HttpOnly" in given and "SameSite=Lax" in given
        assert "set-cookie" not in web.get("/").headers
    assert "set-cookie" not in get(f"{open_}config").headers
    odd = get(open_, cookies={VISITOR_COOKIE: "../../etc"})
    assert VISITOR_COOKIE in odd.headers["set-cookie"]
