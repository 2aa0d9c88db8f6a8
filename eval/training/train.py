"""Train the verifier: ``python -m eval.training.train --data DIR --out verifier.safetensors``.

Two CPU cores and under three hours, from fixed seeds. First paraphrase frames and FEVER's
pairs teach what it is to be stated; then our written claims and SciFact's, with frames
between them, teach it on real abstracts. Scores on held-out abstracts are printed as it goes.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from rag import weights

from . import frames, validation
from .examples import (
    SUPPORTED,
    UNSUPPORTED,
    Document,
    fever,
    held_out,
    joined,
    scifact,
    strangers,
    written,
)
from .export import export
from .loop import say, train
from .network import Network
from .packing import IGNORED, Batch, batches

SEED = 20261123
BATCH_TOKENS = 3072
TAG_WEIGHT, TWIN_WEIGHT = 0.5, 0.5
FAULTY_TOKEN_WEIGHT = 3.0
CLAIMS_AT_ONCE = 14


@dataclass(frozen=True, slots=True)
class Plan:
    """How much of what is seen in each of the two stages."""

    first_frames: int = 1500
    epochs: int = 3
    frames_an_epoch: int = 1000


def schedule(plan: Plan, data: Path, chance: random.Random) -> Iterator[list[Document]]:
    """The documents of each stage in turn: the frames, then one list for each epoch."""
    pool = frames.load_frames()
    number = iter(range(10**9))

    def made(count: int) -> list[Document]:
        return [frames.document(pool, chance, next(number)) for _ in range(count)]

    ours = [d for d in written(data) if not held_out(d)]
    claims = [d for d in scifact(data) if not held_out(d)]
    yield made(plan.first_frames) + fever(data)
    for _ in range(plan.epochs):
        mixed = _with_strangers(ours, chance)
        couples = [chance.sample(ours, 2) for _ in range(len(ours) // 6)]
        pairs = [joined(one, two, chance, 6) for one, two in couples]
        parts = [part for d in mixed for part in _parts(d, chance)]
        claims_too = _with_strangers(claims, chance)
        yield parts + pairs + claims_too + made(plan.frames_an_epoch)


def _with_strangers(documents: Sequence[Document], chance: random.Random) -> list[Document]:
    """Each document with two true claims of others."""
    drawn = strangers(documents, 2, chance)
    return [
        replace(document, examples=(*document.examples, *more))
        for document, more in zip(documents, drawn, strict=True)
    ]


def _parts(document: Document, chance: random.Random) -> Iterator[Document]:
    """A document with many claims as several; twins stay together."""
    groups: dict[str, list] = {}
    for n, example in enumerate(document.examples):
        groups.setdefault(example.group or str(n), []).append(example)
    order = list(groups.values())
    chance.shuffle(order)
    held: list = []
    for group in order:
        if held and len(held) + len(group) > CLAIMS_AT_ONCE:
            yield replace(document, examples=tuple(held))
            held = []
        held += group
    yield replace(document, examples=tuple(held[:CLAIMS_AT_ONCE]))


def loss_of(outputs: tuple[Tensor, Tensor], batch: Batch) -> Tensor:
    """Classes, token tags, and a margin between each true claim and its faulty twins."""
    logits, tags = outputs
    shares = logits.log_softmax(-1)
    told = batch.labels != UNSUPPORTED
    not_supported = shares[:, 1:].logsumexp(-1)
    own = shares.gather(1, batch.labels.clamp(max=2)[:, None])[:, 0]
    total = -torch.where(told, own, not_supported).mean()
    known = batch.tags != IGNORED
    if known.any():
        total = total + TAG_WEIGHT * functional.binary_cross_entropy_with_logits(
            tags[known], batch.tags[known].float(), pos_weight=torch.tensor(FAULTY_TOKEN_WEIGHT)
        )
    if len(batch.twins):
        odds = shares[:, SUPPORTED] - not_supported
        margin = odds[batch.twins[:, 0]] - odds[batch.twins[:, 1]]
        total = total + TWIN_WEIGHT * functional.softplus(-margin).mean()
    return total


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the data, train, write the verifier's file after each stage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the public data")
    parser.add_argument("--out", type=Path, required=True, help="the safetensors file to write")
    options = parser.parse_args(arguments)
    torch.manual_seed(SEED)
    tokenizer = weights.load_tokenizer()
    network = Network(weights.locate(weights.WEIGHTS))
    kept = [d for d in [*written(options.data), *scifact(options.data)] if held_out(d)]
    stages = list(schedule(Plan(), options.data, random.Random(SEED)))

    def after(stage: str) -> None:
        say(f"{stage}: {validation.scores(network, kept, tokenizer)}")
        export(network, options.out)
        torch.save(network.state_dict(), options.out.with_suffix(".pt"))

    chance = random.Random(SEED)
    plan = [list(batches(stage, tokenizer, BATCH_TOKENS, chance)) for stage in stages]
    train(network, plan, lambda batch: loss_of(network(batch), batch), after)


if __name__ == "__main__":
    main()
