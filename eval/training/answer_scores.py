"""The answering model on questions about held-out abstracts, as it ships; without torch.

``python -m eval.training.answer_scores --data DIR``
"""

from __future__ import annotations

import argparse
import random
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rag.answering import WEIGHTS, Answering, Relevance

from .examples import reserved, reserved_with_claims
from .questions import ANSWERED, STRANGER, Paper, Question, asked, pubmedqa, scifact, strangers

STRANGERS = 4
"""Questions of other papers that are put to each."""
LEAST_SHARED = 0.5
"""Of the words of two questions, for them to count as twins."""
Result = tuple[Question, Relevance]


@dataclass(frozen=True, slots=True)
class Scores:
    """Figures on held-out abstracts; ``areas`` and ``caught`` by kind of unanswered question."""

    areas: Mapping[str, float]
    """The area under the ROC curve of ``answered``, against the answered questions."""
    caught: Mapping[str, float]
    """The share with ``answered`` below 0.5; of answered ones the share that is lost."""
    pairs: tuple[int, int]
    """Twins in the right order, and all."""
    first: float
    """How often the sentence with the highest share answers."""
    precision: float
    """Of as many sentences as answer, with the highest shares, the share that does."""
    lacking: float
    """F1 of the words that were marked as lacking, strangers left out."""
    error: float
    """The expected calibration error of ``answered`` without strangers, in ten bins."""


def scores(model: Answering, papers: Sequence[Paper]) -> Scores:
    """Put every question to its paper."""
    results = [
        [(q, model.read(q.text, [(paper.title, paper.text)])[0]) for q in paper.questions]
        for paper in papers
    ]
    shares: dict[str, list[float]] = defaultdict(list)
    for question, found in (result for each in results for result in each):
        shares[ANSWERED if question.answered == 1 else question.kind].append(found.answered)
    right = shares[ANSWERED]
    order = [found[a][1].answered > found[b][1].answered for found in results
             for a, b in twins([q for q, _ in found])]  # fmt: skip
    own = [r for each in results for r in each if r[0].kind != STRANGER]
    first, precision = _choices([r for r in own if r[0].answered == 1])
    return Scores(
        {k: auc(right, found) for k, found in sorted(shares.items()) if k != ANSWERED},
        {k: float(np.mean(np.array(found) < 0.5)) for k, found in sorted(shares.items())},
        (sum(order), len(order)), first, precision, _marking(own), _calibration_error(own),
    )  # fmt: skip


def twins(questions: Sequence[Question]) -> list[tuple[int, int]]:
    """Each question that is not answered with the answered one that shares most words with it."""
    words = [set(re.findall(r"\w+", question.text.casefold())) for question in questions]
    answered = [n for n, question in enumerate(questions) if question.answered == 1]
    found = []
    for b, question in enumerate(questions):
        if question.answered == 0 and question.kind != STRANGER and answered:
            share, a = max((len(words[a] & words[b]) / len(words[a] | words[b]), a)
                           for a in answered)  # fmt: skip
            if share >= LEAST_SHARED:
                found.append((a, b))
    return found


def _choices(results: Sequence[Result]) -> tuple[float, float]:
    first, precision = [], []
    for question, found in results:
        right = set(question.found or ())
        order = np.argsort(-np.array(found.sentences))
        first.append(order[0] in right)
        precision.append(len(right & set(order[: len(right)])) / len(right))
    return float(np.mean(first)), float(np.mean(precision))


def _marking(results: Sequence[Result]) -> float:
    right = marked = true = 0
    for question, found in results:
        if question.lacking is None:
            continue
        for low, high, share in found.lacking:
            truth = any(low < b and high > a for a, b in question.lacking)
            right += truth and share > 0.5
            marked += share > 0.5
            true += truth
    return 2 * right / max(1, marked + true)


def _calibration_error(results: Sequence[Result]) -> float:
    shares = np.array([found.answered for _, found in results])
    truth = np.array([question.answered for question, _ in results])
    bins = np.minimum((shares * 10).astype(int), 9)
    parts = [abs(float((shares - truth)[bins == n].sum())) for n in range(10)]
    return sum(parts) / len(shares)


def auc(true: Sequence[float], faulty: Sequence[float]) -> float:
    """How often a true one has more than a faulty one (ties count half)."""
    higher = np.subtract.outer(np.array(true), np.array(faulty))
    return float(np.mean((higher > 0) + 0.5 * (higher == 0)))


def divided(data: Path, chance: random.Random) -> tuple[list[Paper], list[Paper]]:
    """Our papers and the public ones, with questions of others put to each."""
    ours = asked(data)
    every = list(strangers([*ours, *pubmedqa(data), *scifact(data)], STRANGERS, chance))
    return every[: len(ours)], every[len(ours) :]


def main() -> None:
    """Print the scores of the shipped model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the public data")
    parser.add_argument("--model", type=Path, default=WEIGHTS, help="another weights file")
    options = parser.parse_args()
    model = Answering(options.model)
    ours, public = divided(options.data, random.Random(0))
    print("ours:", scores(model, [paper for paper in ours if reserved(paper.id)]))
    for name in ("pubmedqa", "scifact"):
        kept = [p for p in public if p.id.startswith(name) and reserved_with_claims(p.id)]
        print(f"{name}:", scores(model, kept))


if __name__ == "__main__":
    main()
