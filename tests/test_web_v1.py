"""``/v1``, spoken to by OpenAI's own client."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import OpenAI
from openai.types import Model
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from rag.assistant import Assistant
from rag.chat import ChatWriter
from rag.library import Library
from rag.render import to_dict
from rag.settings import Settings
from rag.web import accounts
from rag.web.access import Access
from rag.web.completions import model_ids
from tests.model_server import ModelServer, model_server  # noqa: F401
from tests.serving import post, served, small_library

QUESTION = "How much did kelp cover rise on cleared reefs?"
ASKED = [{"role": "user", "content": QUESTION}]
MODEL = "footnote-tides"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    with small_library(tmp_path_factory.mktemp("v1")) as opened:
        yield opened


@pytest.fixture(scope="module")
def client(library: Library) -> Iterator[OpenAI]:
    with served(library) as address:
        yield OpenAI(base_url=f"{address}v1", api_key="unused", max_retries=0, timeout=115)


def test_a_collection_is_a_model(client: OpenAI) -> None:
    assert [model.id for model in client.models.list()] == [MODEL]
    Model.model_validate(client.models.retrieve(MODEL).model_dump())
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-4o")


def test_an_answer_has_its_citations_in_text_and_as_data(client: OpenAI, library: Library) -> None:
    made = client.chat.completions.create(model=MODEL, messages=ASKED)
    ChatCompletion.model_validate(made.model_dump())
    expected = to_dict(Assistant(library).ask(QUESTION))
    assert {**made.footnote, "timings": {}} == {**expected, "timings": {}}
    text = made.choices[0].message.content
    assert text.startswith(expected["text"])
    assert text.endswith(
        "Sources:\n[1] Kelp Forests Recover After Sea Urchin Removal (2021) "
        "https://example.org/kelp"
    )
    cited = made.choices[0].message.annotations
    assert cited and {each.url_citation.url for each in cited} == {"https://example.org/kelp"}
    for each in cited:
        place = each.url_citation
        assert text[place.start_index : place.end_index] == "[1]"


def test_a_stream_comes_to_the_same(client: OpenAI) -> None:
    whole = client.chat.completions.create(model=MODEL, messages=ASKED)
    chunks = list(
        client.chat.completions.create(
            model=MODEL, messages=ASKED, stream=True, stream_options={"include_usage": True}
        )
    )
    for chunk in chunks:
        ChatCompletionChunk.model_validate(chunk.model_dump())
    *_, last, usage = chunks
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == whole.choices[0].message.content
    assert last.choices[0].finish_reason == "stop"
    assert last.footnote["text"] == whole.footnote["text"]
    assert usage.choices == [] and usage.usage.total_tokens == 0
    assert len({chunk.id for chunk in chunks}) == 1


def test_what_is_not_in_the_collection_is_refused_in_words(client: OpenAI) -> None:
    made = client.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": "Who won the regatta of Zanzibar?"}]
    )
    assert made.footnote["refused"]
    assert made.footnote["refusal"]["text"] in made.choices[0].message.content
    assert "The nearest papers:" in made.choices[0].message.content


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "user", "content": " "}]}, "the question is empty"),
        ({"messages": [{"role": "assistant", "content": "Hello"}]}, "the user's question"),
        ({"messages": [{"role": "user", "content": "x" * 3000}]}, "2,000"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "text only"),
        ({"messages": [{"role": "king", "content": "x"}]}, "messages.0.role"),
        ({"n": 2}, "n:"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_bad_request_is_told_apart(
    client: OpenAI, changes: dict[str, Any], says: str, stream: bool
) -> None:
    asked = {"model": MODEL, "messages": ASKED, "stream": stream} | changes
    with pytest.raises(openai.BadRequestError, match=says):
        client.chat.completions.create(**asked)


def test_what_does_not_exist_is_told_apart(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="there are: footnote-tides") as unknown:
        client.chat.completions.create(model="gpt-4o", messages=ASKED)
    assert unknown.value.code == "model_not_found"
    with pytest.raises(openai.NotFoundError, match="/v1/models"):
        client.embeddings.create(model=MODEL, input="x")
    sent = post(f"{client.base_url}chat/completions", content=b"{")
    assert sent.status_code == 400 and sent.json()["error"]["type"] == "invalid_request_error"


def test_tokens_and_rates_hold_here_too(library: Library, tmp_path: Path) -> None:
    users = tmp_path / "users.json"
    accounts.set_password(users, "ada", "correct horse")
    token = accounts.new_token(users, "ada")
    with served(library, Access(users, rate=1)) as address:
        known = OpenAI(base_url=f"{address}v1", api_key=token, max_retries=0)
        unknown = OpenAI(base_url=f"{address}v1", api_key="fn-wrong", max_retries=0)
        with pytest.raises(openai.AuthenticationError) as refused:
            unknown.models.list()
        assert refused.value.code == "invalid_api_key"
        assert known.chat.completions.create(model=MODEL, messages=ASKED).choices
        with pytest.raises(openai.RateLimitError, match="more than 1 question") as limited:
            known.chat.completions.create(model=MODEL, messages=ASKED, stream=True)
        assert 0 < int(limited.value.response.headers["retry-after"]) <= 60


# --- with a model ------------------------------------------------------------------------


@pytest.fixture
def with_model(library: Library, model_server: ModelServer) -> Iterator[OpenAI]:  # noqa: F811
    settings = Settings(
        model="tiny",
        openai_base_url=model_server.url,
        openai_api_key="k",
        retries=0,
        _env_file=None,
    )
    with served(library, writer=ChatWriter.from_settings(settings)) as address:
        yield OpenAI(base_url=f"{address}v1", api_key="unused", max_retries=0, timeout=115)


def test_what_was_said_reaches_the_model_without_our_list_of_sources(
    with_model: OpenAI,
    model_server: ModelServer,  # noqa: F811
) -> None:
    model_server.say(QUESTION, "Kelp cover rose from 8% to 61% on cleared reefs [1].")
    made = with_model.chat.completions.create(
        model=MODEL,
        messages=[
            {"role": "system", "content": "Speak like a pirate."},
            {"role": "user", "content": "What did divers remove?"},
            {
                "role": "assistant",
                "content": "Sea urchins [1].\n\nSources:\n[1] Kelp https://e.org",
            },
            {"role": "user", "content": "And how much did kelp cover rise?"},
        ],
    )
    assert "61% on cleared reefs [1]." in made.choices[0].message.content
    prompt = json.dumps(model_server.requests)
    assert "Sea urchins" in prompt
    assert "https://e.org" not in prompt and "pirate" not in prompt
    assert made.usage.prompt_tokens == 200


def test_a_client_that_leaves_ends_the_models_call(
    with_model: OpenAI,
    model_server: ModelServer,  # noqa: F811
) -> None:
    model_server.add("Kelp cover rose from 8% to 61% on cleared reefs [1]. " * 300, pause=0.02)
    stream = with_model.chat.completions.create(model=MODEL, messages=ASKED, stream=True)
    for chunk in stream:
        if chunk.choices[0].delta.content:
            break
    assert not model_server.disconnected.is_set()
    stream.close()
    assert model_server.disconnected.wait(30)


def test_a_model_that_fails_is_an_error_of_the_stream(
    with_model: OpenAI,
    model_server: ModelServer,  # noqa: F811
) -> None:
    model_server.fail(500)
    with pytest.raises(openai.InternalServerError, match="tiny"):
        with_model.chat.completions.create(model=MODEL, messages=ASKED)
    model_server.fail(500)
    with pytest.raises(openai.APIError, match="tiny"):
        list(with_model.chat.completions.create(model=MODEL, messages=ASKED, stream=True))


def test_every_collection_has_an_id_of_its_own() -> None:
    assert model_ids(["Heart & Lung", "heart/lung", "日本語", "!"]) == {
        "footnote-heart-lung": "Heart & Lung",
        "footnote-heart-lung-2": "heart/lung",
        "footnote-日本語": "日本語",
        "footnote-papers": "!",
    }
