"""The answering model's second graph; the first, which reads a paper, is the verifier's reader.

Together they are the network of ``eval/training/asking.py``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rag import graph
from rag.graph import LAYERS, Net
from rag.verifier_graph import (
    ALIGNED,
    align,
    attend,
    embedded,
    read_inputs,
    tensors,
    token_inputs,
)

SHARPNESS = 20.0
"""Of the soft maximum over the cosines of a sentence's tokens."""
PROBED = 3
"""The layer from which on a question has a probe for each sentence; an aligned one, whose input
the reader gives."""


def build_asker(embedder: Path, adapted: Path) -> bytes:
    """The serialised graph that puts one question to a paper that was read.

    Inputs: ``ids``, ``places`` and ``kind`` (length,), int64, of the question; ``means``
    (sentences, evidence), float32, the weights of each sentence's mean; ``bias`` (length +
    sentences, evidence + length + sentences), float32, added to the attention; and what the
    reader gives. Outputs: logits (1,) of an answer, (sentences,) of each sentence as part of it,
    (length,) of a token that the paper lacks.
    """
    net = Net(tensors(embedder, adapted))
    x = embedded(net)
    length = net.op("Shape", "ids")
    near = []
    for index in range(LAYERS):
        if index in ALIGNED:
            own = _first(net, x, length) if index > PROBED else x
            near.append(_matches(net, own, f"x.{index}"))
            aligned = align(net, own, f"x.{index}", f"align.{index}")
            if index >= PROBED:
                probes = _begun(net) if index == PROBED else _rest(net, x, length)
                aligned = net.op("Concat", aligned, probes, axis=0)
            x = aligned
        bias = "bias" if index >= PROBED else ""
        x = graph.rest(net, x, attend(net, x, index, bias), f"encoder.layer.{index}")
    near_all = net.op("Concat", *near, axis=2)
    answered, chosen, tags = _heads(net, _first(net, x, length), _rest(net, x, length), near_all)
    inputs: dict[str, tuple[type, tuple[str | int, ...]]] = {
        **token_inputs(),
        "own": (np.float32, ("sentences", "evidence")),
        "bias": (np.float32, ("rows", "seen")),
        **read_inputs(),
    }
    outputs: dict[str, tuple[str | int, ...]] = {
        answered: (1,),
        chosen: ("sentences",),
        tags: ("length",),
    }
    return graph.serialize(net, "footnote-asker", inputs, outputs)


def _first(net: Net, x: str, length: str) -> str:
    """The rows of the question's tokens."""
    zero = net.const([0])
    return net.op("Slice", x, zero, length, zero)


def _rest(net: Net, x: str, length: str) -> str:
    """The rows of the probes."""
    return net.op("Slice", x, length, net.op("Shape", x, end=1), net.const([0]))


def _begun(net: Net) -> str:
    """The probes as they start: the mean of each sentence, and what marks them."""
    size = net.op("Max", net.op("ReduceSum", "own", net.const([1])), net.const(1, np.float32))
    mean = net.op("Div", net.op("MatMul", "own", f"x.{PROBED}"), size)
    return net.op("Add", mean, "probe")


def _matches(net: Net, x: str, paper: str) -> str:
    """(length, sentences, 1): how near a sentence's nearest token is to each of the question."""
    unit = net.op("LpNormalization", x, axis=1, p=2)
    others = net.op("LpNormalization", paper, axis=1, p=2)
    alike = net.op("MatMul", unit, net.op("Transpose", others, perm=[1, 0]))
    sharpness, one = net.const(SHARPNESS, np.float32), net.const(1, np.float32)
    powers = net.op("Exp", net.op("Mul", net.op("Sub", alike, one), sharpness))
    total = net.op("MatMul", powers, net.op("Transpose", "own", perm=[1, 0]))
    nearest = net.op("Log", net.op("Max", total, net.const(1e-9, np.float32)))
    return net.op("Unsqueeze", net.op("Div", nearest, sharpness), net.const([2]))


def _heads(net: Net, tokens: str, probes: str, near: str) -> tuple[str, str, str]:
    zero, one = net.const([0]), net.const([1])
    first = net.op("Slice", tokens, zero, one, zero)
    mean = net.op("ReduceMean", tokens, zero)
    heed = net.op("Softmax", net.linear(tokens, "heed"), axis=0)
    match = net.op(
        "ReduceSum", net.op("Mul", near, net.op("Unsqueeze", heed, one)), zero, keepdims=0
    )
    every = net.op("Expand", first, net.op("Shape", probes))
    beside = net.op("Concat", probes, every, net.op("Mul", probes, mean), axis=1)
    told = net.linear(net.op("Tanh", net.linear(beside, "sentence")), "chosen")
    chosen = net.op("Add", told, net.linear(match, "match"))
    both = net.op("Concat", probes, match, axis=1)
    best = net.op("ReduceSum", net.op("Mul", net.op("Softmax", chosen, axis=0), both), zero)
    whole = net.linear(net.op("Concat", first, mean, best, axis=1), "whole")
    answered = net.linear(net.op("Tanh", whole), "answered")
    flat = net.const([-1])
    rows = (answered, chosen, net.linear(tokens, "tag"))
    answered, chosen, tags = (net.op("Reshape", each, flat) for each in rows)
    return answered, chosen, tags
