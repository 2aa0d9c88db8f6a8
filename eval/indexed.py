"""A set's collection, indexed in a cache of its own and never in the user's library."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from platformdirs import user_cache_path

from rag.assistant import Assistant
from rag.chunking import split_paper
from rag.embedding import load_embedder
from rag.library import Library
from rag.loaders.fields import to_paper
from rag.references import export, to_jsonl
from rag.settings import Settings
from rag.types import Paper

from .poisoned import poisoned_text
from .sets import QuestionSet


def poisoned_papers(questions: QuestionSet) -> tuple[Paper, ...]:
    """The collection with every injection item's poison in its paper."""
    poisons = {item.gold[0]: item.poison for item in questions.items if item.poison}

    def attacked(paper: Paper) -> Paper:
        poison = poisons.get(paper.id)
        if poison is None:
            return paper
        return replace(paper, abstract=poisoned_text(paper.abstract, poison.after, poison.text))

    return tuple(attacked(paper) for paper in questions.papers)


def cache_path() -> Path:
    """Where indexed collections and the verifier's decisions are kept; may be deleted."""
    return user_cache_path("footnote") / "eval"


def index_hash(papers: Sequence[Paper], fingerprint: str) -> str:
    """SHA-256 over what an index is made of: the papers, how they are read and cut, what embeds."""
    digest = hashlib.sha256(fingerprint.encode())
    for paper in papers:
        read = to_paper(json.loads(to_jsonl(paper)))
        digest.update(f"\n{paper.content_hash} {read.id} {read.content_hash}".encode())
        for passage in split_paper(read):
            digest.update(f" {passage.start}-{passage.end}".encode())
    return digest.hexdigest()


@contextmanager
def open_assistant(papers: Sequence[Paper], settings: Settings) -> Iterator[Assistant]:
    """The real Assistant over a collection, indexed once for each content."""
    # On this machine: a set's papers must never mix with those that a server shares.
    settings = settings.model_copy(update={"chroma_url": ""})
    embedder = load_embedder(settings)
    folder = cache_path() / index_hash(papers, embedder.fingerprint)[:32]
    if not folder.exists():
        _build(papers, settings, folder)
    with Library.open(folder, settings=settings, embedder=embedder) as library:
        yield Assistant(library)


def _build(papers: Sequence[Paper], settings: Settings, folder: Path) -> None:
    """Index a collection from nothing, in one go; ``folder`` is there once it is whole.

    An index with a past ranks otherwise: tantivy's BM25 counts deleted passages until their
    segment is merged, so one that broke off and went on is not the same as one made at once.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", dir=folder.parent))
    try:
        source = beside / "papers.jsonl"
        source.write_text("".join(export(papers, "jsonl")), encoding="utf-8")
        with Library.open(beside / "index", settings=settings) as library:
            library.ingest([source])
        if not folder.exists():  # another process may have been faster
            (beside / "index").rename(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
