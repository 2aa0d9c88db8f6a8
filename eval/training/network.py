"""The networks in torch: MiniLM's layers over packed sequences, with the verifier's two heads."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from rag.graph import EPSILON, HEADS, LAYERS, WIDTH
from rag.verifier_graph import ALIGNED

from .packing import Batch, Rows

_FAR = -1e4
"""Added to the attention of what a token may not see."""
DROPOUT = 0.1
_GATE, _TEMPERATURE = 0.1, 15.0
"""Where the alignments start from; both are learned."""
NAMES = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "mixed": "attention.output.dense",
    "mixed_norm": "attention.output.LayerNorm",
    "wide": "intermediate.dense",
    "narrow": "output.dense",
    "narrow_norm": "output.LayerNorm",
}
"""Our modules' names, and those of the published weights."""


class Layer(nn.Module):
    """One transformer layer (Vaswani et al. 2017), normed after each half as in BERT."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value, self.mixed = (nn.Linear(WIDTH, WIDTH) for _ in range(4))
        self.wide, self.narrow = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)
        self.mixed_norm = nn.LayerNorm(WIDTH, eps=EPSILON)
        self.narrow_norm = nn.LayerNorm(WIDTH, eps=EPSILON)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """(batch, length, width) to the same; ``bias`` (batch, 1, length, length)."""
        batch, length, _ = x.shape

        def heads(values: Tensor) -> Tensor:
            return values.view(batch, length, HEADS, WIDTH // HEADS).transpose(1, 2)

        mixed = functional.scaled_dot_product_attention(
            heads(self.query(x)), heads(self.key(x)), heads(self.value(x)), attn_mask=bias
        )
        joined = mixed.transpose(1, 2).reshape(batch, length, WIDTH)
        x = self.mixed_norm(x + self.mixed(joined))
        return self.narrow_norm(x + self.narrow(functional.gelu(self.wide(x))))


class Alignment(nn.Module):
    """What of a claim's token the evidence has, added to that token.

    Each token is set beside the mean of the evidence tokens nearest to it by cosine, and their
    difference and product (as in ESIM, Chen et al. 2017, sections 3.2 and 3.3). The published
    layers hold like meanings near each other, so this needs no learning to find them, and few
    examples suffice to use it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(3 * WIDTH, WIDTH)
        nn.init.normal_(self.mix.weight, std=0.02)
        nn.init.zeros_(self.mix.bias)
        self.gate = nn.Parameter(torch.full((WIDTH,), _GATE))
        self.temperature = nn.Parameter(torch.tensor(_TEMPERATURE))

    def forward(self, x: Tensor, evidence: Tensor, elsewhere: Tensor) -> Tensor:
        """Claims (batch, length, width) to the same; ``elsewhere`` (batch, 1, evidence): what of
        ``evidence`` is padding, as a number to add."""
        alike = functional.normalize(x, dim=-1) @ functional.normalize(evidence, dim=-1).mT
        near = (self.temperature * alike + elsewhere).softmax(-1) @ evidence
        told = functional.gelu(self.mix(torch.cat([near, x - near, x * near], dim=-1)))
        return x + self.gate * told


class Backbone(nn.Module):
    """The published embeddings, layers to adapt, and alignments; of both trained models."""

    def __init__(self, weights: Path) -> None:
        super().__init__()
        published = load_file(weights)
        self.words = published["embeddings.word_embeddings.weight"]
        self.places = published["embeddings.position_embeddings.weight"]
        self.kinds = nn.Parameter(published["embeddings.token_type_embeddings.weight"].clone())
        self.norm = [published[f"embeddings.LayerNorm.{name}"] for name in ("weight", "bias")]
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        for index, layer in enumerate(self.layers):
            layer.load_state_dict(
                {
                    f"{ours}.{kind}": published[f"encoder.layer.{index}.{theirs}.{kind}"]
                    for ours, theirs in NAMES.items()
                    for kind in ("weight", "bias")
                }
            )
        self.alignments = nn.ModuleDict({str(layer): Alignment() for layer in ALIGNED})

    def embedded(self, packed: Rows) -> Tensor:
        """(rows, length, width): words, places and kinds, normed."""
        kinds = self.kinds[(packed.parts > 0).long()]
        x = self.words[packed.ids] + self.places[packed.places] + kinds
        return functional.layer_norm(x, (WIDTH,), *self.norm, eps=EPSILON)

    def step(
        self, index: int, x: Tensor, parts: Tensor, bias: Tensor, start: int, end: int | None = None
    ) -> Tensor:
        """Tokens through one layer, (rows, length, width) to the same.

        The columns from ``start`` to ``end`` are aligned with the evidence before, if it is one
        of those layers; ``bias`` (rows, 1, length, length) is added to the attention.
        """
        if index in ALIGNED:
            elsewhere = hidden(parts[:, None, :start] == 0)
            told = self.alignments[str(index)](x[:, start:end], x[:, :start], elsewhere)
            after = [] if end is None else [x[:, end:]]
            x = torch.cat([x[:, :start], told, *after], dim=1)
        return self.layers[index](x, bias)


def hidden(seen: Tensor) -> Tensor:
    """What to add to the attention so that only what is ``seen`` counts."""
    return torch.zeros(seen.shape).masked_fill_(~seen, _FAR)


def means(flat: Tensor, owner: Tensor, count: int) -> Tensor:
    """(count, width): the mean of each owner's tokens; ``owner`` is ``count`` where none is."""
    total = torch.zeros(count + 1, WIDTH).index_add(0, owner, flat)
    sizes = torch.zeros(count + 1).index_add(0, owner, torch.ones(len(owner)))
    return (total / sizes.clamp(min=1)[:, None])[:count]


class Network(Backbone):
    """Logits for each claim, (count, 3), and for each token: the evidence lacks it."""

    def __init__(self, weights: Path) -> None:
        super().__init__(weights)
        self.pool, self.head = nn.Linear(2 * WIDTH, WIDTH), nn.Linear(WIDTH, 3)
        self.tag = nn.Linear(WIDTH, 1)

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Logits (count, 3) of the claims and (rows, length) of the tokens."""
        parts = batch.rows.parts
        x, bias = self.embedded(batch.rows), hidden(alone(parts))[:, None]
        for index in range(LAYERS):
            x = self.step(index, x, parts, bias, batch.rows.width)
        flat = x.reshape(-1, WIDTH)
        mean = means(flat, batch.claims.reshape(-1), batch.count)
        both = torch.cat([flat[batch.starts], mean], dim=-1)
        pooled = torch.tanh(self.pool(functional.dropout(both, DROPOUT, self.training)))
        return self.head(pooled), self.tag(x)[..., 0]


def alone(parts: Tensor) -> Tensor:
    """(rows, length, length): each token sees the evidence and its own part."""
    return (parts[:, :, None] == parts[:, None, :]) | (parts[:, None, :] == 0)
