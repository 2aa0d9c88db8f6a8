"""The verifier's decisions, each made once: a cache by content that survives a run.

A decision depends on the sentence, on the sources that it cites, and on the code and weights
that decide; their hash is its key. So a run is scored again at no cost, an interrupted scoring
goes on where it stood, and what was decided by other code is never used.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from rag import resources
from rag.grounding import verify
from rag.types import Claim, Source, Verdict

_VERDICT = TypeAdapter(Verdict)
Verify = Callable[[Claim, Sequence[Source]], Verdict]


@dataclass(frozen=True, slots=True)
class Decision:
    """What the verifier says of one sentence and the sources given with it."""

    sentence: str
    citations: tuple[int, ...]
    """The sources that were read; not always all that the sentence cites."""
    verdict: Verdict

    def to_dict(self) -> dict[str, Any]:
        """As JSON: support and contradiction are probabilities, evidence is cut from sources."""
        told = asdict(self.verdict)
        told["carried_by"] = told.pop("citations")
        return {"sentence": self.sentence, "citations": list(self.citations)} | told


class Judge:
    """Decides with the verifier, or from the cache; remembers what it decided."""

    def __init__(self, path: Path, verify: Verify = verify, fingerprint: str = "") -> None:
        """Open or make the cache at ``path``; a damaged one is an ``sqlite3.DatabaseError``."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path)
        self._db.execute("CREATE TABLE IF NOT EXISTS decisions (key TEXT PRIMARY KEY, verdict)")
        self._verify = verify
        self._fingerprint = fingerprint or code_hash()
        self._taken: dict[tuple[str, tuple[int, ...]], Decision] = {}

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def supports(self, claim: Claim, sources: Sequence[Source], cited: tuple[int, ...]) -> bool:
        """Whether the sources of these numbers, together, support the claim."""
        known = {source.n: source for source in sources}
        claim = replace(claim, citations=cited)
        key = self._key(claim, [known.get(n) for n in cited])
        verdict = self._held(key)
        if verdict is None:
            # One at a time: read together with others, a claim's probability moves by rounding.
            verdict = self._verify(claim, sources)
            with self._db:
                row = (key, json.dumps(asdict(verdict)))
                self._db.execute("INSERT OR REPLACE INTO decisions VALUES (?, ?)", row)
        self._taken[claim.text, cited] = Decision(claim.text, cited, verdict)
        return verdict.verdict == "supported"

    def taken(self) -> tuple[Decision, ...]:
        """The decisions since the last call, in their order."""
        found, self._taken = tuple(self._taken.values()), {}
        return found

    def _held(self, key: str) -> Verdict | None:
        with closing(self._db.execute("SELECT verdict FROM decisions WHERE key = ?", (key,))) as at:
            row = at.fetchone()
        return _VERDICT.validate_json(row[0]) if row else None

    def _key(self, claim: Claim, cited: Sequence[Source | None]) -> str:
        texts = [(s.n, s.title, s.text) if s else None for s in cited]
        content = [claim.bare, claim.context, claim.checkable, claim.citations, texts]
        return hashlib.sha256(f"{self._fingerprint}{json.dumps(content)}".encode()).hexdigest()


@cache
def code_hash() -> str:
    """SHA-256 over Footnote's code and the verifier's weights: what decides, and answers."""
    digest = hashlib.sha256()
    base = Path(resources.__file__).parent
    for path in [*sorted(base.glob("*.py")), base / "verifier.safetensors"]:
        digest.update(f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()
