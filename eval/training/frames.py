"""Endless small documents from paraphrase frames: ``eval/claims/frames.jsonl``.

A frame is one kind of finding with slots, worded in many ways: as an abstract says it, as a
summary says it truly, reversed, inflated, or beside the point. Several findings make a
document; claims take another wording, another slot value, or the slots exchanged.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .examples import (
    CLAIMS,
    CONTRADICTED,
    NOT_ENOUGH,
    SUPPORTED,
    UNSUPPORTED,
    Document,
    Example,
    lines,
)

SLOT = re.compile(r"\{(\w+)\}")
_HEDGE = re.compile(r"\b(?:may|might|could|possib|suggest|hint|appear|perhaps|tentativ)")
_MOST_CLAIMS = 12
Values = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Finding:
    """A frame with its slots filled; ``twin`` is another filling in the same document."""

    frame: Mapping[str, Any]
    values: Values
    twin: Values | None = None


def load_frames(path: Path = CLAIMS / "frames.jsonl") -> list[dict[str, Any]]:
    """The frames, as written."""
    return list(lines(path))


def document(frames: Sequence[Mapping[str, Any]], chance: random.Random, number: int) -> Document:
    """A document of two to six findings, and up to 12 claims about it."""
    chosen = chance.sample(frames, chance.randint(2, 3))
    sentences: list[str] = []
    examples: list[Example] = []
    for n, frame in enumerate(chosen):
        values = values_of(frame, chance)
        twin = values_of(frame, chance, values) if chance.random() < 0.5 else None
        hedged = bool(frame.get("hedged")) and chance.random() < 0.2
        wordings = frame["hedged" if hedged else "says"]
        sentences.append(fill(chance.choice(wordings), values)[0])
        if twin:
            sentences.append(fill(chance.choice(frame["says"]), twin)[0])
        claims = _of_hedged if hedged else _of_stated
        examples += claims(Finding(frame, values, twin), chance, f"frame{number}/{n}")
    for frame in chance.sample(frames, 2):
        if frame in chosen:
            continue
        values = values_of(frame, chance)
        if chance.random() < 0.5:
            sentences.append(fill(chance.choice(frame["says"]), values)[0])
        else:
            text, _ = fill(chance.choice(frame["true"]), values)
            examples.append(Example(text, NOT_ENOUGH, "misattributed", ""))
    chance.shuffle(sentences)
    chance.shuffle(examples)
    return Document(f"frame{number}", "", " ".join(sentences), tuple(examples[:_MOST_CLAIMS]))


def _of_stated(finding: Finding, chance: random.Random, group: str) -> list[Example]:
    frame, values = finding.frame, finding.values
    drawn = [
        ("true", SUPPORTED, "paraphrase", 2), ("less", SUPPORTED, "hedged", 1),
        ("opposite", CONTRADICTED, "negation", 2), ("more", UNSUPPORTED, "overclaim", 1),
        ("beside", NOT_ENOUGH, "outside", chance.randint(0, 1)),
    ]  # fmt: skip
    found = [
        Example(fill(text, values)[0], label, kind, group)
        for wording, label, kind, count in drawn
        for text in chance.sample(frame[wording], count)
    ]
    swapped = _swapped(finding, chance, group)
    altered = _altered(finding, chance, group)
    return [*found, *(each for each in (swapped, altered) if each)]


def _of_hedged(finding: Finding, chance: random.Random, group: str) -> list[Example]:
    frame, values = finding.frame, finding.values
    found = [
        Example(fill(text, values)[0], NOT_ENOUGH, "overclaim", group)
        for text in chance.sample(frame["true"], 2)
    ]
    cautious = [*frame["hedged"], *(text for text in frame["less"] if _HEDGE.search(text))]
    text, _ = fill(chance.choice(cautious), values)
    return [*found, Example(text, SUPPORTED, "hedged", group)]


def _swapped(finding: Finding, chance: random.Random, group: str) -> Example | None:
    """Two slots exchanged, where the frame says that this makes every true claim false."""
    pair: list[str] = finding.frame.get("swap", [])
    fitting = [t for t in finding.frame["true"] if pair and set(pair) <= set(SLOT.findall(t))]
    if not fitting:
        return None
    one, two = pair
    values = {**finding.values, one: finding.values[two], two: finding.values[one]}
    text, spans = fill(chance.choice(fitting), values, pair)
    return Example(text, CONTRADICTED, "role", group, spans)


def _altered(finding: Finding, chance: random.Random, group: str) -> Example | None:
    """One slot with another value: of the other filling in this document, or of none."""
    frame, values = finding.frame, finding.values
    wording = chance.choice(frame["true"])
    slots = sorted(set(SLOT.findall(wording)))
    if not slots:
        return None
    slot = chance.choice(slots)
    # With one slot, the value of the other filling would make the claim true of that one.
    inside = finding.twin and len(slots) > 1 and chance.random() < 0.6
    other = finding.twin if inside and finding.twin else values_of(frame, chance, values)
    if other[slot] in values.values():
        return None
    text, spans = fill(wording, {**values, slot: other[slot]}, [slot])
    number = isinstance(frame["slots"][slot], dict)
    label, kind = (CONTRADICTED, "number") if number else (NOT_ENOUGH, "entity")
    return Example(text, label, kind, group, spans)


def values_of(frame: Mapping[str, Any], chance: random.Random, avoid: Values = {}) -> Values:  # noqa: B006
    """A value for each slot, different from each other and from those to avoid."""
    values: dict[str, str] = {}
    for slot, pool in frame["slots"].items():
        if isinstance(pool, dict):
            number = chance.uniform(pool["low"], pool["high"])
            values[slot] = f"{number:.{pool.get('decimals', 0)}f}"
            continue
        options = frame["slots"][pool] if isinstance(pool, str) else pool
        taken = {*values.values(), *avoid.values()}
        values[slot] = chance.choice([o for o in options if o not in taken] or options)
    return values


def fill(
    wording: str, values: Values, marked: Sequence[str] = ()
) -> tuple[str, tuple[tuple[int, int], ...]]:
    """The sentence, and where the marked slots stand in it."""
    text, spans = "", []
    for n, part in enumerate(SLOT.split(wording)):
        if n % 2 and part in marked:
            spans.append((len(text), len(text) + len(values[part])))
        text += values[part] if n % 2 else part
    return text[:1].upper() + text[1:], tuple(spans)
