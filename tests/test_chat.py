from __future__ import annotations

import logging
import socket
import subprocess
import sys
import traceback
from itertools import islice
from typing import Any

import pytest

from rag.chat import ChatWriter
from rag.errors import ModelError, ModelInterruptedError, SettingsError
from rag.settings import Settings
from rag.types import Removed, Source, Turn, Usage
from rag.writers import make_writer
from tests.fakes import HashEmbedder
from tests.model_server import ModelServer, model_server

__all__ = ["model_server"]

KEY = "sk-test-4711-secret"
SOURCES = (
    Source(1, "p1", "A fast sampler", "", 2024, "The sampler is 80 times faster."),
    Source(2, "p2", "A slow sampler", "", 2023, "The sampler takes 3 s."),
)
TEXT = "The sampler is 80 times faster [1]. Another takes 3 s [2]."
FAULTS = (
    Removed("It is 90 times faster [1].", (1,), "unsupported", "90 is not in source 1"),
    Removed("It is the best [2].", (2,), "unsupported", "source 2 does not say so"),
)


def writer(url: str, **changes: Any) -> ChatWriter:
    values = {"model": "tiny", "openai_api_key": KEY, "openai_base_url": url, "retries": 0}
    return ChatWriter.from_settings(Settings(_env_file=None, **{**values, **changes}))


def drafted(server: ModelServer, **changes: Any) -> str:
    return "".join(d.text for d in writer(server.url, **changes).draft("How fast?", SOURCES, ()))


def failure(server: ModelServer, **changes: Any) -> ModelError:
    with pytest.raises(ModelError) as caught:
        drafted(server, **changes)
    assert "\n" not in str(caught.value)
    return caught.value


def test_streams_deltas_and_counts_tokens(model_server: ModelServer) -> None:
    model_server.say(TEXT)
    deltas = list(writer(model_server.url).draft("How fast?", SOURCES, (Turn("user", "Hi"),)))
    assert "".join(d.text for d in deltas) == TEXT
    assert len(deltas) > 5
    assert sum((d.usage for d in deltas), Usage()) == Usage(1, 100, len(TEXT.split()))
    (request,) = model_server.requests
    assert request["model"] == "tiny" and request["temperature"] == 0 and request["stream"]
    assert [m["role"] for m in request["messages"]] == ["system", "user"]
    assert "The sampler takes 3 s." in model_server.prompt()
    assert model_server.headers[0]["Authorization"] == f"Bearer {KEY}"


def test_a_server_without_usage_end_event_or_key(model_server: ModelServer) -> None:
    model_server.add(TEXT, usage=False, done=False)
    plain = writer(model_server.url, openai_api_key="")
    deltas = list(plain.draft("How fast?", SOURCES, ()))
    assert "".join(d.text for d in deltas) == TEXT
    assert sum((d.usage for d in deltas), Usage()) == Usage(calls=1)
    assert model_server.headers[0]["Authorization"] == "Bearer none"


def test_a_server_without_finish_reason(model_server: ModelServer) -> None:
    model_server.add(TEXT, finish=None)
    assert drafted(model_server) == TEXT


def test_closing_the_draft_closes_the_connection(model_server: ModelServer) -> None:
    model_server.add("word " * 2000, pause=0.01)
    draft = writer(model_server.url).draft("How fast?", SOURCES, ())
    assert [d.text for d in islice(draft, 2)] == ["word ", "word "]
    draft.close()
    assert model_server.disconnected.wait(10)


def test_an_overloaded_model_is_asked_again(model_server: ModelServer) -> None:
    model_server.fail(429, Retry_After="0.05")
    model_server.fail(500, Retry_After="0.05")
    model_server.say(TEXT)
    assert drafted(model_server, retries=2) == TEXT
    assert len(model_server.requests) == 3


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, ["refused the API key (401)", "set OPENAI_API_KEY"]),
        (404, ["404: scripted", "check RAG_MODEL", "/v1"]),
        (429, ["rate limit or quota (429: scripted)", "wait"]),
        (500, ["keeps failing (500: scripted)", "again later"]),
        (400, ["refused the request (400: scripted)", "chat model"]),
    ],
)
def test_error_status(model_server: ModelServer, status: int, words: list[str]) -> None:
    model_server.fail(status)
    message = str(failure(model_server))
    assert all(word in message for word in [*words, "'tiny'", model_server.url])


def test_retries_are_those_of_the_settings(model_server: ModelServer) -> None:
    for _ in range(3):
        model_server.fail(429, Retry_After="0.01")
    failure(model_server, retries=1)
    assert len(model_server.requests) == 2


def test_unreachable() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        with pytest.raises(ModelError, match=r"cannot be reached .* correct OPENAI_BASE_URL"):
            list(writer(url).draft("How fast?", SOURCES, ()))


def test_silence(model_server: ModelServer) -> None:
    model_server.add("", silent=True)
    error = failure(model_server, timeout=0.2)
    assert "was silent for" in str(error) and "RAG_TIMEOUT" in str(error)
    assert not isinstance(error, ModelInterruptedError)


@pytest.mark.parametrize("text", ["", "  "])
def test_empty_reply(model_server: ModelServer, text: str) -> None:
    model_server.add(text)
    assert "empty reply" in str(failure(model_server))


@pytest.mark.parametrize("text", ["<think>80, I guess [1].</think>\n\n", " <think> </think> "])
def test_what_a_model_thinks_aloud_is_no_draft(model_server: ModelServer, text: str) -> None:
    model_server.say(text + TEXT)
    deltas = list(writer(model_server.url).draft("How fast?", SOURCES, ()))
    assert "".join(d.text for d in deltas).strip() == TEXT
    assert sum((d.usage for d in deltas), Usage()).calls == 1
    assert len(deltas) > 5


def test_thoughts_without_an_answer_are_an_empty_reply(model_server: ModelServer) -> None:
    model_server.say("<think>Hm. It is 80 times faster [1].")
    assert "empty reply" in str(failure(model_server))
    model_server.add("<think>Hm. It is 80 times faster [1].", cut=True)
    assert not isinstance(failure(model_server), ModelInterruptedError)


@pytest.mark.parametrize("status", [400, 422])
def test_a_server_that_knows_no_stream_options_is_asked_without(
    model_server: ModelServer, status: int
) -> None:
    model_server.fail(status, "unknown field: stream_options")
    model_server.say(TEXT)
    assert drafted(model_server) == TEXT
    assert ["stream_options" in request for request in model_server.requests] == [True, False]
    model_server.fail(status, "unknown field: stream_options")
    model_server.fail(status, "unknown field: stream_options, still")
    assert "still" in str(failure(model_server))


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"cut": True}, "ended before the reply did"),
        ({"silent": True}, "was silent"),
        ({"finish": "length"}, "token limit"),
        ({"finish": "content_filter"}, "content filter"),
    ],
)
def test_a_broken_reply_keeps_what_was_said(
    model_server: ModelServer, fault: dict[str, Any], words: str
) -> None:
    model_server.add(TEXT, **fault)
    said = []
    with pytest.raises(ModelInterruptedError, match=words):
        for delta in writer(model_server.url, timeout=0.3).draft("How fast?", SOURCES, ()):
            said.append(delta.text)  # noqa: PERF401 (the loop breaks off)
    assert "".join(said) == TEXT


@pytest.mark.parametrize("status", [400, 401, 500])
def test_the_key_is_never_shown(
    model_server: ModelServer, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    caplog.set_level(logging.DEBUG)
    model_server.fail(status, f"your key {KEY} is bad")
    error = failure(model_server)
    assert KEY not in "".join(traceback.format_exception(error))
    assert KEY not in caplog.text


def test_repair_gives_one_line_per_fault(model_server: ModelServer) -> None:
    model_server.say("2: NO_ANSWER\n1: The sampler is 80 times faster [1].")
    reply = writer(model_server.url).repair("How fast?", SOURCES, TEXT, FAULTS)
    assert reply.text.split("\n") == ["The sampler is 80 times faster [1].", ""]
    assert reply.usage.calls == 1 and reply.usage.prompt_tokens == 100
    assert "90 is not in source 1" in model_server.prompt()


@pytest.mark.parametrize(
    ("said", "lines"),
    [
        ("3.5 is the factor [1].", ["3.5 is the factor [1].", ""]),
        ("NO_ANSWER", ["", ""]),
        ("", ["", ""]),
        ("Sure:\n1. A [1].\n2. B [2].\n3. C [1].", ["A [1].", "B [2]."]),
    ],
)
def test_repair_reads_what_models_write(
    model_server: ModelServer, said: str, lines: list[str]
) -> None:
    model_server.add(said)
    reply = writer(model_server.url).repair("How fast?", SOURCES, TEXT, FAULTS)
    assert reply.text.split("\n") == lines


def test_condense(model_server: ModelServer) -> None:
    model_server.say(" How fast is\nthe slow sampler? ")
    history = (Turn("user", "How fast is A?"), Turn("assistant", "80 times faster [1]."))
    reply = writer(model_server.url).condense("And the slow one?", history)
    assert reply.text == "How fast is the slow sampler?"
    assert "80 times faster" in model_server.prompt()


def test_make_writer_needs_a_key_or_an_address() -> None:
    with pytest.raises(SettingsError, match="OPENAI_API_KEY, or OPENAI_BASE_URL"):
        make_writer(
            Settings(_env_file=None, model="tiny", openai_api_key="", openai_base_url=""),
            HashEmbedder(),
        )


@pytest.mark.parametrize("url", ["localhost:11434", "ftp://host/v1", "http://[::1/v1", "http://"])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(SettingsError, match="OPENAI_BASE_URL is not a web address"):
        writer(url)


@pytest.mark.parametrize("key", ["sk a", "sk-…", "sk-a\nb"])
def test_a_key_that_is_none_is_not_quoted(key: str) -> None:
    with pytest.raises(SettingsError, match="copy it again") as caught:
        writer("http://127.0.0.1:1/v1", openai_api_key=key)
    assert key not in str(caught.value)


def test_says_where_the_question_goes() -> None:
    far = writer("https://me:pass@models.example/v1?token=1")
    assert far.remote and far.endpoint == "https://models.example/v1"
    assert writer("", openai_base_url="").endpoint == "https://api.openai.com/v1"
    for near in ("http://localhost:1/v1", "http://127.0.0.1/v1", "http://[::1]:1/v1"):
        assert not writer(near).remote


def test_a_writer_is_made_without_llama_index() -> None:
    code = (
        "import sys; from rag.settings import Settings; from rag.writers import make_writer;"
        "make_writer(Settings(model='m', openai_api_key='k'), None);"
        "sys.exit(any(m.startswith(('llama_index', 'openai')) for m in sys.modules))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
