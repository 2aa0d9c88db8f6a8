"""Train the answering model: ``python -m eval.training.answer --data DIR --out FILE``.

It starts from the shipped verifier, which can already compare a sentence with a paper. First come
questions made from paraphrase frames, PubMedQA's and SciFact's; then our written questions several
times over, each time with other papers varied. Scores on held-out abstracts are printed as it goes.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Tensor
from torch.nn import functional

from rag import answering, verifier, weights

from . import answer_scores, frames
from .asking import Answering, Asked, batches, softmax
from .examples import reserved, reserved_with_claims
from .export import adopt, export
from .loop import say, train
from .packing import IGNORED
from .questions import STRANGER, Paper, made, varied

SEED = 20261124
BATCH_TOKENS = 1300
SENTENCE_WEIGHT, CHOICE_WEIGHT, TAG_WEIGHT, TWIN_WEIGHT = 1.0, 0.5, 0.5, 0.5
FAULTY_TOKEN_WEIGHT = 3.0


def loss_of(logits: tuple[Tensor, Tensor, Tensor], batch: Asked) -> Tensor:
    """Answered, sentences one by one and against each other, tokens, and a margin for twins."""
    answered, chosen, tags = logits
    total = _binary(answered, batch.labels, 1.0)
    total = total + SENTENCE_WEIGHT * _binary(chosen, batch.answers, 2.0)
    total = total + TAG_WEIGHT * _binary(tags, batch.tags, FAULTY_TOKEN_WEIGHT)
    right = batch.answers == 1
    if right.any():
        shares = softmax(chosen[:, None], batch.pair_of, batch.count).clamp(min=1e-9).log()
        total = total - CHOICE_WEIGHT * shares[right, 0].mean()
    if len(batch.twins):
        margin = answered[batch.twins[:, 0]] - answered[batch.twins[:, 1]]
        total = total + TWIN_WEIGHT * functional.softplus(-margin).mean()
    return total


def _binary(logits: Tensor, labels: Tensor, weight: float) -> Tensor:
    """Mean cross entropy where the label is known."""
    known = labels != IGNORED
    if not known.any():
        return logits.sum() * 0
    return functional.binary_cross_entropy_with_logits(
        logits[known], labels[known].float(), pos_weight=torch.tensor(weight)
    )


@dataclass(frozen=True, slots=True)
class Plan:
    """How much of what is seen, and in how many rounds."""

    first_frames: int = 300
    first_public: int = 270
    epochs: int = 5
    frames_an_epoch: int = 30
    public_an_epoch: int = 60


def schedule(
    plan: Plan, ours: Sequence[Paper], public: Sequence[Paper], chance: random.Random
) -> Iterator[list[Paper]]:
    """The papers of each stage in turn: made and public ones, then a list for each epoch."""
    pool = frames.load_frames()
    number = iter(range(10**9))

    def drawn(count: int) -> list[Paper]:
        return [made(pool, chance, next(number)) for _ in range(count)]

    yield drawn(plan.first_frames) + chance.sample(list(public), plan.first_public)
    for _ in range(plan.epochs):
        some = chance.sample(list(public), plan.public_an_epoch)
        yield [varied(p, chance) for p in (*ours, *some)] + drawn(plan.frames_an_epoch)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the data, train, write the model's file after each stage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the public data")
    parser.add_argument("--out", type=Path, required=True, help="the safetensors file to write")
    options = parser.parse_args(arguments)
    torch.manual_seed(SEED)
    chance = random.Random(SEED)
    ours, public = answer_scores.divided(options.data, chance)
    learned = [paper for paper in ours if not reserved(paper.id)]
    kept = [paper for paper in ours if reserved(paper.id)]
    public = [paper for paper in public if not reserved_with_claims(paper.id)]
    tokenizer = weights.load_tokenizer()
    network = Answering(weights.locate(weights.WEIGHTS))
    adopt(network, verifier.WEIGHTS)
    stages = [
        list(batches(stage, tokenizer, BATCH_TOKENS, chance))
        for stage in schedule(Plan(), learned, public, chance)
    ]

    def after(stage: str) -> None:
        export(network, options.out)
        say(f"{stage}: {answer_scores.scores(answering.Answering(options.out), kept)}")

    train(network, stages, lambda batch: loss_of(network(batch), batch), after)
    calibrate(network, answering.Answering(options.out), kept)
    after("calibrated")


def calibrate(network: Answering, model: answering.Answering, papers: Sequence[Paper]) -> None:
    """Scale and shift the logit of ``answered`` so that it is a probability (Platt 1999).

    On our own held-out questions: as many that are answered as not.
    """
    own = [(q.answered, model.read(q.text, [(p.title, p.text)])[0].answered)
           for p in papers for q in p.questions if q.kind != STRANGER]  # fmt: skip
    truth, shares = np.array(own).T
    logits = np.log(shares / (1 - shares))

    def error(line: np.ndarray) -> float:
        signed = np.where(truth == 1, 1, -1) * (line[0] * logits + line[1])
        return float(np.logaddexp(0, -signed).mean())

    scale, shift = minimize(error, [1.0, 0.0]).x
    with torch.no_grad():
        network.answered.weight *= scale
        network.answered.bias.copy_(scale * network.answered.bias + shift)


if __name__ == "__main__":
    main()
