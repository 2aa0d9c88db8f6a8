"""Adapters to llama-index: a Library as its retriever, the Assistant as its query engine, and
any of its chat models as our writer. Importing this module imports llama-index (seconds).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.base.response.schema import Response
from llama_index.core.llms import LLM
from llama_index.core.schema import (
    NodeRelationship,
    NodeWithScore,
    QueryBundle,
    RelatedNodeInfo,
    TextNode,
)

from rag.chat import ChatWriter
from rag.types import Answer, Hit, Source

if TYPE_CHECKING:
    from rag.assistant import Assistant
    from rag.library import Library


class LibraryRetriever(BaseRetriever):  # type: ignore[misc]
    """Searches a library: one node per paper, its best passage, best first.

    A node's id is the passage's, its ``ref_doc_id`` the paper's, its character offsets count
    into the abstract; title, year and URL are metadata.
    """

    def __init__(self, library: Library, k: int = 10) -> None:
        super().__init__()
        self._library = library
        self._k = k

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        hits = self._library.search(query_bundle.query_str, self._k)
        return [_hit_node(hit) for hit in hits]

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return await asyncio.to_thread(self._retrieve, query_bundle)


class AssistantQueryEngine(BaseQueryEngine):  # type: ignore[misc]
    """Answers like ``CitationQueryEngine``, with checked sentences only.

    ``[n]`` in the response's text means ``source_nodes[n - 1]``, a paper's whole abstract. A
    refusal is the text of a response whose ``metadata["refused"]`` is true. ``metadata`` holds
    the whole Answer as a dict, removed sentences and their reasons included.
    """

    def __init__(self, assistant: Assistant) -> None:
        super().__init__(callback_manager=None)
        self._assistant = assistant

    def _get_prompt_modules(self) -> dict[str, Any]:
        return {}  # ours are files, and the checks rely on their wording

    def _query(self, query_bundle: QueryBundle) -> Response:
        return _response(self._assistant.ask(query_bundle.query_str))

    async def _aquery(self, query_bundle: QueryBundle) -> Response:
        return await asyncio.to_thread(self._query, query_bundle)


def writer(llm: LLM) -> ChatWriter:
    """A writer that drafts with ``llm``, any chat model of llama-index.

    It counts as remote, since where such a model runs is not known here.
    """

    @contextmanager
    def connect() -> Iterator[LLM]:
        yield llm

    return ChatWriter(
        name=llm.metadata.model_name, endpoint=llm.class_name(), remote=True, connect=connect
    )


def _hit_node(hit: Hit) -> NodeWithScore:
    paper, passage = hit.paper, hit.passage
    metadata = {"title": paper.title, "year": paper.year, "url": paper.url}
    node = TextNode(
        id_=passage.id,
        text=passage.text,
        start_char_idx=passage.start,
        end_char_idx=passage.end,
        metadata=metadata,
        relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=paper.id)},
        excluded_llm_metadata_keys=["url"],
        excluded_embed_metadata_keys=["year", "url"],
    )
    return NodeWithScore(node=node, score=hit.score)


def _response(answer: Answer) -> Response:
    scores = {row.paper_id: row.score for row in answer.retrieved}
    nodes = [
        NodeWithScore(node=_source_node(source), score=scores.get(source.paper_id))
        for source in answer.sources
    ]
    return Response(response=answer.text, source_nodes=nodes, metadata=asdict(answer))


def _source_node(source: Source) -> TextNode:
    metadata = {"n": source.n, "title": source.title, "year": source.year, "url": source.url}
    return TextNode(id_=source.paper_id, text=source.text, metadata=metadata)
