"""One training run: stages of batches under one warm-up and one linear decay."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
from torch import Tensor

from .network import Backbone

T = TypeVar("T")
LAYER_RATE, HEAD_RATE = 2e-4, 1e-3
"""Peak learning rates: of the published layers, and of the new heads."""
WARM_UP = 0.06


def train(
    network: Backbone,
    stages: Sequence[Sequence[T]],
    loss_of: Callable[[T], Tensor],
    after: Callable[[str], None],
    layer_rate: float = LAYER_RATE,
) -> None:
    """All batches of all stages once; prints progress, calls ``after`` at the end of each stage."""
    optimizer = _optimizer(network, layer_rate)
    rates = [group["lr"] for group in optimizer.param_groups]
    steps, done, start = sum(map(len, stages)), 0, time.monotonic()
    for stage, batches in enumerate(stages, 1):
        for batch in batches:
            share = min((done + 1) / (WARM_UP * steps), (steps - done) / steps)
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * min(1.0, share)
            loss = loss_of(batch)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            done += 1
            if done % 25 == 0:
                spent = time.monotonic() - start
                left = spent / done * (steps - done)
                say(f"{done}/{steps} loss {loss.item():.3f} {spent:.0f} s, {left:.0f} s left")
        network.eval()
        after(f"stage {stage} of {len(stages)}")
        network.train()


def _optimizer(network: Backbone, layer_rate: float) -> torch.optim.Optimizer:
    layers = list(network.layers.parameters())
    own = {id(each) for each in layers}
    rest = [each for each in network.parameters() if id(each) not in own]
    return torch.optim.AdamW(
        [{"params": layers, "lr": layer_rate}, {"params": rest, "lr": HEAD_RATE}],
        weight_decay=0.01,
        fused=True,
    )


def say(text: str) -> None:
    """A line of progress."""
    print(text, file=sys.stderr, flush=True)
