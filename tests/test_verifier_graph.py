"""The two graphs against the joint network, written out in numpy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from scipy.special import erf, softmax

from rag import weights
from rag.graph import EPSILON, HEADS, LAYERS, WIDTH
from rag.verifier import WEIGHTS, Verifier, pack
from rag.verifier_graph import ALIGNED, READ

EVIDENCE = "Quiet reefs\nCod grunted less near 12 busy ports. Night noise fell by 4 dB."
CLAIMS = ("Cod grunted more near busy ports.", "Noise at night fell.", "Herring sang.")
Tensors = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped weights in 32 bits, in which rounding moves nothing that is seen."""
    return in_32_bits(WEIGHTS, tmp_path_factory.mktemp("plain") / "verifier.safetensors")


def in_32_bits(shipped: Path, path: Path) -> Path:
    held = load_file(shipped)
    plain = {
        name: array * held[name.replace(".weight", ".scale")][:, None]
        if array.dtype == np.int8
        else array
        for name, array in held.items()
        if not name.endswith(".scale")
    }
    save_file(plain, path)
    return path


def joint(tensors: Tensors, verifier: Verifier) -> tuple[np.ndarray, np.ndarray]:
    """Shares (claims, 3) and the tags' probabilities, of one sequence under one mask."""
    packed = pack(verifier._model[0], EVIDENCE, CLAIMS)
    parts = np.array(packed.parts)
    elsewhere = np.where(parts == 0, 0, -1e4)
    bias = np.where((parts[:, None] == parts) | (parts == 0), 0, -1e4)
    x = tensors["embeddings.word_embeddings.weight"][list(packed.ids)]
    x = x + tensors["embeddings.position_embeddings.weight"][list(packed.places)]
    x = norm(tensors, x + tensors["kinds"][(parts > 0).astype(int)], "embeddings.LayerNorm")
    for index in range(LAYERS):
        if index in ALIGNED:
            x = x + (parts > 0)[:, None] * aligned(tensors, x, elsewhere, f"align.{index}")
        x = layer(tensors, x, bias, f"encoder.layer.{index}")
    means = np.stack([x[parts == n + 1].mean(axis=0) for n in range(len(CLAIMS))])
    both = np.concatenate([x[list(packed.starts)], means], axis=1)
    logits = linear(tensors, np.tanh(linear(tensors, both, "pool")), "head")
    return softmax(logits, axis=1), 1 / (1 + np.exp(-linear(tensors, x, "tag")[:, 0]))


def linear(tensors: Tensors, x: np.ndarray, name: str) -> np.ndarray:
    return np.asarray(x @ tensors[f"{name}.weight"].T + tensors[f"{name}.bias"])


def norm(tensors: Tensors, x: np.ndarray, name: str) -> np.ndarray:
    centred = x - x.mean(axis=1, keepdims=True)
    unit = centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + EPSILON)
    return np.asarray(unit * tensors[f"{name}.weight"] + tensors[f"{name}.bias"])


def gelu(x: np.ndarray) -> np.ndarray:
    return np.asarray(0.5 * x * (1 + erf(x / np.sqrt(2))))


def aligned(tensors: Tensors, x: np.ndarray, elsewhere: np.ndarray, name: str) -> np.ndarray:
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    near = softmax(tensors[f"{name}.temperature"] * (unit @ unit.T) + elsewhere, axis=1) @ x
    parts = np.concatenate([near, x - near, x * near], axis=1)
    return np.asarray(tensors[f"{name}.gate"] * gelu(linear(tensors, parts, f"{name}.mix")))


def layer(tensors: Tensors, x: np.ndarray, bias: np.ndarray, name: str) -> np.ndarray:
    query, key, value = (
        linear(tensors, x, f"{name}.attention.self.{kind}")
        .reshape(len(x), HEADS, -1)
        .transpose(1, 0, 2)
        for kind in ("query", "key", "value")
    )
    scores = query @ key.transpose(0, 2, 1) / np.sqrt(WIDTH // HEADS) + bias
    mixed = (softmax(scores, axis=-1) @ value).transpose(1, 0, 2).reshape(len(x), WIDTH)
    attended = linear(tensors, mixed, f"{name}.attention.output.dense")
    x = norm(tensors, x + attended, f"{name}.attention.output.LayerNorm")
    narrow = linear(
        tensors, gelu(linear(tensors, x, f"{name}.intermediate.dense")), f"{name}.output.dense"
    )
    return norm(tensors, x + narrow, f"{name}.output.LayerNorm")


@pytest.fixture(scope="module")
def expected(path: Path) -> tuple[np.ndarray, np.ndarray]:
    tensors = {**load_file(weights.locate(weights.WEIGHTS)), **load_file(path)}
    return joint(tensors, Verifier(path))


def test_both_graphs_together_are_the_joint_network(
    path: Path, expected: tuple[np.ndarray, np.ndarray]
) -> None:
    shares, tags = expected
    verifier = Verifier(path)
    judged = verifier.judge(EVIDENCE, CLAIMS)
    packed = pack(verifier._model[0], EVIDENCE, CLAIMS)
    found = [[one.support, one.contradiction] for one in judged]
    np.testing.assert_allclose(found, shares[:, [0, 2]], atol=2e-5)
    # Tokens without characters, which open and close a text, are given to nobody.
    for n, one in enumerate(judged):
        own = [
            tag for tag, part, (low, high) in zip(tags, packed.parts, packed.offsets, strict=True)
            if part == n + 1 and low < high
        ]  # fmt: skip
        np.testing.assert_allclose([share for *_, share in one.tokens], own, atol=2e-5)


def test_eight_bits_move_the_shares_little(expected: tuple[np.ndarray, np.ndarray]) -> None:
    shares, _ = expected
    judged = Verifier().judge(EVIDENCE, CLAIMS)
    found = [[one.support, one.contradiction] for one in judged]
    np.testing.assert_allclose(found, shares[:, [0, 2]], atol=0.1)


def test_a_reading_is_what_the_claims_need_and_no_more() -> None:
    verifier = Verifier()
    reading = verifier.read(EVIDENCE)
    length = len(pack(verifier._model[0], EVIDENCE, ()).ids)
    assert tuple(reading) == READ
    assert {array.size for array in reading.values()} == {length * WIDTH}
