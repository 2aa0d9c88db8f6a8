"""How fast texts become vectors, beside others that use the same weights: see ``bench_ingest``."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from rag import weights
from rag.graph import (
    HEADS,
    LAYERS,
    WIDTH,
    Net,
    external_tensors,
    open_session,
    rest,
    serialize,
)
from rag.library import Library
from rag.loaders import load_papers
from rag.minilm import PARTS, MiniLM, embedded
from rag.retrieval import retrieve
from rag.sample import path as sample_path
from rag.sample import questions as sample_questions
from rag.types import Paper

ROUNDS = 3
COMPARED = "pip install sentence-transformers  # and torch, a gigabyte; into a venv to throw away"
_DEPTH = 10

OWN, TORCH = "Footnote, 8 bits", "sentence-transformers, fp32"
CHROMA = "Chroma's default function"

Way = Callable[[Sequence[str]], object]
Ways = dict[str, Callable[[], object]]


class FullMiniLM(MiniLM):
    """The same model with its weights in 32 bits, as they were published."""

    fingerprint = MiniLM.fingerprint.replace("int8", "fp32")

    @staticmethod
    def _tensors(path: Path) -> list[Any]:
        return external_tensors(path, PARTS)


class Stored:
    """An embedder that has embedded everything beforehand."""

    name, dimension, remote = MiniLM.name, MiniLM.dimension, False

    def __init__(self, embedder: MiniLM, texts: Sequence[str]) -> None:
        self.fingerprint = embedder.fingerprint
        self.vectors = dict(zip(texts, embedder.encode(texts), strict=True))

    def encode(
        self, texts: Sequence[str], _on_progress: Callable[[int], None] | None = None
    ) -> np.ndarray:
        """See ``Embedder.encode``."""
        return np.array([self.vectors[text] for text in texts])


def abstracts() -> list[str]:
    """The shipped sample's papers as texts."""
    return [text_of(paper) for paper in load_papers(sample_path(), lambda _: None)]


def text_of(paper: Paper) -> str:
    """What ``Library.ingest`` embeds of a paper that is one passage."""
    return f"{paper.title}. {paper.abstract}"


# --- both sides -------------------------------------------------------------------------


def sentence_transformer() -> Way | None:
    """sentence-transformers on the CPU in 32 bits, as it comes; None: not installed."""
    try:
        import torch
        from sentence_transformers import SentenceTransformer
    except ImportError:
        return None
    folder = str(weights.locate(weights.WEIGHTS).parent)
    model = SentenceTransformer(folder, device="cpu").to(torch.float32)
    return lambda texts: model.encode(list(texts), normalize_embeddings=True)


def chromas_function() -> Way:
    """Chroma's default embedding function; its own file of the same weights is not fetched."""
    from chromadb.utils.embedding_functions import ONNXMiniLM_L6_V2
    from tokenizers import Tokenizer

    function = ONNXMiniLM_L6_V2()
    path = weights.locate(weights.WEIGHTS)
    tokenizer = Tokenizer.from_file(str(weights.locate(weights.TOKENIZER)))
    tokenizer.enable_truncation(max_length=256)  # as the function itself sets it
    tokenizer.enable_padding(pad_id=0, pad_token="[PAD]", length=256)
    function.tokenizer = tokenizer
    function.model = _Masked(path)
    function._download_model_if_not_exists = lambda: None
    return lambda texts: function(list(texts))


class _Masked:
    """The published weights in 32 bits over padded texts, called as Chroma calls its file."""

    def __init__(self, path: Path) -> None:
        net = Net(external_tensors(path, PARTS))
        mask = net.op("Cast", "mask", to=6)
        x = embedded(net)
        for index in range(LAYERS):
            layer = f"encoder.layer.{index}.attention.self"
            heads = [net.linear(x, f"{layer}.{name}") for name in ("query", "key", "value")]
            mixed = net.op("MultiHeadAttention", *heads, "", mask, num_heads=HEADS)
            x = rest(net, x, mixed, f"encoder.layer.{index}")
        inputs = dict.fromkeys(("ids", "mask"), (np.int64, ("batch", "length")))
        graph = serialize(net, weights.MODEL, inputs, {x: ("batch", "length", WIDTH)})
        self._session = open_session(graph, path)

    def run(self, outputs: None, inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """The last layer's states, (batch, length, 384), alone in a list."""
        named = {"ids": inputs["input_ids"], "mask": inputs["attention_mask"]}
        return list(self._session.run(outputs, named))


# --- figures ----------------------------------------------------------------------------


def compared(ways: Ways, rounds: int) -> dict[str, list[float]]:
    """Seconds of each way, one figure for each round; the order changes from round to round."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    order = list(ways.items())
    for _ in range(rounds):
        order.append(order.pop(0))
        for name, way in order:
            begun = time.perf_counter()
            way()
            times[name].append(time.perf_counter() - begun)
    return times


def ratio(times: Mapping[str, Sequence[float]], name: str, to: str) -> float:
    """Median over the rounds of how many times as long ``name`` takes as ``to``."""
    return median(a / b for a, b in zip(times[name], times[to], strict=True))


def speed(rounds: int = ROUNDS) -> list[str]:
    """Lines on abstracts beside sentence-transformers, questions beside Chroma's function."""
    texts, questions = abstracts(), sample_questions()
    own, chroma, torch = MiniLM(), chromas_function(), sentence_transformer()
    for each in (own.encode, chroma, *([torch] if torch else [])):
        each(texts[:2])  # loads the model
    ways: Ways = {OWN: partial(own.encode, texts)}
    if torch:
        ways[TORCH] = partial(torch, texts)
    times = compared(ways, rounds)
    lines = [f"{name:30}{len(texts) / median(t):8.1f} abstracts/s" for name, t in times.items()]
    if torch:
        lines.append(_times_as_fast(ratio(times, TORCH, OWN)))
    else:
        lines.append(f"sentence-transformers: not installed, left out; {COMPARED}")
    ways = {OWN: partial(_each, own.encode, questions), CHROMA: partial(_each, chroma, questions)}
    times = compared(ways, 2 * rounds)
    for name, t in times.items():
        lines.append(f"{name:30}{1000 * median(t) / len(questions):8.1f} ms per question")
    return [*lines, _times_as_fast(ratio(times, CHROMA, OWN))]


def _each(way: Way, texts: Sequence[str]) -> None:
    for text in texts:
        way([text])


def _times_as_fast(factor: float) -> str:
    return f"{'':30}{factor:8.2f} times as fast"


def retrieval(data: Path, folder: Path) -> list[str]:
    """Lines on nDCG@10 over SciFact: both precisions, by the vectors alone and as we search.

    Args:
        data: folder with ``corpus.jsonl`` and ``claims_train.jsonl``.
        folder: where to make two libraries.
    """
    rows = [json.loads(line) for line in (data / "corpus.jsonl").open(encoding="utf-8")]
    papers = {r["_id"]: Paper(r["_id"], r["title"], " ".join(r["sentences"])) for r in rows}
    claims = [json.loads(line) for line in (data / "claims_train.jsonl").open(encoding="utf-8")]
    asked = {c["claim"]: set(c["cited"]) for c in claims if papers.keys() & c["cited"]}
    lines = [f"{'nDCG@10':30}{'vectors':>9}{'search':>9}"]
    found = []
    for model in (FullMiniLM(), MiniLM()):
        scores = _ndcgs(model, papers, asked, folder / model.fingerprint.rpartition("/")[2])
        found.append(scores)
        name = model.fingerprint.rpartition("/")[2]
        lines.append(f"{name:30}{scores[0]:9.4f}{scores[1]:9.4f}")
    (dense, fused), (dense_8, fused_8) = found
    lines.append(f"{'difference':30}{dense_8 - dense:9.4f}{fused_8 - fused:9.4f}")
    return [*lines, f"{len(papers):,} abstracts, {len(asked)} claims"]


def _ndcgs(
    model: MiniLM, papers: Mapping[str, Paper], asked: Mapping[str, set[str]], folder: Path
) -> tuple[float, float]:
    texts = {text_of(paper): paper.id for paper in papers.values()}
    file = folder.with_suffix(".jsonl")
    with file.open("w", encoding="utf-8") as out:
        for paper in papers.values():
            row = {"id": paper.id, "title": paper.title, "abstract": paper.abstract}
            out.write(json.dumps(row) + "\n")
    embedder = Stored(model, [*texts, *asked])
    matrix, ids = embedder.encode([*texts]), [*texts.values()]
    dense, fused = [], []
    with Library.open(folder, embedder=embedder) as library:
        library.ingest([file])
        for claim, gold in asked.items():
            nearest = np.argsort(-(matrix @ embedder.vectors[claim]))[:_DEPTH]
            dense.append(ndcg(gold, [ids[row] for row in nearest]))
            hits = retrieve(library.store, embedder, claim, _DEPTH)
            fused.append(ndcg(gold, [hit.paper.id for hit in hits]))
    return float(np.mean(dense)), float(np.mean(fused))


def ndcg(gold: set[str], ranked: Sequence[str]) -> float:
    """nDCG at 10 with binary gains (Järvelin & Kekäläinen, TOIS 2002)."""
    discounts = 1 / np.log2(np.arange(2, _DEPTH + 2))
    gains = np.array([each in gold for each in ranked[:_DEPTH]])
    return float(discounts[: len(gains)] @ gains / discounts[: len(gold)].sum())
