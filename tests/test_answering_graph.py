"""The two graphs against the joint network, written out in numpy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from scipy.special import expit, softmax

from rag import weights
from rag.answering import WEIGHTS, Answering
from rag.answering_graph import PROBED, SHARPNESS
from rag.graph import LAYERS
from rag.sentences import sentence_spans
from rag.verifier import pack
from rag.verifier_graph import ALIGNED
from tests.test_verifier_graph import Tensors, aligned, in_32_bits, layer, linear, norm

TITLE, TEXT = (
    "Quiet reefs",
    "Cod grunted less near 12 busy ports. Night noise fell by 4 dB. Crabs hid.",
)
QUESTION = "By how much did noise fall at night near the coral?"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped weights in 32 bits, in which rounding moves nothing that is seen."""
    return in_32_bits(WEIGHTS, tmp_path_factory.mktemp("plain") / "answering.safetensors")


@pytest.fixture(scope="module")
def expected(path: Path) -> tuple[float, np.ndarray, np.ndarray]:
    tensors = {**load_file(weights.locate(weights.WEIGHTS)), **load_file(path)}
    return joint(tensors, Answering(path))


def joint(tensors: Tensors, model: Answering) -> tuple[float, np.ndarray, np.ndarray]:
    """Answered, each sentence, and the question's tokens: one sequence under one mask."""
    packed = pack(model._model[0], f"{TITLE}\n{TEXT}", [QUESTION])
    parts = np.array(packed.parts)
    own = sentences_of(packed.offsets[: int((parts == 0).sum())])
    x = tensors["embeddings.word_embeddings.weight"][list(packed.ids)]
    x = x + tensors["embeddings.position_embeddings.weight"][list(packed.places)]
    x = norm(tensors, x + tensors["kinds"][parts], "embeddings.LayerNorm")
    paper, tokens, near = len(own[0]), len(parts), []
    bias = np.where((parts[:, None] == parts) | (parts == 0), 0, -1e4)
    elsewhere = np.where(parts == 0, 0, -1e4)
    for index in range(LAYERS):
        if index in ALIGNED:
            near.append(matches(x[paper:tokens], x[:paper], own))
        if index == PROBED:
            begun = own @ x[:paper] / own.sum(axis=1, keepdims=True) + tensors["probe"]
            x, bias = np.concatenate([x, begun]), with_probes(bias, own, paper)
        if index in ALIGNED:
            told = aligned(tensors, x[:tokens], elsewhere, f"align.{index}")
            x[paper:tokens] += told[paper:]
        x = layer(tensors, x, bias, f"encoder.layer.{index}")
    return heads(tensors, x[paper:tokens], x[tokens:], np.stack(near, axis=2))


def sentences_of(offsets: tuple[tuple[int, int], ...]) -> np.ndarray:
    """(sentences, tokens of the paper): 1 where a token is in a sentence."""
    before = len(TITLE) + 1
    spans = [(a + before, b + before) for a, b in sentence_spans(TEXT)]
    return np.array(
        [[float(low < high and low < b and high > a) for low, high in offsets] for a, b in spans]
    )


def with_probes(bias: np.ndarray, own: np.ndarray, paper: int) -> np.ndarray:
    tokens, count = len(bias), len(own)
    wider = np.zeros((tokens + count, tokens + count))
    wider[:tokens, :tokens] = bias
    wider[:paper, tokens:] = -1e4
    wider[tokens:, :paper] = np.where(own > 0, 0, -1e4)
    return wider


def matches(x: np.ndarray, paper: np.ndarray, own: np.ndarray) -> np.ndarray:
    unit, others = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in (x, paper))
    powers = np.exp(SHARPNESS * (unit @ others.T - 1))
    return np.asarray(np.log(np.maximum(powers @ own.T, 1e-9)) / SHARPNESS)


def heads(
    tensors: Tensors, tokens: np.ndarray, probes: np.ndarray, near: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray]:
    first, mean = tokens[0], tokens.mean(axis=0)
    heed = softmax(linear(tensors, tokens, "heed"), axis=0)
    match = (near * heed[:, None]).sum(axis=0)
    beside = np.concatenate([probes, np.tile(first, (len(probes), 1)), probes * mean], axis=1)
    chosen = linear(tensors, np.tanh(linear(tensors, beside, "sentence")), "chosen")
    chosen = chosen + linear(tensors, match, "match")
    best = (softmax(chosen, axis=0) * np.concatenate([probes, match], axis=1)).sum(axis=0)
    told = np.tanh(linear(tensors, np.concatenate([first, mean, best])[None], "whole"))
    answered = linear(tensors, told, "answered")[0, 0]
    return expit(answered), expit(chosen[:, 0]), expit(linear(tensors, tokens, "tag")[:, 0])


def test_both_graphs_together_are_the_joint_network(
    path: Path, expected: tuple[float, np.ndarray, np.ndarray]
) -> None:
    answered, chosen, tags = expected
    model = Answering(path)
    (found,) = model.read(QUESTION, [(TITLE, TEXT)])
    assert found.answered == pytest.approx(answered, abs=2e-5)
    np.testing.assert_allclose(found.sentences, chosen, atol=2e-5)
    offsets = model._model[0].encode(QUESTION).offsets
    for low, high, share in found.lacking:
        own = [tag for tag, (a, b) in zip(tags, offsets, strict=True) if low <= a < b <= high]
        assert share == pytest.approx(max(own), abs=2e-5)


def test_eight_bits_move_the_shares_little(
    expected: tuple[float, np.ndarray, np.ndarray],
) -> None:
    answered, chosen, _ = expected
    (found,) = Answering().read(QUESTION, [(TITLE, TEXT)])
    assert found.answered == pytest.approx(answered, abs=0.1)
    np.testing.assert_allclose(found.sentences, chosen, atol=0.1)
