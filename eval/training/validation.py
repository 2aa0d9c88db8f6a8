"""Scores on held-out documents while training: printed, never used to choose anything."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import torch
from tokenizers import Tokenizer

from .answer_scores import auc
from .examples import SUPPORTED, Document
from .network import Network
from .packing import batches

LOST = 0.05
"""The share of true claims that the threshold gives away."""


def scores(network: Network, documents: Sequence[Document], tokenizer: Tokenizer) -> str:
    """Caught faults by kind where 5% of the true claims are lost; SciFact's macro-F1."""
    support: dict[str, list[float]] = defaultdict(list)
    truth: list[int] = []
    guess: list[int] = []
    for document in documents:
        (batch,) = batches([document], tokenizer, 10**6, random.Random(0))
        with torch.no_grad():
            shares = network(batch)[0].softmax(-1).numpy()
        for example, row in zip(document.examples, shares, strict=True):
            if example.kind == "scifact":
                truth.append(example.label)
                guess.append(int(row.argmax()))
                continue
            kind = "supported" if example.label == SUPPORTED else example.kind
            support[kind].append(float(row[SUPPORTED]))
    true = support.pop("supported")
    threshold = float(np.quantile(true, LOST))
    parts = [
        f"{kind} {np.mean(np.array(found) < threshold):.2f}/{auc(true, found):.2f}"
        for kind, found in sorted(support.items())
    ]
    return f"caught/AUC: {', '.join(parts)}; SciFact macro-F1 {macro_f1(truth, guess):.3f}"


def macro_f1(truth: Sequence[int], guess: Sequence[int]) -> float:
    """The mean over the classes of the harmonic mean of precision and recall."""
    found = []
    for label in sorted(set(truth)):
        hits = sum(t == g == label for t, g in zip(truth, guess, strict=True))
        found.append(2 * hits / (truth.count(label) + guess.count(label)))
    return sum(found) / len(found) if found else 0.0
