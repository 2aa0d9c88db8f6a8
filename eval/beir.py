"""Retrieval on a folder in BEIR's format: ``corpus.jsonl``, ``queries.jsonl``, ``qrels/*.tsv``.

The format and the measures are those of Thakur et al., "BEIR: A Heterogeneous Benchmark for
Zero-shot Evaluation of Information Retrieval Models", NeurIPS 2021: nDCG@10 over graded
judgements, recall and reciprocal rank over those of 1 and more. A question without any of these
is left out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ConfigDict, Field

from rag.chunking import split_paper
from rag.errors import InputError
from rag.loaders.fields import plain
from rag.retrieval import retrieve
from rag.store import Store
from rag.types import Paper

from .indexed import cache_path, index_hash
from .metrics import Figure, graded_ndcg_at_k, quantile, recall_at_k, reciprocal_rank
from .records import Identified, Text, parse_lines
from .statistics import clustered_mean

if TYPE_CHECKING:
    from rich.table import Table

    from rag.embedding import Embedder

DEPTH = 100
_CUTS = (5, 10, 100)
_BATCH = 64
Grades = Mapping[str, int]
"""Judged documents of a question with their grades."""
OnProgress = Callable[[int, int], None]


class _Document(Identified):
    model_config = ConfigDict(extra="ignore", frozen=True)
    id: Text = Field(alias="_id")
    title: str = ""
    text: str = ""


class _Query(Identified):
    model_config = ConfigDict(extra="ignore", frozen=True)
    id: Text = Field(alias="_id")
    text: Text


@dataclass(frozen=True, slots=True)
class Beir:
    """A collection with judged questions."""

    name: str
    split: str
    papers: tuple[Paper, ...]
    questions: Mapping[str, str]
    judged: Mapping[str, Grades]
    """For each question that has a document of grade 1 or more."""


@dataclass(frozen=True, slots=True)
class BeirReport:
    """What was found; the figures by name, each with its 95% interval over questions."""

    name: str
    split: str
    papers: int
    passages: int
    questions: int
    depth: int
    figures: Mapping[str, Figure]
    p50_ms: float
    p95_ms: float
    """Of a search, its question's embedding included."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    def table(self) -> Table:
        """The figures as a table for the terminal."""
        from rich import box
        from rich.table import Table
        from rich.text import Text as Line

        caption = (
            f"{self.questions:,} questions, {self.papers:,} papers in {self.passages:,} passages; "
            f"{self.depth} papers a question in {self.p50_ms:.1f} ms (p95 {self.p95_ms:.1f})"
        )
        table = Table(
            title=Line(f"{self.name}, {self.split}"), caption=Line(caption), box=box.SIMPLE_HEAD,
            caption_justify="left", show_edge=False, padding=(0, 2, 0, 0),
        )  # fmt: skip
        for column in ("", "mean", "95% interval"):
            table.add_column(column, justify="right" if column else "left", no_wrap=True)
        for name, each in self.figures.items():
            table.add_row(name, f"{each.value:.4f}", f"{each.low:.4f} to {each.high:.4f}")
        return table


def load_beir(folder: Path, split: str = "test", limit: int | None = None) -> Beir:
    """Read a folder in BEIR's format.

    Args:
        folder: its path.
        split: which file of ``qrels``.
        limit: how many of the judged questions, from the first; None: all.

    Raises:
        InputError: a file is missing or a line is wrong; names file and line.
    """
    documents = _read(folder / "corpus.jsonl", _Document)
    papers = tuple(_paper(document) for document in documents)
    texts = {query.id: query.text for query in _read(folder / "queries.jsonl", _Query)}
    path = _qrels(folder, split)
    judged: dict[str, dict[str, int]] = {}
    for where, query, document, grade in _judgements(path):
        if query not in texts:
            raise InputError(
                f"{where}: query-id: expected an id of queries.jsonl, found {query!r}; "
                "correct this line"
            )
        judged.setdefault(query, {})[document] = grade
    asked = (query for query, grades in judged.items() if max(grades.values()) > 0)
    kept = {query: judged[query] for query in islice(asked, limit)}
    if not kept:
        raise InputError(f"{path}:1: expected a judgement of 1 or more, found none; add one")
    questions = {query: texts[query] for query in kept}
    return Beir(folder.resolve().name, split, papers, questions, kept)


def evaluate_beir(
    folder: Path,
    embedder: Embedder,
    *,
    split: str = "test",
    limit: int | None = None,
    depth: int = DEPTH,
    on_progress: OnProgress | None = None,
) -> BeirReport:
    """Index a folder's documents in the user's cache, ask its questions, and score.

    Args:
        folder: in BEIR's format.
        embedder: makes the vectors.
        split: which file of ``qrels``.
        limit: how many questions; None: all.
        depth: papers asked for, at most; recall beyond it is left out.
        on_progress: called with (papers indexed and questions asked, their total).

    Raises:
        InputError: a file is missing or a line is wrong; names file and line.
    """
    found = load_beir(folder, split, limit)
    total = len(found.papers) + len(found.questions)

    def progress(done: int) -> None:
        if on_progress:
            on_progress(done, total)

    rows: list[dict[str, float | None]] = []
    times: list[float] = []
    with open_store(found.papers, embedder, progress) as store:
        for query, question in found.questions.items():
            begun = time.perf_counter()
            hits = retrieve(store, embedder, question, depth)
            times.append(1000 * (time.perf_counter() - begun))
            rows.append(_scored(found.judged[query], [hit.paper.id for hit in hits], depth))
            progress(len(found.papers) + len(rows))
        passages = store.counts()[1]
    names = list(found.questions)
    figures = {name: clustered_mean([row[name] for row in rows], names) for name in rows[0]}
    return BeirReport(
        found.name, split, len(found.papers), passages, len(rows), depth, figures,
        quantile(times, 0.5) or 0.0, quantile(times, 0.95) or 0.0,
    )  # fmt: skip


@contextmanager
def open_store(
    papers: Sequence[Paper], embedder: Embedder, progress: Callable[[int], None]
) -> Iterator[Store]:
    """A store of just these papers in the user's cache; one that was broken off goes on.

    Not by ``Library.ingest``, which would make one paper of two with the same title.
    """
    key = index_hash(papers, f"beir {embedder.fingerprint}")[:32]
    folder = cache_path() / f"beir-{key}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    store = Store.open(folder, embedder, create=True)
    try:
        for start in range(0, len(papers), _BATCH):
            batch = papers[start : start + _BATCH]
            held = store.hashes([paper.id for paper in batch])
            if fresh := [paper for paper in batch if paper.id not in held]:
                store.write(_embedded(fresh, embedder))
            progress(start + len(batch))
        yield store
    finally:
        store.close()


def _embedded(papers: Sequence[Paper], embedder: Embedder) -> list[Any]:
    parts = [split_paper(paper) for paper in papers]
    texts = [f"{p.title}. {part.text}" for p, each in zip(papers, parts, strict=True)
             for part in each]  # fmt: skip
    rows = iter(embedder.encode(texts))
    return [
        (paper, each, _stacked(islice(rows, len(each)), embedder.dimension))
        for paper, each in zip(papers, parts, strict=True)
    ]


def _stacked(rows: Iterator[Any], dimension: int) -> Any:
    import numpy as np

    return np.array(list(rows), dtype=np.float32).reshape(-1, dimension)


def _scored(grades: Grades, ranked: Sequence[str], depth: int) -> dict[str, float | None]:
    gold = [document for document, grade in grades.items() if grade > 0]
    found = {"nDCG@10": graded_ndcg_at_k(grades, ranked, 10)}
    found |= {f"recall@{k}": recall_at_k(gold, ranked, k) for k in _CUTS if k <= max(depth, 10)}
    return found | {"MRR": reciprocal_rank(gold, ranked)}


def _read(path: Path, model: type[Any]) -> list[Any]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path}: expected a file of a BEIR folder (corpus.jsonl, queries.jsonl, "
            f"qrels/SPLIT.tsv), found none that can be read ({error.strerror}); give that folder"
        ) from error
    return [record for _, record in parse_lines(model, content, path)]


def _paper(document: _Document) -> Paper:
    """The document as a library would hold it; one of a title alone has that for its text."""
    title, text = plain(document.title), plain(document.text)
    return Paper(document.id, title, text or title)


def _qrels(folder: Path, split: str) -> Path:
    path = folder / "qrels" / f"{split}.tsv"
    if not path.is_file():
        known = ", ".join(sorted(each.stem for each in (folder / "qrels").glob("*.tsv"))) or "none"
        raise InputError(
            f"{path}: expected the judgements of the split, found none; there are: {known}; "
            "choose one: --split NAME"
        )
    return path


def _judgements(path: Path) -> Iterator[tuple[str, str, str, int]]:
    """(FILE:LINE, question, document, grade) for each line but the heading."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    for number, line in enumerate(lines, 1):
        cells = line.split("\t")
        if not line.strip() or (number == 1 and cells[0] == "query-id"):
            continue
        try:
            query, document, grade = cells
            yield f"{path}:{number}", query, document, int(grade)
        except ValueError as error:
            raise InputError(
                f"{path}:{number}: expected query-id, corpus-id and a whole number between tabs, "
                f"found {line[:80]!r}; correct this line"
            ) from error
