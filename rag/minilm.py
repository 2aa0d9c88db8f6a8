"""all-MiniLM-L6-v2 under onnxruntime: texts in, unit vectors out, no torch.

The graph is assembled at start-up and holds no weights: onnxruntime maps them from the
verified safetensors file, so nothing is copied through Python and nothing is cached on disk.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rag import weights
from rag.graph import WIDTH, Net, embed, encode, external_tensors, open_session, serialize

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

MAX_TOKENS = 256
"""Longer texts are cut, as sentence-transformers does for this model."""
BATCH_TOKENS = 2048
"""Padded tokens per run: 8 abstracts or 60 sentences. More is no faster on two cores."""
WINDOW = 1024
"""Texts tokenised and sorted by length at a time, which bounds the memory of long jobs."""


class MiniLM:
    """The embedded model; made at the first ``encode``, then shared by threads.

    A text's vector depends on the text alone: batching moves it by rounding (1e-6) only.
    """

    name = weights.MODEL
    fingerprint = f"{weights.MODEL}/{weights.DIGESTS[weights.WEIGHTS][:12]}/mean/{MAX_TOKENS}"
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
            for rows in _batches([len(ids) for ids in tokens]):
                batch = session.run(None, _inputs([tokens[row] for row in rows]))[0]
                vectors[start + np.array(rows)] = batch
                done += len(rows)
                if on_progress:
                    on_progress(done)
        return vectors

    @cached_property
    def _loaded(self) -> tuple[Tokenizer, InferenceSession]:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(weights.locate(weights.TOKENIZER)))
        tokenizer.no_padding()  # the file asks for 128 tokens, padded and cut
        tokenizer.enable_truncation(MAX_TOKENS)
        path = weights.locate(weights.WEIGHTS)
        return tokenizer, open_session(build_graph(path), path)


def _valid_unicode(text: str) -> str:
    # Lone surrogates come from file names and broken JSON escapes; the tokenizer refuses them.
    return text.encode("utf-8", "replace").decode()


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Rows of similar length together, the longest first: memory peaks at once or never."""
    order = sorted(range(len(lengths)), key=lambda row: -lengths[row])
    while order:
        size = max(1, BATCH_TOKENS // lengths[order[0]])
        yield order[:size]
        order = order[size:]


def _inputs(tokens: Sequence[Sequence[int]]) -> dict[str, np.ndarray]:
    """Padded token ids and their mask. A text may spell [PAD], so ids alone cannot tell."""
    ids = np.zeros((len(tokens), len(tokens[0])), dtype=np.int64)
    mask = np.zeros(ids.shape, dtype=np.float32)
    for row, each in enumerate(tokens):
        ids[row, : len(each)] = each
        mask[row, : len(each)] = 1
    return {"ids": ids, "mask": mask}


def build_graph(path: Path) -> bytes:
    """The serialised ONNX model over the safetensors file at ``path``, some 25 kB.

    Inputs ``ids`` int64 and ``mask`` float32 (1 for a token, 0 for padding), each of shape
    (batch, length); output: unit vectors (batch, 384).
    """
    # The pooler in the file belongs to BERT's pre-training and has no part in the vectors.
    net = Net(external_tensors(path, ("embeddings.", "encoder.")))
    zero, one = net.const([0]), net.const([1])
    length = net.op("Shape", "ids", start=1)
    places = net.op("Slice", "embeddings.position_embeddings.weight", zero, length, zero)
    kinds = net.op("Slice", "embeddings.token_type_embeddings.weight", zero, one, zero)
    padding = net.op("Sub", "mask", net.const(1, np.float32))  # 0 for a token, -1 for padding
    padding = net.op("Unsqueeze", padding, net.const([1, 2]))
    bias = net.op("Mul", padding, net.const(1e9, np.float32))
    output = _pool(net, encode(net, embed(net, places, kinds), bias))
    shape = ("batch", "length")
    inputs = {"ids": (np.int64, shape), "mask": (np.float32, shape)}
    return serialize(net, weights.MODEL, inputs, {output: ("batch", WIDTH)})


def _pool(net: Net, x: str) -> str:
    """Mean over tokens, then unit length: the token count cancels out, so the sum will do."""
    column = net.op("Unsqueeze", "mask", net.const([2]))
    total = net.op("ReduceSum", net.op("Mul", x, column), net.const([1]), keepdims=0)
    return net.op("LpNormalization", total, axis=1, p=2)
