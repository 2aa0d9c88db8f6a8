from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from rag.errors import SettingsError
from rag.settings import Settings, is_loopback, load


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://localhost:11434/v1", True),
        ("http://127.0.0.1/v1", True),
        ("http://[::1]:8080/v1", True),
        ("https://api.openai.com/v1", False),
        ("http://192.168.1.7:1/v1", False),
        ("http://localhost.example.org/v1", False),
        ("http://127.0.0.1@example.org/v1", False),
        ("http://[::1/v1", False),
        ("", False),
    ],
)
def test_only_this_machine_is_loopback(url: str, here: bool) -> None:
    assert is_loopback(url) == here


def test_a_wrong_value_is_named_with_what_is_expected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_TIMEOUT", "soon")
    with pytest.raises(SettingsError, match=r"RAG_TIMEOUT='soon' .*number") as caught:
        load()
    assert "\n" not in str(caught.value)
    monkeypatch.setenv("RAG_TIMEOUT", "3")
    assert load().timeout == 3
    assert load(timeout=4, model=None).timeout == 4


def test_an_unknown_name_gets_a_suggestion(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_EMBEDING", "minilm")
    with pytest.warns(UserWarning, match="RAG_EMBEDING; did you mean RAG_EMBEDDING"):
        load()
    monkeypatch.delenv("RAG_EMBEDING")
    monkeypatch.setenv("RAG_MODEL", "tiny")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load()


def test_a_key_is_not_printed() -> None:
    assert "sk-4711" not in repr(Settings(openai_api_key="sk-4711", _env_file=None))


def test_a_file_of_settings_is_read_with_the_same_care(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / ".env"
    file.write_text("RAG_TIMOUT=3\nrag_retries=1\nOTHER=x\n")
    with pytest.warns(UserWarning, match="RAG_TIMOUT; did you mean RAG_TIMEOUT") as warned:
        assert load().retries == 1
    assert len(warned) == 1
    file.write_bytes("RAG_MODEL=é\n".encode("latin-1"))
    with pytest.raises(SettingsError, match=r"\.env is not UTF-8 \(byte 10\)"):
        load()


def test_an_unknown_embedding_says_what_is_expected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_EMBEDDING", "foo")
    with pytest.raises(
        SettingsError, match=r"RAG_EMBEDDING='foo' is not usable: expected 'minilm'"
    ):
        load()


def test_judge_and_strictness(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (load().judge, load().strictness) == (False, "standard")
    monkeypatch.setenv("RAG_JUDGE", "1")
    monkeypatch.setenv("RAG_STRICTNESS", "strict")
    assert (load().judge, load().strictness) == (True, "strict")
    monkeypatch.setenv("RAG_STRICTNESS", "lax")
    with pytest.raises(SettingsError, match=r"RAG_STRICTNESS='lax' .*'standard' or 'strict'"):
        load()
    monkeypatch.setenv("RAG_STRICTNESS", "standard")
    monkeypatch.setenv("RAG_JUDGE", "perhaps")
    with pytest.raises(SettingsError, match="RAG_JUDGE='perhaps' is not usable"):
        load()


def test_an_empty_variable_is_as_none(monkeypatch):
    monkeypatch.setenv("RAG_STORE", "")
    monkeypatch.setenv("RAG_TIMEOUT", "")
    settings = Settings()
    assert settings.store == Settings.model_fields["store"].get_default(call_default_factory=True)
    assert settings.timeout == Settings.model_fields["timeout"].default
