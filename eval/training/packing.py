"""Documents as token sequences in which each claim sees the evidence and itself alone.

Evidence first, then every claim, all in one sequence; the attention mask lets a token see the
evidence and its own part only. So evidence is read once for all of its claims, and no claim
knows of its twins. ``rag.verifier`` packs in the same way.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from tokenizers import Tokenizer

from rag.verifier import Packed, pack

from .examples import SUPPORTED, Document, Example

T = TypeVar("T")
IGNORED = -1


@dataclass(frozen=True, slots=True)
class Rows:
    """Packed texts one under the other, padded: tensors (rows, length)."""

    ids: torch.Tensor
    places: torch.Tensor
    parts: torch.Tensor
    """0 for evidence, 1.. for what is asked of it, -1 for padding."""
    width: int
    """The columns that hold evidence; the rest begins after them."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Several documents, (rows, length) unless said otherwise."""

    rows: Rows
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
    for group in alike(packed, tokens, chance):
        yield _batch(group)


def alike(
    packed: list[tuple[Packed, T]], tokens: int, chance: random.Random
) -> Iterator[list[tuple[Packed, T]]]:
    """All once, those of similar length together, at most ``tokens`` padded ones, at random."""
    chance.shuffle(packed)
    window = 64
    grouped: list[list[tuple[Packed, T]]] = []
    for at in range(0, len(packed), window):
        rows = sorted(packed[at : at + window], key=lambda row: -len(row[0].ids))
        while rows:
            size = max(1, tokens // len(rows[0][0].ids))
            grouped.append(rows[:size])
            rows = rows[size:]
    chance.shuffle(grouped)
    yield from grouped


def stacked(packed: Sequence[Packed]) -> tuple[Rows, list[torch.Tensor]]:
    """Sequences as rows, evidence and the rest each padded to the longest; where tokens went."""
    papers = [each.parts.count(0) for each in packed]
    width = max(papers)
    length = width + max(len(each.ids) - own for each, own in zip(packed, papers, strict=True))
    ids, places = torch.zeros(2, len(packed), length, dtype=torch.long)
    parts = torch.full((len(packed), length), -1)
    columns = []
    for row, (each, own) in enumerate(zip(packed, papers, strict=True)):
        at = torch.arange(len(each.ids))
        columns.append(torch.where(at < own, at, at + width - own))
        ids[row, columns[-1]] = torch.tensor(each.ids)
        places[row, columns[-1]] = torch.tensor(each.places)
        parts[row, columns[-1]] = torch.tensor(each.parts)
    return Rows(ids, places, parts, width), columns


def _batch(group: Sequence[tuple[Packed, Document]]) -> Batch:
    rows, columns = stacked([packed for packed, _ in group])
    examples = [example for _, document in group for example in document.examples]
    claims = torch.full(rows.ids.shape, len(examples))
    tags = torch.full(rows.ids.shape, IGNORED)
    starts: list[int] = []
    twins: list[tuple[int, int]] = []
    for row, (packed, document) in enumerate(group):
        first = len(starts)
        part = rows.parts[row]
        claims[row] = torch.where(part > 0, part - 1 + first, len(examples))
        tags[row, columns[row]] = torch.tensor(_tags(packed, document.examples))
        starts += [row * rows.ids.shape[1] + int(columns[row][start]) for start in packed.starts]
        twins += [(first + a, first + b) for a, b in _twins(document.examples)]
    labels = torch.tensor([example.label for example in examples])
    pairs = torch.tensor(twins, dtype=torch.long).reshape(-1, 2)
    return Batch(rows, claims, torch.tensor(starts), labels, tags, pairs)


def _tags(packed: Packed, examples: Sequence[Example]) -> list[int]:
    """A label for each token of a claim that is true, or whose wrong words are marked."""
    known = [e.spans if e.spans or e.label == SUPPORTED else None for e in examples]
    return tagged(packed, known)


def tagged(packed: Packed, spans: Sequence[Collection[tuple[int, int]] | None]) -> list[int]:
    """1 for each token that touches a span of its own part, 0 beside; parts of None unknown."""
    tags = [IGNORED] * len(packed.ids)
    for at, (part, (low, high)) in enumerate(zip(packed.parts, packed.offsets, strict=True)):
        marked = spans[part - 1] if part > 0 else None
        if marked is not None and low < high:
            tags[at] = int(any(low < b and high > a for a, b in marked))
    return tags


def _twins(examples: Sequence[Example]) -> Iterator[tuple[int, int]]:
    for a, one in enumerate(examples):
        for b, other in enumerate(examples):
            if one.group and one.group == other.group and one.label == SUPPORTED != other.label:
                yield a, b
