"""How long checking takes: ``make bench-grounding``.

Every draft of the shipped set is checked in four ways, side by side in one run: its sentences
together against each abstract that they cite, with nothing read before and with the abstracts
read ahead, as they are while a model writes; one sentence at a time, with the abstracts read
ahead; and by the exact checks alone. The model is loaded.
"""

from __future__ import annotations

import inspect
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from rag.citations import parse_claims
from rag.evidence import read
from rag.grounding import EXACT_CHECKS, read_through, support_of, verifier
from rag.types import Paper, Source

from .drafts import Draft, load_drafts
from .metrics import quantile

ROUNDS = 2

Pair = tuple[str, tuple[Source, ...]]
"""A sentence and one abstract that it cites."""


@dataclass(frozen=True, slots=True)
class Way:
    """How the sentences of a draft are checked."""

    check: Callable[[Sequence[Pair]], None]
    ahead: bool = False
    """Whether the abstracts are read beforehand, which is not timed."""


def together(pairs: Sequence[Pair]) -> None:
    """All sentences of a draft at once."""
    support_of(pairs)


def one_by_one(pairs: Sequence[Pair]) -> None:
    """As they arrive in a stream."""
    for pair in pairs:
        support_of([pair])


def exact_only(pairs: Sequence[Pair]) -> None:
    """Figures, names and terms, without the verifier."""
    for text, (source,) in pairs:
        view = read(source)
        for check in EXACT_CHECKS:
            check(text, view.text)


WAYS = {
    "together, nothing read": Way(together),
    "together, abstracts read": Way(together, ahead=True),
    "one by one, abstracts read": Way(one_by_one, ahead=True),
    "exact checks, nothing read": Way(exact_only),
}
Times = dict[str, list[float]]
"""For each of ``WAYS``, milliseconds per pair: one figure for each draft and round."""


def pairs_of(draft: Draft, papers: Mapping[str, Paper]) -> list[Pair]:
    """Every sentence of a draft with each abstract that it cites, in the draft's order."""
    sources = {
        n: Source(n, id, papers[id].title, "", None, papers[id].abstract)
        for n, id in enumerate(draft.sources, 1)
    }
    return [
        (claim.bare, (sources[n],))
        for claim in parse_claims(draft.text)
        if claim.checkable
        for n in claim.citations
        if n in sources
    ]


def measure(drafts: Sequence[Sequence[Pair]], rounds: int) -> Times:
    """Time all ways on each draft, one after the other, in an order that changes."""
    together(drafts[0])  # loads the model
    times: Times = {name: [] for name in WAYS}
    order = list(WAYS.items())
    for _ in range(rounds):
        for pairs in drafts:
            order.append(order.pop(0))
            for name, way in order:
                forget()
                if way.ahead:
                    for source in {source for _, (source,) in pairs}:
                        read_through(source)
                started = time.perf_counter()
                way.check(pairs)
                times[name].append(1000 * (time.perf_counter() - started) / len(pairs))
    return times


def forget() -> None:
    """Empty Footnote's caches of what it has read; tables and the loaded model stay."""
    verifier().forget()
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] == "rag":
            for value in list(vars(module).values()):
                if hasattr(value, "cache_clear") and inspect.signature(value).parameters:
                    value.cache_clear()


def report(times: Times, drafts: int, pairs: int) -> str:
    """A line for each way: median, 90th percentile, and the ratio to the first way."""
    first = times[next(iter(WAYS))]
    rounds = len(first) // drafts
    lines = [
        f"{pairs} pairs of a sentence and an abstract in {drafts} drafts; {rounds} rounds; "
        f"{os.cpu_count()} CPU cores",
        f"{'ms per pair':30}{'median':>9}{'p90':>9}{'ratio':>9}",
    ]
    for name, found in times.items():
        ratio = median(a / b for a, b in zip(found, first, strict=True))
        lines.append(f"{name:30}{median(found):9.2f}{quantile(found, 0.9):9.2f}{ratio:9.2f}")
    return "\n".join(lines)


def main() -> None:
    """Measure on the shipped drafts and print the report."""
    found = load_drafts()
    drafts = [pairs for draft in found.drafts if (pairs := pairs_of(draft, found.papers))]
    print(report(measure(drafts, ROUNDS), len(drafts), sum(map(len, drafts))))


if __name__ == "__main__":
    main()
