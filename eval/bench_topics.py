"""How well topics are read from text: ``python -m eval.bench_topics [DATA] [SPLIT]``.

``tests/data/topics.jsonl`` names what 72 abstracts are about, as a reader would file them: 32 of
the sample collection, 20 each of SciFact and PubMedQA (read from the folder DATA; without it the
sample alone). ``also`` holds what would be right, too, but is not missed. The labels are by the
writer of the rules; those of the split "test" were not looked at while the rules were tuned.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag import sample
from rag.topic_terms import things
from rag.topics import KINDS, Topic, canonical, key_of, topics

LABELLED = Path(__file__).parent.parent / "tests" / "data" / "topics.jsonl"
Texts = Mapping[str, tuple[str, str]]
"""Title and abstract by id."""


@dataclass(frozen=True, slots=True)
class Score:
    """Topics found rightly and wrongly, and missed."""

    right: int = 0
    wrong: int = 0
    missed: int = 0

    def __add__(self, other: Score) -> Score:
        return Score(self.right + other.right, self.wrong + other.wrong, self.missed + other.missed)

    @property
    def precision(self) -> float:
        """Share of what was found that is right; 1 where nothing was."""
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 1.0

    @property
    def recall(self) -> float:
        """Share of what should be found that was; 1 where nothing should be."""
        return self.right / (self.right + self.missed) if self.right + self.missed else 1.0


def labelled(path: Path = LABELLED) -> list[dict[str, Any]]:
    """The labels, a paper each."""
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]


def score(rows: Iterable[dict[str, Any]], texts: Texts) -> dict[str, Score]:
    """The score of each kind over the labelled papers that ``texts`` holds."""
    scores = dict.fromkeys(KINDS, Score())
    for row in rows:
        if row["id"] in texts:
            found = topics(*texts[row["id"]])
            for kind in KINDS:
                scores[kind] += judge(kind, row, found)
    return scores


def judge(kind: str, row: Mapping[str, Any], found: Iterable[Topic]) -> Score:
    """What of ``found`` is right for a paper; a kind of something implies that thing."""
    must = {_key(kind, value) for value in row["topics"].get(kind, ())}
    may = {_key(kind, value) for value in row["also"].get(kind, ())}
    named = {_key(kind, topic.value) for topic in found if topic.kind == kind}
    wrong = named - must - may - _broader(kind, [*row["topics"].get(kind, ()), *may, *named])
    if kind == "task":  # "lesion detection" is right where "detection" is, and the other way
        right = tuple(must | may)
        wrong = {
            k for k in wrong if not k.endswith(right) and not any(r.endswith(k) for r in right)
        }
    return Score(len(must & named), len(wrong), len(must - named))


def _key(kind: str, value: str) -> str:
    known = sorted(topic.key for topic in canonical(value) if topic.kind == kind)
    return known[0] if known else key_of(value)


def _broader(kind: str, values: Iterable[str]) -> set[str]:
    wanted = {_key(kind, value) for value in values}
    above = (t.above for t in things() if t.kind == kind and key_of(t.value) in wanted)
    return {key_of(term.value) for terms in above for term in terms}


def texts_of(data: Path | None) -> dict[str, tuple[str, str]]:
    """Title and abstract of the sample's papers, and of SciFact and PubMedQA if given."""
    found = {row["id"]: (row["title"], row["abstract"]) for row in _rows(sample.path())}
    if data:
        for row in _rows(data / "scifact" / "corpus.jsonl"):
            found[str(row["_id"])] = (row["title"], " ".join(row["sentences"]))
        for row in _rows(data / "pubmedqa" / "dev.jsonl"):
            found[str(row["pmid"])] = (row["question"], row["abstract"])
    return found


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]


def main() -> None:
    """Print a line for each kind, and what reading a paper costs."""
    texts = texts_of(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
    rows = [row for row in labelled() if sys.argv[2:] in ([], [row["split"]])]
    scores = score(rows, texts)
    scores["all"] = sum(scores.values(), Score())
    for kind, found in scores.items():
        print(f"{kind:10} precision {found.precision:.2f} recall {found.recall:.2f}  {found}")
    some = list(texts.values())[:1000]
    begun = time.process_time()
    for title, abstract in some:
        topics(title, abstract)
    print(f"{1000 * (time.process_time() - begun) / len(some):.2f} ms of CPU a paper")


if __name__ == "__main__":
    main()
