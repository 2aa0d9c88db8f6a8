"""all-MiniLM-L6-v2 under onnxruntime: texts in, unit vectors out, no torch.

The graph is assembled at start-up from the verified safetensors file. The layers' matrices are
turned into 8-bit integers on the way, which doubles the speed and costs retrieval almost
nothing (docs/scaling.md); onnxruntime maps the rest from the file. Nothing is
cached on disk.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import cached_property, partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from rag import weights
from rag.graph import (
    HEADS,
    LAYERS,
    WIDTH,
    Net,
    embed,
    external_tensors,
    open_session,
    quantised,
    rest,
    serialize,
)  # fmt: skip

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

T = TypeVar("T")
U = TypeVar("U")
MAX_TOKENS = 256
"""Longer texts are cut, as sentence-transformers does for this model."""
BATCH_TOKENS = 256
"""Tokens per run: one abstract or a dozen sentences, which is what the caches hold."""
WINDOW = 1024
"""Texts tokenised and sorted by length at a time, which bounds the memory of long jobs."""
PARTS = ("embeddings.", "encoder.")
"""Of the file; its pooler belongs to BERT's pre-training and has no part in the vectors."""


class MiniLM:
    """The embedded model; made at the first ``encode``, then shared by threads.

    A text's vector depends on the text alone: no run holds texts of two lengths, so nothing is
    padded, and each token is quantised by itself.
    """

    name = weights.MODEL
    fingerprint = f"{weights.MODEL}/{weights.DIGESTS[weights.WEIGHTS][:12]}/mean/{MAX_TOKENS}/int8"
    dimension = WIDTH
    remote = False

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def encode(
        self, texts: Sequence[str], on_progress: Callable[[int], None] | None = None
    ) -> np.ndarray:
        """Float32 unit vectors (n, 384) in the order of ``texts``.

        ``on_progress`` gets the number of texts done so far; raising in it cancels the work.

        Raises:
            ModelError: the model's files cannot be had or are not the published ones.
        """
        vectors = np.empty((len(texts), WIDTH), dtype=np.float32)
        if not texts:
            return vectors
        with self._lock:  # two first callers must not both load the model
            tokenizer, session = self._loaded
        done = 0
        for start in range(0, len(texts), WINDOW):
            window = [_valid_unicode(text) for text in texts[start : start + WINDOW]]
            tokens = [e.ids for e in tokenizer.encode_batch_fast(window)]
            batches = list(_batches([len(ids) for ids in tokens]))
            sequences = [[tokens[row] for row in rows] for rows in batches]
            with closing(_in_parallel(partial(_run, session), sequences)) as results:
                for rows, result in zip(batches, results, strict=True):
                    vectors[start + np.array(rows)] = result
                    done += len(rows)
                    if on_progress:
                        on_progress(done)
        return vectors

    @cached_property
    def _loaded(self) -> tuple[Tokenizer, InferenceSession]:
        tokenizer = weights.load_tokenizer(MAX_TOKENS)
        path = weights.locate(weights.WEIGHTS)
        # Runs of one thread each side by side are faster than one run that they share.
        return tokenizer, open_session(build_graph(self._tensors(path)), path, threads=1)

    @staticmethod
    def _tensors(path: Path) -> list[Any]:
        return in_8_bits(path)


def _valid_unicode(text: str) -> str:
    # Lone surrogates come from file names and broken JSON escapes; the tokenizer refuses them.
    return text.encode("utf-8", "replace").decode()


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Rows of one length together, the longest first, so that the last to end are short."""
    order = sorted(range(len(lengths)), key=lambda row: -lengths[row])
    for length, group in groupby(order, key=lambda row: lengths[row]):
        rows = list(group)
        size = max(1, BATCH_TOKENS // length)
        yield from (rows[at : at + size] for at in range(0, len(rows), size))


def _in_parallel(run: Callable[[T], U], items: Sequence[T]) -> Generator[U, None, None]:
    """The results in order. What has not begun when the caller closes this is left undone.

    The threads are this call's own: a question does not wait for an ingest's abstracts.
    """
    with ThreadPoolExecutor(min(len(items), os.cpu_count() or 1)) as pool:
        yield from pool.map(run, items)


def _run(session: InferenceSession, sequences: Sequence[Sequence[int]]) -> np.ndarray:
    """Vectors (n, 384) of n sequences of one length."""
    return np.asarray(session.run(None, {"ids": np.array(sequences, dtype=np.int64)})[0])


def build_graph(tensors: list[Any]) -> bytes:
    """The serialised ONNX model with these weights, which may be in 8 or in 32 bits.

    Input: ``ids`` int64 (batch, length), nothing padded; output: unit vectors (batch, 384).
    """
    net = Net(tensors)
    shape = net.op("Concat", net.op("Shape", "ids"), net.const([WIDTH]), axis=0)
    x = _rows(net, embedded(net))
    for index in range(LAYERS):
        x = _layer(net, x, shape, f"encoder.layer.{index}")
    # Mean over tokens, then unit length: the token count cancels out, so the sum will do.
    total = net.op("ReduceSum", net.op("Reshape", x, shape), net.const([1]), keepdims=0)
    output = net.op("LpNormalization", total, axis=1, p=2)
    inputs = {"ids": (np.int64, ("batch", "length"))}
    return serialize(net, weights.MODEL, inputs, {output: ("batch", WIDTH)})


def embedded(net: Net) -> str:
    """The embeddings of ``ids``, (batch, length, 384): places from 0, all of the first kind."""
    zero, one = net.const([0]), net.const([1])
    length = net.op("Shape", "ids", start=1)
    places = net.op("Slice", "embeddings.position_embeddings.weight", zero, length, zero)
    kinds = net.op("Slice", "embeddings.token_type_embeddings.weight", zero, one, zero)
    return embed(net, places, kinds)


def _layer(net: Net, x: str, shape: str, layer: str) -> str:
    """One layer on tokens as rows (batch * length, 384); ``shape`` is theirs in full."""
    heads = [
        net.op("Reshape", net.linear(x, f"{layer}.attention.self.{name}"), shape)
        for name in ("query", "key", "value")
    ]
    return rest(net, x, _rows(net, net.op("MultiHeadAttention", *heads, num_heads=HEADS)), layer)


def _rows(net: Net, x: str) -> str:
    return net.op("Reshape", x, net.const([-1, WIDTH]))


def in_8_bits(path: Path) -> list[Any]:
    """The safetensors file's tensors; the layers' matrices in 8 bits, 11 MB in all.

    They come transposed, as ``Net.linear`` multiplies by them, with a scale for each column.
    """
    from onnx import numpy_helper
    from safetensors import safe_open

    tensors = []
    with safe_open(path, framework="numpy") as file:
        for tensor in external_tensors(path, PARTS):
            if tensor.name.startswith("embeddings.") or len(tensor.dims) == 1:
                tensors.append(tensor)
                continue
            levels, scale = quantised(file.get_tensor(tensor.name))
            held = {tensor.name: levels.T, tensor.name.replace(".weight", ".scale"): scale}
            for name, array in held.items():
                tensors.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
    return tensors
