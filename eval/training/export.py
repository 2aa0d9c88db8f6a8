"""A trained network as one safetensors file of 7-bit weights, and back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file, save_file
from torch import Tensor

from rag.graph import quantised

from .network import NAMES, Backbone


def export(network: Backbone, path: Path) -> None:
    """Write what differs from the embedded model: layers, heads and part embeddings.

    Matrices are stored as int8 with one scale for each output (``rag.graph.quantised``);
    vectors as float32. Names are those of the published weights.
    """
    save_file(
        {name: array for each in network.named_parameters() for name, array in _stored(*each)},
        path,
    )


def adopt(network: Backbone, path: Path) -> None:
    """Start from the weights of such a file, as far as names and shapes agree."""
    held = load_file(path)
    for name, value in network.named_parameters():
        stored = _published(name)
        if stored in held and held[stored].size == value.numel():
            array = held[stored].astype(np.float32)
            if value.ndim == 2 and name != "kinds":
                array *= held[stored.replace(".weight", ".scale")][:, None]
            value.data = torch.from_numpy(array).reshape(value.shape)


def _published(name: str) -> str:
    """The name in the file of a parameter of ours."""
    match name.split("."):
        case ["layers", index, part, kind]:
            return f"encoder.layer.{index}.{NAMES[part]}.{kind}"
        case ["alignments", *rest]:
            return ".".join(["align", *rest])
    return name


def _stored(name: str, value: Tensor) -> Iterator[tuple[str, np.ndarray]]:
    array = np.atleast_1d(value.detach().numpy())
    stored = _published(name)
    if array.ndim < 2 or name == "kinds":
        yield stored, array
        return
    levels, scale = quantised(array)
    yield from ((stored, levels), (stored.replace(".weight", ".scale"), scale))
