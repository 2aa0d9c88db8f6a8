from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

EVAL = Path(__file__).parent.parent / "eval"


def rows(name: str) -> list[dict[str, Any]]:
    text = (EVAL / "claims" / name).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.split("\n") if line]


CLAIMS = rows("training.jsonl")
ABSTRACTS = {row["id"]: row for row in rows("abstracts.jsonl")}
FRAMES = rows("frames.jsonl")
WORDINGS = ("says", "true", "less", "opposite", "more", "beside")
FIELDS = ["source", "group", "claim", "label", "kind", "changed"]
TRUE = {"paraphrase", "synthesis", "figure", "hedged", "short", "inference"}
LABELS = ("supported", "contradicted", "not_enough", "unsupported")
FAULTY = {"number", "entity", "negation", "comparison", "role", "overclaim", "scope", "outside"}


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def runs(text: str, length: int = 8) -> set[tuple[str, ...]]:
    found = words(text)
    return {tuple(found[at : at + length]) for at in range(len(found) - length + 1)}


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from strings(part)


def test_every_line_has_its_fields_and_known_values():
    for row in CLAIMS:
        assert list(row) == FIELDS
        assert re.fullmatch(r"(?:scifact|pubmedqa):\d+|own:[a-z]{2}\d{3}", row["source"]), row
        assert re.fullmatch(re.escape(row["source"]) + "/[a-z]", row["group"]), row
        labels = {"supported"} if row["kind"] in TRUE else set(LABELS[1:])
        assert row["label"] in labels and row["kind"] in TRUE | FAULTY, row


def test_what_was_changed_stands_in_the_claim():
    for row in CLAIMS:
        assert bool(row["changed"]) == (row["label"] != "supported"), row
        assert all(part and part in row["claim"] for part in row["changed"]), row


def test_every_group_has_a_true_and_a_faulty_claim():
    groups = defaultdict(set)
    for row in CLAIMS:
        groups[row["group"]].add(row["label"] == "supported")
    assert [group for group, labels in groups.items() if len(labels) < 2] == []


def test_no_claim_stands_twice():
    seen = Counter((row["source"], *words(row["claim"])) for row in CLAIMS)
    assert [claim for claim, times in seen.items() if times > 1] == []


def test_nothing_shares_eight_words_in_a_row_with_the_evaluation_set():
    held: set[tuple[str, ...]] = set()
    for path in sorted((EVAL / "sets").glob("*/[dq]*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            for text in strings(json.loads(line)):
                held |= runs(text)
    assert held
    written = [row["claim"] for row in CLAIMS]
    written += [f"{row['title']} {row['text']}" for row in ABSTRACTS.values()]
    written += [wording for frame in FRAMES for kind in WORDINGS for wording in frame[kind]]
    assert [text for text in written if runs(text) & held] == []


def test_the_counts_in_the_readme_are_those_of_the_file():
    readme = (EVAL / "claims" / "README.md").read_text(encoding="utf-8")
    counts = Counter((row["kind"], row["label"]) for row in CLAIMS)
    for kind in TRUE | FAULTY:
        found = (counts[kind, label] for label in LABELS)
        cells = " | ".join(f"{count:,}" if count else "–" for count in found)
        assert re.search(rf"\| {kind} \| [^|]+ \| {re.escape(cells)} \|", readme), kind
    groups = {row["group"] for row in CLAIMS}
    assert f"{len(CLAIMS):,} claims in {len(groups):,} groups" in readme
    assert f"the {len(ABSTRACTS)} abstracts" in readme
    assert f"{len(FRAMES)} paraphrase frames" in readme


def test_every_abstract_of_our_own_is_there_and_used():
    used = {row["source"] for row in CLAIMS if row["source"].startswith("own:")}
    assert used == set(ABSTRACTS)
    for row in ABSTRACTS.values():
        assert list(row) == ["id", "title", "text"] and len(row["text"].split()) >= 40, row["id"]


def test_every_frame_fills_its_slots():
    for frame in FRAMES:
        slots = set(frame["slots"])
        for kind in WORDINGS:
            for wording in frame[kind]:
                assert set(re.findall(r"\{(\w+)\}", wording)) <= slots, wording
        assert set(frame.get("swap", ())) <= slots
