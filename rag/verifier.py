"""The trained verifier: what does this evidence say of these claims?

An adapted copy of the embedded model's layers with two heads, run under onnxruntime over
packed sequences: the evidence first, then every claim, each claim seeing the evidence and
itself alone. So evidence is read once for all claims about it, and no claim knows of another.
What it learned from, and how well it does: ``docs/verifier.md``.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rag import graph, weights
from rag.text import whole

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

WEIGHTS = Path(__file__).with_name("verifier.safetensors")
MAX_EVIDENCE = 448
"""Tokens of evidence; the model has 512 places. Longer evidence is cut."""
MAX_CLAIM = 96
"""Tokens of a claim."""
ALIGNED = (1, 3, 5)
"""Layers before which the claims are aligned with the evidence."""
_FAR = -1e4
"""Added to the attention of what a token may not see."""


@dataclass(frozen=True, slots=True)
class Packed:
    """One token sequence: evidence (part 0), then claims (parts 1, 2, …)."""

    ids: tuple[int, ...]
    places: tuple[int, ...]
    """Position within its own part."""
    parts: tuple[int, ...]
    offsets: tuple[tuple[int, int], ...]
    """The characters of each token in its own text; empty for special tokens."""
    starts: tuple[int, ...]
    """Where each claim begins."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the evidence says of one claim."""

    support: float
    """Probability that the evidence states it."""
    contradiction: float
    """Probability that the evidence states the opposite."""
    tokens: tuple[tuple[int, int, float], ...]
    """Spans of the claim's characters, each with the probability that the evidence lacks it."""


class Verifier:
    """The model; loaded at the first ``judge``, then shared by threads."""

    def __init__(self, path: Path = WEIGHTS) -> None:
        self._path = path
        self._lock = threading.Lock()

    def judge(self, evidence: str, claims: Sequence[str]) -> list[Judgement]:
        """What ``evidence`` says of each of ``claims``, in their order.

        Raises:
            ModelError: the model's files cannot be had or are not the published ones.
        """
        if not claims:
            return []
        with self._lock:  # two first callers must not both load the model
            tokenizer, session = self._loaded
        packed = pack(tokenizer, whole(evidence), [whole(c) for c in claims])
        logits, tags = session.run(None, _inputs(packed))
        shares = _softmax(logits)
        lacking = 1 / (1 + np.exp(-tags[0]))
        parts = np.array(packed.parts)
        return [
            Judgement(
                float(shares[n, 0]),
                float(shares[n, 2]),
                tuple(
                    (*packed.offsets[at], float(lacking[at]))
                    for at in np.flatnonzero(parts == n + 1)
                    if packed.offsets[at][0] < packed.offsets[at][1]
                ),
            )
            for n in range(len(claims))
        ]

    @cached_property
    def _loaded(self) -> tuple[Tokenizer, InferenceSession]:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(weights.locate(weights.TOKENIZER)))
        tokenizer.no_padding()
        tokenizer.no_truncation()
        embedder = weights.locate(weights.WEIGHTS)
        return tokenizer, graph.open_session(build_graph(embedder, self._path), embedder)


def pack(tokenizer: Tokenizer, evidence: str, claims: Sequence[str]) -> Packed:
    """Tokens of the evidence and its claims, as the verifier reads them."""
    ids: list[int] = []
    places: list[int] = []
    parts: list[int] = []
    offsets: list[tuple[int, int]] = []
    starts: list[int] = []
    for part, encoding in enumerate(tokenizer.encode_batch([evidence, *claims])):
        size = min(MAX_CLAIM if part else MAX_EVIDENCE, len(encoding.ids))
        if part:
            starts.append(len(ids))
        ids += encoding.ids[:size]
        places += range(size)
        parts += [part] * size
        offsets += encoding.offsets[:size]
    return Packed(tuple(ids), tuple(places), tuple(parts), tuple(offsets), tuple(starts))


def _inputs(packed: Packed) -> dict[str, np.ndarray]:
    parts = np.array([packed.parts], dtype=np.int64)
    own = parts[0] == np.arange(1, len(packed.starts) + 1)[:, None]
    return {
        "ids": np.array([packed.ids], dtype=np.int64),
        "places": np.array([packed.places], dtype=np.int64),
        "parts": parts,
        "starts": np.array(packed.starts, dtype=np.int64),
        "means": (own / own.sum(axis=1, keepdims=True)).astype(np.float32),
    }


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: np.ndarray = powers / powers.sum(axis=1, keepdims=True)
    return shares


def build_graph(embedder: Path, adapted: Path) -> bytes:
    """The serialised ONNX model: embeddings of one file, layers and heads of the other.

    Inputs of shape (1, length): ``ids``, ``places`` and ``parts`` (int64); ``starts``
    (claims,), int64; ``means`` (claims, length), float32, the weights of each claim's mean.
    Outputs: logits (claims, 3) of supported, not enough, contradicted; (1, length) of a token
    that the evidence lacks.
    """
    tables = ("embeddings.word", "embeddings.position", "embeddings.LayerNorm")
    net = graph.Net(graph.external_tensors(embedder, tables) + graph.stored_tensors(adapted))
    zero, one = net.const([0]), net.const([1])
    places = net.op("Gather", "embeddings.position_embeddings.weight", "places")
    is_claim = net.op("Cast", net.op("Greater", "parts", zero), to=7)
    kinds = net.op("Gather", "kinds", is_claim)
    rows, columns = net.op("Unsqueeze", "parts", net.const([2])), net.op("Unsqueeze", "parts", one)
    seen = net.op("Or", net.op("Equal", rows, columns), net.op("Equal", columns, zero))
    nothing_or_far = net.const(0, np.float32), net.const(_FAR, np.float32)
    bias = net.op("Unsqueeze", net.op("Where", seen, *nothing_or_far), one)
    elsewhere = net.op("Where", net.op("Equal", columns, zero), *nothing_or_far)
    claim = net.op("Cast", net.op("Unsqueeze", is_claim, net.const([2])), to=1)

    def before(layer: int, x: str) -> str:
        return _align(net, x, elsewhere, claim, layer) if layer in ALIGNED else x

    x = graph.encode(net, graph.embed(net, places, kinds), bias, before)
    flat = net.op("Squeeze", x, zero)
    both = net.op(
        "Concat", net.op("Gather", flat, "starts"), net.op("MatMul", "means", flat), axis=1
    )
    logits = net.linear(net.op("Tanh", net.linear(both, "pool")), "head")
    tags = net.op("Squeeze", net.linear(x, "tag"), net.const([2]))
    row, claims = (1, "length"), ("claims",)
    inputs = {
        **dict.fromkeys(("ids", "places", "parts"), (np.int64, row)),
        "starts": (np.int64, claims),
        "means": (np.float32, ("claims", "length")),
    }
    return graph.serialize(net, "footnote-verifier", inputs, {logits: ("claims", 3), tags: row})


def _align(net: graph.Net, x: str, elsewhere: str, claim: str, layer: int) -> str:
    """Add to each claim token what the evidence has of it: see ``docs/verifier.md``."""
    name = f"align.{layer}"
    unit = net.op("LpNormalization", x, axis=2, p=2)
    alike = net.op("MatMul", unit, net.op("Transpose", unit, perm=[0, 2, 1]))
    scores = net.op("Add", net.op("Mul", alike, f"{name}.temperature"), elsewhere)
    near = net.op("MatMul", net.op("Softmax", scores, axis=-1), x)
    parts = net.op("Concat", near, net.op("Sub", x, near), net.op("Mul", x, near), axis=2)
    told = net.op("Mul", net.op("Gelu", net.linear(parts, f"{name}.mix")), f"{name}.gate")
    return net.op("Add", x, net.op("Mul", told, claim))
