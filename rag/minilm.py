"""all-MiniLM-L6-v2 under onnxruntime: texts in, unit vectors out, no torch.

The graph is assembled at start-up and holds no weights: onnxruntime maps them from the
verified safetensors file, so nothing is copied through Python and nothing is cached on disk.
"""

from __future__ import annotations

import json
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rag import weights
from rag.errors import ModelError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

LAYERS = 6
HEADS = 12
WIDTH = 384
EPSILON = 1e-12
"""Of the layer norms; this and the three above are the model's own config.json."""
MAX_TOKENS = 256
"""Longer texts are cut, as sentence-transformers does for this model."""
BATCH_TOKENS = 2048
"""Padded tokens per run: 8 abstracts or 60 sentences. More is no faster on two cores."""
WINDOW = 1024
"""Texts tokenised and sorted by length at a time, which bounds the memory of long jobs."""
OPSET = 20  # the first with Gelu
IR_VERSION = 10  # what opset 20 needs at least, so that old runtimes load it too


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
        return tokenizer, _session(weights.locate(weights.WEIGHTS))


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


def _session(path: Path) -> InferenceSession:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors only: standard error belongs to messages for people
    # Spinning between runs takes the cores from whatever else works here: on a busy machine
    # a question waited several times as long.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry(
        "session.model_external_initializers_file_folder_path", str(path.parent)
    )
    try:
        return onnxruntime.InferenceSession(
            build_graph(path), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime's errors share no base class
        reason = str(error).splitlines()[0]
        raise ModelError(
            f"onnxruntime {onnxruntime.__version__} cannot load {path}: {reason}; "
            "install the versions of requirements.lock"
        ) from error


def build_graph(path: Path) -> bytes:
    """The serialised ONNX model over the safetensors file at ``path``, some 25 kB.

    Inputs ``ids`` int64 and ``mask`` float32 (1 for a token, 0 for padding), each of shape
    (batch, length); output: unit vectors (batch, 384).
    """
    from onnx import TensorProto, helper

    net = _Net(_external_tensors(path))
    output = _pool(net, _encode(net, _embed(net)))
    shape = ["batch", "length"]
    graph = helper.make_graph(
        net.nodes,
        weights.MODEL,
        [
            helper.make_tensor_value_info("ids", TensorProto.INT64, shape),
            helper.make_tensor_value_info("mask", TensorProto.FLOAT, shape),
        ],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["batch", WIDTH])],
        net.tensors,
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
    )
    return bytes(model.SerializeToString())


def _external_tensors(path: Path) -> list[Any]:
    """ONNX tensors that point into the safetensors file (8 bytes of length, JSON, data)."""
    from onnx import TensorProto

    with path.open("rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
    tensors = []
    for name, entry in header.items():
        if not name.startswith(("embeddings.", "encoder.")) or entry["dtype"] != "F32":
            continue  # the pooler belongs to BERT's pre-training and has no part in the vectors
        tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=entry["shape"])
        tensor.data_location = TensorProto.EXTERNAL
        start, end = entry["data_offsets"]
        where = {"location": path.name, "offset": 8 + size + start, "length": end - start}
        for key, value in where.items():
            tensor.external_data.add(key=key, value=str(value))
        tensors.append(tensor)
    return tensors


class _Net:
    """Collects nodes; each method returns the name of the value it makes."""

    def __init__(self, tensors: list[Any]) -> None:
        self.nodes: list[Any] = []
        self.tensors = tensors

    def op(self, kind: str, *inputs: str, **attributes: object) -> str:
        from onnx import helper

        output = f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def const(self, value: object, dtype: type = np.int64) -> str:
        from onnx import numpy_helper

        name = f"const_{len(self.tensors)}"
        self.tensors.append(numpy_helper.from_array(np.array(value, dtype=dtype), name))
        return name

    def linear(self, x: str, layer: str) -> str:
        kernel = self.op("Transpose", f"{layer}.weight", perm=[1, 0])  # folded at load
        return self.op("Add", self.op("MatMul", x, kernel), f"{layer}.bias")

    def norm(self, x: str, layer: str) -> str:
        parts = (f"{layer}.weight", f"{layer}.bias")
        return self.op("LayerNormalization", x, *parts, axis=-1, epsilon=EPSILON)


def _embed(net: _Net) -> str:
    """Word, position and token type (always the first), summed: (batch, length, width)."""
    zero, one = net.const([0]), net.const([1])
    length = net.op("Shape", "ids", start=1)
    words = net.op("Gather", "embeddings.word_embeddings.weight", "ids")
    places = net.op("Slice", "embeddings.position_embeddings.weight", zero, length, zero)
    kinds = net.op("Slice", "embeddings.token_type_embeddings.weight", zero, one, zero)
    total = net.op("Add", net.op("Add", words, kinds), places)
    return net.norm(total, "embeddings.LayerNorm")


def _encode(net: _Net, x: str) -> str:
    padding = net.op("Sub", "mask", net.const(1, np.float32))  # 0 for a token, -1 for padding
    padding = net.op("Unsqueeze", padding, net.const([1, 2]))
    bias = net.op("Mul", padding, net.const(1e9, np.float32))
    for index in range(LAYERS):
        layer = f"encoder.layer.{index}"
        attended = net.linear(_attend(net, x, bias, layer), f"{layer}.attention.output.dense")
        x = net.norm(net.op("Add", attended, x), f"{layer}.attention.output.LayerNorm")
        wide = net.op("Gelu", net.linear(x, f"{layer}.intermediate.dense"))  # the erf one
        narrow = net.linear(wide, f"{layer}.output.dense")
        x = net.norm(net.op("Add", narrow, x), f"{layer}.output.LayerNorm")
    return x


def _attend(net: _Net, x: str, bias: str, layer: str) -> str:
    split = net.const([0, 0, HEADS, WIDTH // HEADS])

    def heads(name: str, perm: list[int]) -> str:
        flat = net.linear(x, f"{layer}.attention.self.{name}")
        return net.op("Transpose", net.op("Reshape", flat, split), perm=perm)

    scores = net.op("MatMul", heads("query", [0, 2, 1, 3]), heads("key", [0, 2, 3, 1]))
    scale = net.const((WIDTH // HEADS) ** -0.5, np.float32)
    shares = net.op("Softmax", net.op("Add", net.op("Mul", scores, scale), bias), axis=-1)
    mixed = net.op("MatMul", shares, heads("value", [0, 2, 1, 3]))
    joined = net.op("Transpose", mixed, perm=[0, 2, 1, 3])
    return net.op("Reshape", joined, net.const([0, 0, WIDTH]))


def _pool(net: _Net, x: str) -> str:
    """Mean over tokens, then unit length: the token count cancels out, so the sum will do."""
    column = net.op("Unsqueeze", "mask", net.const([2]))
    total = net.op("ReduceSum", net.op("Mul", x, column), net.const([1]), keepdims=0)
    return net.op("LpNormalization", total, axis=1, p=2)
