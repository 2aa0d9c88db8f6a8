"""The answering network in torch, and its batches.

A paper is read by itself, once for all questions about it, while each question sees the paper
and itself, as in the verifier. From layer ``PROBED`` on, each question has a probe beside it for
every sentence of the paper: it starts as the mean of the sentence's tokens, and sees these, the
question and the other probes of the question.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional

from rag.answering_graph import PROBED, SHARPNESS
from rag.graph import LAYERS, WIDTH
from rag.verifier import Packed, pack
from rag.verifier_graph import ALIGNED

from .network import DROPOUT, Backbone, alone, hidden, means
from .packing import IGNORED, Rows, alike, stacked, tagged
from .questions import Paper, Question


@dataclass(frozen=True, slots=True)
class Asked:
    """Several papers with their questions; a pair is one question and its paper."""

    rows: Rows
    questions: Tensor
    """(rows, length): the number of each token's pair in the batch; ``count`` where it has none."""
    starts: Tensor
    """(count,): where each question's first token is in the flattened rows."""
    sentences: Tensor
    """(rows, length): the sentence of each token of a paper, -1 where it has none."""
    probes: Tensor
    """(2, rows, probes): the part that a probe belongs to, and its sentence; -2 for padding."""
    at: Tensor
    """(sentences,): where the probes are in the flattened rows of probes."""
    pair_of: Tensor
    """(sentences,): the pair that each belongs to."""
    labels: Tensor
    """(count,): 1 answered, 0 not, -1 unknown."""
    answers: Tensor
    """(sentences,): likewise whether the sentence answers."""
    tags: Tensor
    """(rows, length): likewise whether the paper lacks a token of the question."""
    twins: Tensor
    """(couples, 2): a question that a paper answers and one that it does not."""

    @property
    def count(self) -> int:
        """How many pairs the batch holds."""
        return len(self.labels)


class Answering(Backbone):
    """Logits: answered (count,), sentence answers (sentences,), token lacking (rows, length)."""

    def __init__(self, weights: Path) -> None:
        super().__init__(weights)
        self.probe = nn.Parameter(torch.zeros(WIDTH))
        self.heed, self.match = nn.Linear(WIDTH, len(ALIGNED)), nn.Linear(len(ALIGNED), 1)
        nn.init.constant_(self.match.weight, 5.0)
        self.sentence, self.chosen = nn.Linear(3 * WIDTH, WIDTH), nn.Linear(WIDTH, 1)
        self.whole, self.answered = nn.Linear(3 * WIDTH + len(ALIGNED), WIDTH), nn.Linear(WIDTH, 1)
        self.tag = nn.Linear(WIDTH, 1)

    def forward(self, batch: Asked) -> tuple[Tensor, Tensor, Tensor]:
        """The three logits of a batch."""
        parts, width, length = batch.rows.parts, batch.rows.width, batch.rows.parts.shape[1]
        of, sentence = batch.probes
        own = sentence[:, :, None] == batch.sentences[:, None, :]
        seen = alone(parts)
        x, bias, every, near = self.embedded(batch.rows), hidden(seen)[:, None], parts, []
        for index in range(LAYERS):
            if index in ALIGNED:
                near.append(_matches(x[:, :length], batch))
            if index == PROBED:
                begun = (own / own.sum(-1, keepdim=True).clamp(min=1)) @ x + self.probe
                x, every = torch.cat([x, begun], dim=1), torch.cat([parts, of], dim=1)
                together = every[:, :, None] == every[:, None, :]
                paper = torch.cat([seen & (parts == 0)[:, None, :], own], dim=1)
                together[:, :, :length] |= paper
                bias = hidden(together)[:, None]
            x = self.step(index, x, every, bias, width, length if index >= PROBED else None)
        x = functional.dropout(x, DROPOUT, self.training)
        return self._heads(batch, x[:, :length], x[:, length:], torch.stack(near, dim=-1))

    def _heads(
        self, batch: Asked, tokens: Tensor, probes: Tensor, near: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        flat, owner = tokens.reshape(-1, WIDTH), batch.questions.reshape(-1)
        first, mean = flat[batch.starts], means(flat, owner, batch.count)
        weights = softmax(self.heed(flat), owner, batch.count + 1)
        heavy = weights[:, None] * near.flatten(0, 1)
        total = torch.zeros(batch.count + 1, *heavy.shape[1:]).index_add(0, owner, heavy)
        match = total[batch.pair_of, batch.probes[1].reshape(-1)[batch.at]]
        each = probes.reshape(-1, WIDTH)[batch.at]
        beside = torch.cat([each, first[batch.pair_of], each * mean[batch.pair_of]], dim=-1)
        chosen = self.chosen(torch.tanh(self.sentence(beside))) + self.match(match)
        shares = softmax(chosen, batch.pair_of, batch.count)
        best = torch.zeros(batch.count, WIDTH + len(ALIGNED)).index_add(
            0, batch.pair_of, shares * torch.cat([each, match], dim=-1)
        )
        told = torch.tanh(self.whole(torch.cat([first, mean, best], dim=-1)))
        return self.answered(told)[:, 0], chosen[:, 0], self.tag(tokens)[..., 0]


def _matches(x: Tensor, batch: Asked) -> Tensor:
    """(rows, length, sentences): how near the nearest token of each sentence is to each token.

    By cosine, and with a soft maximum, as graphs have no segmented one.
    """
    unit = functional.normalize(x, dim=-1)
    width = batch.rows.width
    powers = (SHARPNESS * (unit @ unit[:, :width].mT - 1)).exp()
    numbers = torch.arange(int(batch.sentences.max()) + 1)
    own = (batch.sentences[:, :width, None] == numbers).float()
    return (powers @ own).clamp(min=1e-9).log() / SHARPNESS


def softmax(values: Tensor, owner: Tensor, count: int) -> Tensor:
    """(n, m): each owner's shares of its own values, by column."""
    rows = owner[:, None].expand_as(values)
    empty = torch.full((count, values.shape[1]), -torch.inf)
    most = empty.scatter_reduce(0, rows, values.detach(), "amax")
    powers = (values - most[owner]).exp()
    return powers / torch.zeros(count, values.shape[1]).index_add(0, owner, powers)[owner]


def batches(
    papers: Sequence[Paper], tokenizer: Tokenizer, tokens: int, chance: random.Random
) -> Iterator[Asked]:
    """All papers once, in random order, in batches of at most ``tokens`` packed tokens."""
    for group in alike([(_packed(tokenizer, paper), paper) for paper in papers], tokens, chance):
        yield _batch(group)


def _packed(tokenizer: Tokenizer, paper: Paper) -> Packed:
    evidence = f"{paper.title}\n{paper.text}"
    return pack(tokenizer, evidence, [question.text for question in paper.questions])


def _batch(group: Sequence[tuple[Packed, Paper]]) -> Asked:
    rows, columns = stacked([packed for packed, _ in group])
    count = sum(len(paper.questions) for _, paper in group)
    tags = torch.full(rows.ids.shape, IGNORED)
    sentences = torch.full(rows.ids.shape, -1)
    questions = torch.full(rows.ids.shape, count)
    starts: list[int] = []
    probes: list[list[tuple[int, int]]] = []
    labels: list[int] = []
    answers: list[int] = []
    twins: list[tuple[int, int]] = []
    for row, (packed, paper) in enumerate(group):
        first, part = len(labels), rows.parts[row]
        questions[row] = torch.where(part > 0, part - 1 + first, count)
        marked = tagged(packed, [question.lacking for question in paper.questions])
        tags[row, columns[row]] = torch.tensor(marked)
        own = _sentence_of(packed, paper)
        sentences[row, : len(own)] = torch.tensor(own)
        found = range(max(own) + 1)
        starts += [row * rows.ids.shape[1] + int(columns[row][start]) for start in packed.starts]
        probes.append([(n, each) for n in range(1, len(paper.questions) + 1) for each in found])
        answers += [a for question in paper.questions for a in _answers(question, len(found))]
        labels += [question.answered for question in paper.questions]
        marks = labels[first:]
        twins += [(first + a, first + b) for a, one in enumerate(marks) if one == 1
                  for b, other in enumerate(marks) if other == 0]  # fmt: skip
    most = max(map(len, probes))
    before = [
        sum(len(paper.questions) for _, paper in group[:row]) - 1 for row in range(len(group))
    ]
    return Asked(
        rows,
        questions,
        torch.tensor(starts),
        sentences,
        torch.tensor([[*row, *[(-2, -2)] * (most - len(row))] for row in probes]).permute(2, 0, 1),
        torch.tensor([row * most + n for row, each in enumerate(probes) for n in range(len(each))]),
        torch.tensor([before[row] + n for row, each in enumerate(probes) for n, _ in each]),
        torch.tensor(labels),
        torch.tensor(answers),
        tags,
        torch.tensor(twins, dtype=torch.long).reshape(-1, 2),
    )


def _sentence_of(packed: Packed, paper: Paper) -> list[int]:
    """For each token of the paper the number of its sentence, -1 in the title."""
    before = len(paper.title) + 1
    spans = [(a + before, b + before) for a, b in paper.sentences]
    found = []
    for part, (low, high) in zip(packed.parts, packed.offsets, strict=True):
        if part:
            break
        inside = (n for n, (a, b) in enumerate(spans) if low < b and high > a)
        found.append(next(inside, -1) if low < high else -1)
    return found


def _answers(question: Question, count: int) -> list[int]:
    if question.found is None:
        return [IGNORED] * count
    answers = [int(n in question.found) for n in range(count)]
    return [IGNORED if n in question.perhaps else a for n, a in enumerate(answers)]
