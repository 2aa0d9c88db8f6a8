"""The verifier's two graphs: one reads evidence, one judges claims by what was read.

Evidence sees nothing but itself, so that what claims need of it can be computed without them,
once, and kept. Together the two are the network of ``eval/training/network.py``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from rag import graph
from rag.graph import HEADS, LAYERS, WIDTH, Net

ALIGNED = (1, 3, 5)
"""Layers before which the claims are aligned with the evidence."""
READ = (
    *(f"key.{layer}" for layer in range(LAYERS)),
    *(f"value.{layer}" for layer in range(LAYERS)),
    *(f"x.{layer}" for layer in ALIGNED),
)
"""What claims need of the evidence: keys and values, (1, heads, length, width / heads), and what
goes into the aligned layers, (length, width); the outputs of one graph, inputs of the other."""
_HEAD = WIDTH // HEADS


def build_reader(embedder: Path, adapted: Path) -> bytes:
    """The serialised graph that reads evidence: embeddings of one file, layers of the other.

    Inputs of shape (length,), int64: ``ids``, ``places`` and ``kind``. Outputs: ``READ``, in
    that order.
    """
    net = Net(tensors(embedder, adapted))
    x = embedded(net)
    keys, values, aligned = [], [], []
    for index in range(LAYERS):
        if index in ALIGNED:
            aligned.append(x)
        layer = f"encoder.layer.{index}"
        keys.append(heads(net, x, layer, "key"))
        values.append(heads(net, x, layer, "value"))
        if index < LAYERS - 1:  # of the last layer claims need no more
            query = net.linear(x, f"{layer}.attention.self.query")
            query = net.op("Reshape", query, net.const([1, -1, WIDTH]))
            mixed = net.op("MultiHeadAttention", query, keys[-1], values[-1], num_heads=HEADS)
            x = graph.rest(net, x, net.op("Reshape", mixed, net.const([-1, WIDTH])), layer)
    shapes: dict[str, tuple[str | int, ...]] = {
        **dict.fromkeys(keys + values, (1, HEADS, "length", _HEAD)),
        **dict.fromkeys(aligned, ("length", WIDTH)),
    }
    return graph.serialize(net, "footnote-reader", token_inputs(), shapes)


def build_judge(embedder: Path, adapted: Path) -> bytes:
    """The serialised graph that judges claims, packed one after the other.

    Inputs: ``ids``, ``places`` and ``kind`` (length,), int64; ``bias`` (length, evidence +
    length), float32, added to the attention; ``starts`` (claims,), int64, where each begins;
    ``means`` (claims, length), float32, the weights of each claim's mean; and ``READ``.
    Outputs: logits (claims, 3) of supported, not enough, contradicted; (length,) of a token
    that the evidence lacks.
    """
    net = Net(tensors(embedder, adapted))
    x = embedded(net)
    for index in range(LAYERS):
        if index in ALIGNED:
            x = align(net, x, f"x.{index}", f"align.{index}")
        layer = f"encoder.layer.{index}"
        x = graph.rest(net, x, attend(net, x, index, "bias"), layer)
    mean = net.op("MatMul", "means", x)
    both = net.op("Concat", net.op("Gather", x, "starts"), mean, axis=1)
    logits = net.linear(net.op("Tanh", net.linear(both, "pool")), "head")
    tags = net.op("Squeeze", net.linear(x, "tag"), net.const([1]))
    inputs: dict[str, tuple[type, tuple[str | int, ...]]] = {
        **token_inputs(),
        "bias": (np.float32, ("length", "seen")),
        "starts": (np.int64, ("claims",)),
        "means": (np.float32, ("claims", "length")),
    }
    inputs |= read_inputs()
    outputs: dict[str, tuple[str | int, ...]] = {logits: ("claims", 3), tags: ("length",)}
    return graph.serialize(net, "footnote-judge", inputs, outputs)


def read_inputs() -> dict[str, tuple[type, tuple[str | int, ...]]]:
    """``READ`` as inputs: their types and shapes."""
    return {
        name: (
            np.float32,
            ("evidence", WIDTH) if name.startswith("x.") else (1, HEADS, "evidence", _HEAD),
        )
        for name in READ
    }


def tensors(embedder: Path, adapted: Path) -> list[Any]:
    """The embeddings of one file, and what was adapted, of the other."""
    tables = ("embeddings.word", "embeddings.position", "embeddings.LayerNorm")
    return graph.external_tensors(embedder, tables) + graph.stored_tensors(adapted)


def token_inputs() -> dict[str, tuple[type, tuple[str | int, ...]]]:
    """``ids``, ``places`` and ``kind``: their types and shapes."""
    return dict.fromkeys(("ids", "places", "kind"), (np.int64, ("length",)))


def embedded(net: Net) -> str:
    """The embeddings of what ``token_inputs`` name, (length, width)."""
    places = net.op("Gather", "embeddings.position_embeddings.weight", "places")
    return graph.embed(net, places, net.op("Gather", "kinds", "kind"))


def heads(net: Net, x: str, layer: str, name: str) -> str:
    """(length, width) to (1, heads, length, width / heads)."""
    flat = net.linear(x, f"{layer}.attention.self.{name}")
    split = net.op("Reshape", flat, net.const([1, -1, HEADS, _HEAD]))
    return net.op("Transpose", split, perm=[0, 2, 1, 3])


def attend(net: Net, x: str, index: int, bias: str = "") -> str:
    """Attention of claims to the evidence and to claims, as far as ``bias`` lets them."""
    layer = f"encoder.layer.{index}"
    key, value = (
        net.op("Concat", f"{name}.{index}", heads(net, x, layer, name), axis=2)
        for name in ("key", "value")
    )
    turned = net.op("Transpose", key, perm=[0, 1, 3, 2])
    scores = net.op("MatMul", heads(net, x, layer, "query"), turned)
    scale = net.const(_HEAD**-0.5, np.float32)
    scores = net.op("Mul", scores, scale)
    shares = net.op("Softmax", net.op("Add", scores, bias) if bias else scores, axis=-1)
    mixed = net.op("Transpose", net.op("MatMul", shares, value), perm=[0, 2, 1, 3])
    return net.op("Reshape", mixed, net.const([-1, WIDTH]))


def align(net: Net, x: str, evidence: str, name: str) -> str:
    """Add to each claim token what the evidence has of it: see ``docs/verifier.md``."""
    unit = net.op("LpNormalization", x, axis=1, p=2)
    others = net.op("LpNormalization", evidence, axis=1, p=2)
    alike = net.op("MatMul", unit, net.op("Transpose", others, perm=[1, 0]))
    shares = net.op("Softmax", net.op("Mul", alike, f"{name}.temperature"), axis=-1)
    near = net.op("MatMul", shares, evidence)
    parts = net.op("Concat", near, net.op("Sub", x, near), net.op("Mul", x, near), axis=1)
    told = net.op("Mul", net.op("Gelu", net.linear(parts, f"{name}.mix")), f"{name}.gate")
    return net.op("Add", x, told)
