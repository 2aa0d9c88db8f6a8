"""Transformer graphs for onnxruntime, assembled from published weights with ``onnx.helper``.

One builder for both models of this project: the embedding model and the verifier that was
trained from it.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rag.errors import ModelError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

LAYERS = 6
HEADS = 12
WIDTH = 384
EPSILON = 1e-12
"""Of the layer norms; this and the three above are MiniLM's own config.json."""
OPSET = 20  # the first with Gelu
FUSED = frozenset({"MatMulIntegerToFloat", "MultiHeadAttention"})
"""Operators of onnxruntime's own, of the domain ``MICROSOFT``."""
MICROSOFT = "com.microsoft"
LEVELS = 63
"""Of an 8-bit weight, on either side of 0. A processor without 8-bit dot products adds two products
in 16 bits: with 7 bits of weight they fit, so that every machine makes the same sums."""
IR_VERSION = 10  # what opset 20 needs at least, so that old runtimes load it too


def external_tensors(path: Path, prefixes: tuple[str, ...]) -> list[Any]:
    """ONNX tensors that point into the safetensors file (8 bytes of length, JSON, data).

    So onnxruntime maps them from the file: nothing is copied through Python.
    """
    from onnx import TensorProto

    with path.open("rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
    tensors = []
    for name, entry in header.items():
        if not name.startswith(prefixes) or entry["dtype"] != "F32":
            continue
        tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=entry["shape"])
        tensor.data_location = TensorProto.EXTERNAL
        start, end = entry["data_offsets"]
        where = {"location": path.name, "offset": 8 + size + start, "length": end - start}
        for key, value in where.items():
            tensor.external_data.add(key=key, value=str(value))
        tensors.append(tensor)
    return tensors


def stored_tensors(path: Path) -> list[Any]:
    """ONNX tensors of a safetensors file whose matrices may be int8, with a ``.scale`` beside.

    Such a matrix comes transposed, as ``Net.linear`` multiplies by it.

    Raises:
        ModelError: the file is missing or damaged.
    """
    from onnx import numpy_helper
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        held = load_file(path)
    except (OSError, SafetensorError) as error:
        reason = str(error).splitlines()[0]
        raise ModelError(f"{path} cannot be read: {reason}; install Footnote again") from error
    return [
        numpy_helper.from_array(
            np.ascontiguousarray(array.T) if array.dtype == np.int8 else array, name
        )
        for name, array in sorted(held.items())
    ]


def quantised(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A float32 matrix (n, m) as int8 levels (n, m), with a scale (n,) for each row.

    Symmetric, as in Jacob et al. 2018, section 2; ``LEVELS`` steps each way.
    """
    scale = np.abs(matrix).max(axis=1) / np.float32(LEVELS)
    return np.round(matrix / np.maximum(scale, 1e-12)[:, None]).astype(np.int8), scale


class Net:
    """Collects nodes; each method returns the name of the value it makes."""

    def __init__(self, tensors: list[Any]) -> None:
        self.nodes: list[Any] = []
        self.tensors = tensors
        self.names = {tensor.name for tensor in tensors}
        self._quantised: dict[str, tuple[str, str]] = {}

    def op(self, kind: str, *inputs: str, **attributes: object) -> str:
        """Add an operator."""
        from onnx import helper

        output = f"{kind}_{len(self.nodes)}"
        domain = MICROSOFT if kind in FUSED else ""
        self.nodes.append(helper.make_node(kind, inputs, [output], domain=domain, **attributes))
        return output

    def const(self, value: object, dtype: type = np.int64) -> str:
        """Add a constant."""
        from onnx import numpy_helper

        name = f"const_{len(self.tensors)}"
        self.tensors.append(numpy_helper.from_array(np.array(value, dtype=dtype), name))
        return name

    def linear(self, x: str, layer: str) -> str:
        """``x`` by the transposed weight, plus the bias; in 8 bits where the weight is.

        In 8 bits ``x`` must be rows, (length, width).
        """
        if f"{layer}.scale" in self.names:
            product = self._integer_product(x, layer)
        else:
            kernel = self.op("Transpose", f"{layer}.weight", perm=[1, 0])  # folded at load
            product = self.op("MatMul", x, kernel)
        return self.op("Add", product, f"{layer}.bias")

    def _integer_product(self, x: str, layer: str) -> str:
        levels, scale = self._levels(x)
        parts = (f"{layer}.weight", self.const(1, np.float32), f"{layer}.scale")
        product = self.op("MatMulIntegerToFloat", levels, *parts, self.const(128, np.uint8))
        return self.op("Mul", product, scale)

    def _levels(self, x: str) -> tuple[str, str]:
        """Rows in 8 bits around 128, and the scale of each, (length, 1); made once for each ``x``.

        One scale for all rows is a fused operator, but would let the claims of one sequence
        move each other's results. Unsigned by signed is the kernel that is fast everywhere.
        """
        if x not in self._quantised:
            largest = self.op("ReduceMax", self.op("Abs", x), self.const([-1]), keepdims=1)
            share, least = self.const(1 / 127, np.float32), self.const(1e-9, np.float32)
            scale = self.op("Max", self.op("Mul", largest, share), least)
            flat = self.op("Squeeze", scale, self.const([1]))
            middle = self.op("Expand", self.const(128, np.uint8), self.op("Shape", flat))
            self._quantised[x] = self.op("QuantizeLinear", x, flat, middle, axis=0), scale
        return self._quantised[x]

    def norm(self, x: str, layer: str) -> str:
        """Layer normalisation with a layer's own weight and bias."""
        parts = (f"{layer}.weight", f"{layer}.bias")
        return self.op("LayerNormalization", x, *parts, axis=-1, epsilon=EPSILON)


def embed(net: Net, places: str, kinds: str) -> str:
    """Words, places and kinds, summed and normed: (batch, length, width).

    ``places`` and ``kinds`` name embeddings that fit ``ids`` in shape, (…, length, width).
    """
    words = net.op("Gather", "embeddings.word_embeddings.weight", "ids")
    total = net.op("Add", net.op("Add", words, kinds), places)
    return net.norm(total, "embeddings.LayerNorm")


def rest(net: Net, x: str, mixed: str, layer: str) -> str:
    """What follows the attention in a layer, whose outcome is ``mixed``; rows of tokens."""
    attended = net.linear(mixed, f"{layer}.attention.output.dense")
    x = net.norm(net.op("Add", attended, x), f"{layer}.attention.output.LayerNorm")
    wide = net.op("Gelu", net.linear(x, f"{layer}.intermediate.dense"))  # the erf one
    narrow = net.linear(wide, f"{layer}.output.dense")
    return net.norm(net.op("Add", narrow, x), f"{layer}.output.LayerNorm")


def serialize(
    net: Net,
    name: str,
    inputs: Mapping[str, tuple[type, Sequence[str | int]]],
    outputs: Mapping[str, Sequence[str | int]],
) -> bytes:
    """The graph as onnxruntime reads it; inputs with type and shape, float outputs with shape."""
    from onnx import TensorProto, helper

    types: dict[type, int] = {np.int64: TensorProto.INT64, np.float32: TensorProto.FLOAT}
    graph = helper.make_graph(
        net.nodes,
        name,
        [helper.make_tensor_value_info(k, types[t], shape) for k, (t, shape) in inputs.items()],
        [helper.make_tensor_value_info(k, TensorProto.FLOAT, s) for k, s in outputs.items()],
        net.tensors,
    )
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(MICROSOFT, 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
    return bytes(model.SerializeToString())


def open_session(model: bytes, path: Path, threads: int = 0) -> InferenceSession:
    """Load a graph whose external tensors lie in the folder of ``path``.

    Args:
        model: the serialised graph.
        path: the file of its tensors.
        threads: how many share one run; 0: one for each core.

    Raises:
        ModelError: this onnxruntime cannot run it.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # errors only: standard error belongs to messages for people
    # Spinning between runs takes the cores from whatever else works here: on a busy machine
    # a question waited several times as long.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry(
        "session.model_external_initializers_file_folder_path", str(path.parent)
    )
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors share no base class
        reason = str(error).splitlines()[0]
        raise ModelError(
            f"onnxruntime {onnxruntime.__version__} cannot load {path}: {reason}; "
            "install the versions of requirements.lock"
        ) from error
