"""The trained network as one safetensors file of 7-bit weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from torch import Tensor

from rag.graph import quantised

from .network import NAMES, Network


def export(network: Network, path: Path) -> None:
    """Write what differs from the embedded model: layers, heads and part embeddings.

    Matrices are stored as int8 with one scale for each output (``rag.graph.quantised``);
    vectors as float32. Names are those of the published weights.
    """
    tensors: dict[str, np.ndarray] = {"kinds": network.kinds.detach().numpy()}
    for index, layer in enumerate(network.layers):
        for ours, theirs in NAMES.items():
            for kind, value in layer.get_submodule(ours).named_parameters():
                tensors |= _stored(f"encoder.layer.{index}.{theirs}.{kind}", value)
    for index, alignment in network.alignments.items():
        for kind, value in alignment.named_parameters():
            tensors |= _stored(f"align.{index}.{kind}", value)
    for name in ("pool", "head", "tag"):
        for kind, value in network.get_submodule(name).named_parameters():
            tensors |= _stored(f"{name}.{kind}", value)
    save_file(tensors, path)


def _stored(name: str, value: Tensor) -> dict[str, np.ndarray]:
    array = np.atleast_1d(value.detach().numpy())
    if array.ndim < 2:
        return {name: array}
    levels, scale = quantised(array)
    return {name: levels, name.replace(".weight", ".scale"): scale}
