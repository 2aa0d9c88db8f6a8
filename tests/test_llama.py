from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from llama_index.core.llms import MockLLM

from rag.errors import ModelError
from rag.llama import AssistantQueryEngine, LibraryRetriever, writer
from rag.types import Answer, Hit, Paper, Passage, Refusal, Retrieved, Source, Usage

TEXT = "We present a sampler. It is 80 times faster."
PAPER = Paper("p1", "A fast sampler", TEXT, year=2024, url="https://example.org/p1")
HIT = Hit(PAPER, Passage("p1#0", "p1", TEXT[22:], 22, len(TEXT)), 0.9, 0.8, 7.0)
SOURCE = Source(1, "p1", PAPER.title, PAPER.url, 2024, TEXT)


def answer(**changes: Any) -> Answer:
    values: dict[str, Any] = {
        "id": "a1", "question": "How fast?", "query": "How fast?", "refused": False,
        "text": "It is 80 times faster [1].", "sentences": (), "notes": (), "refusal": None,
        "removed": (), "sources": (SOURCE,), "retrieved": (Retrieved("p1", PAPER.title, 0.9),),
        "model": "extractive",
    }  # fmt: skip
    return Answer(**{**values, **changes})


def test_retriever_gives_passages_of_papers() -> None:
    library = SimpleNamespace(search=lambda question, k: [HIT] if (question, k) == ("q", 3) else [])
    (found,) = LibraryRetriever(library, k=3).retrieve("q")
    assert found.score == 0.9 and found.node.ref_doc_id == "p1" and found.node.node_id == "p1#0"
    assert found.text == TEXT[found.node.start_char_idx : found.node.end_char_idx]
    assert found.metadata["title"] == PAPER.title


def test_async_use_does_not_block_the_loop() -> None:
    searching, released = threading.Event(), threading.Event()

    def search(question: str, k: int) -> list[Hit]:
        searching.set()
        assert released.wait(10)
        return [HIT]

    def ask(question: str) -> Answer:
        search(question, 1)
        return answer()

    async def run(work: Any) -> Any:
        task = asyncio.ensure_future(work)
        while not searching.is_set():
            await asyncio.sleep(0)
        released.set()
        return await task

    retriever = LibraryRetriever(SimpleNamespace(search=search))
    assert len(asyncio.run(run(retriever.aretrieve("q")))) == 1
    searching.clear()
    released.clear()
    engine = AssistantQueryEngine(SimpleNamespace(ask=ask))
    assert str(asyncio.run(run(engine.aquery("q")))) == answer().text


def test_query_engine_answers_with_its_sources() -> None:
    response = AssistantQueryEngine(SimpleNamespace(ask=lambda _: answer())).query("How fast?")
    assert str(response) == "It is 80 times faster [1]."
    (node,) = response.source_nodes
    assert node.text == TEXT and node.score == 0.9
    assert node.metadata["n"] == 1 and node.metadata["url"] == PAPER.url
    assert response.metadata["refused"] is False and response.metadata["model"] == "extractive"


def test_query_engine_says_why_it_refuses() -> None:
    refusal = Refusal("not_in_collection", "Nothing here answers that.", ("p1",))
    refused = answer(refused=True, text=refusal.text, sources=(), refusal=refusal)
    response = AssistantQueryEngine(SimpleNamespace(ask=lambda _: refused)).query("q")
    assert str(response) == "Nothing here answers that." and response.source_nodes == []
    assert response.metadata["refused"] is True


def test_any_llama_index_model_writes() -> None:
    mock = writer(MockLLM())
    deltas = list(mock.draft("How fast?", (SOURCE,), ()))
    assert "It is 80 times faster." in "".join(d.text for d in deltas)  # it repeats its prompt
    assert sum((d.usage for d in deltas), Usage()).calls == 1
    assert mock.remote and mock.endpoint == "MockLLM"


def test_a_failing_llama_index_model_is_one_line() -> None:
    class Broken(MockLLM):
        def stream_chat(self, messages: Any, **kwargs: Any) -> Any:
            raise RuntimeError("out of\nmemory")

    with pytest.raises(ModelError, match=r"failed \(RuntimeError: out of memory\)"):
        list(writer(Broken()).draft("How fast?", (SOURCE,), ()))
