"""Documents as token sequences in which each claim sees the evidence and itself alone.

Evidence first, then every claim, all in one sequence; the attention mask lets a token see the
evidence and its own part only. So evidence is read once for all of its claims, and no claim
knows of its twins. ``rag.verifier`` packs in the same way.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from tokenizers import Tokenizer

from rag.verifier import Packed, pack

from .examples import SUPPORTED, Document, Example

IGNORED = -1


@dataclass(frozen=True, slots=True)
class Batch:
    """Tensors of several documents, (rows, length) unless said otherwise."""

    ids: torch.Tensor
    places: torch.Tensor
    parts: torch.Tensor
    """0 for evidence, 1.. for claims, -1 for padding."""
    claims: torch.Tensor
    """The number of each token's claim in the batch; ``count`` where it has none."""
    starts: torch.Tensor
    """(count,): where each claim's first token is in the flattened batch."""
    labels: torch.Tensor
    """(count,)"""
    tags: torch.Tensor
    """1 where the evidence does not carry the token, 0 where it does, -1 unknown."""
    twins: torch.Tensor
    """(pairs, 2): a true claim and a faulty one on the same facts."""

    @property
    def count(self) -> int:
        """How many claims the batch holds."""
        return len(self.labels)


def batches(
    documents: Sequence[Document], tokenizer: Tokenizer, tokens: int, chance: random.Random
) -> Iterator[Batch]:
    """All documents once, in random order, in batches of at most ``tokens`` padded tokens."""
    packed = [(pack(tokenizer, d.evidence, [e.text for e in d.examples]), d) for d in documents]
    chance.shuffle(packed)
    window = 64
    grouped: list[list[tuple[Packed, Document]]] = []
    for at in range(0, len(packed), window):  # of similar length together, still at random
        rows = sorted(packed[at : at + window], key=lambda row: -len(row[0].ids))
        while rows:
            size = max(1, tokens // len(rows[0][0].ids))
            grouped.append(rows[:size])
            rows = rows[size:]
    chance.shuffle(grouped)
    for group in grouped:
        yield _batch(group)


def _batch(rows: Sequence[tuple[Packed, Document]]) -> Batch:
    length = max(len(packed.ids) for packed, _ in rows)
    examples = [example for _, document in rows for example in document.examples]
    ids, places = torch.zeros(2, len(rows), length, dtype=torch.long)
    parts = torch.full((len(rows), length), -1)
    claims = torch.full((len(rows), length), len(examples))
    tags = torch.full((len(rows), length), IGNORED)
    starts: list[int] = []
    twins: list[tuple[int, int]] = []
    for row, (packed, document) in enumerate(rows):
        size, first = len(packed.ids), len(starts)
        ids[row, :size] = torch.tensor(packed.ids)
        places[row, :size] = torch.tensor(packed.places)
        part = torch.tensor(packed.parts)
        parts[row, :size] = part
        claims[row, :size] = torch.where(part > 0, part - 1 + first, len(examples))
        tags[row, :size] = torch.tensor(_tags(packed, document.examples))
        starts += [row * length + start for start in packed.starts]
        twins += [(first + a, first + b) for a, b in _twins(document.examples)]
    labels = torch.tensor([example.label for example in examples])
    pairs = torch.tensor(twins, dtype=torch.long).reshape(-1, 2)
    return Batch(ids, places, parts, claims, torch.tensor(starts), labels, tags, pairs)


def _tags(packed: Packed, examples: Sequence[Example]) -> list[int]:
    """A label for each token of a claim that is true, or whose wrong words are marked."""
    tags = [IGNORED] * len(packed.ids)
    for part, (example, start) in enumerate(zip(examples, packed.starts, strict=True), 1):
        if example.label != SUPPORTED and not example.spans:
            continue
        for at in range(start, len(packed.ids)):
            if packed.parts[at] != part:
                break
            low, high = packed.offsets[at]
            if low < high:
                tags[at] = int(any(low < b and high > a for a, b in example.spans))
    return tags


def _twins(examples: Sequence[Example]) -> Iterator[tuple[int, int]]:
    for a, one in enumerate(examples):
        for b, other in enumerate(examples):
            if one.group and one.group == other.group and one.label == SUPPORTED != other.label:
                yield a, b
