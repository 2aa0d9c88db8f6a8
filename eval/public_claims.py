"""Public claim-checking sets: read from a folder, put to the verifier, scored three ways.

The files are not part of this project. In the folder each set has a folder of its own, in
JSON Lines; those that are there are used:

- ``scifact``: ``claims_train.jsonl`` and ``corpus.jsonl`` (Wadden et al. 2020). One case for
  each abstract that a claim cites; an abstract without evidence says nothing of the claim.
- ``healthver``: ``dev.jsonl`` (Sarrouti et al. 2021).
- ``citation-integrity``: ``train.jsonl`` and ``dev.jsonl``, taken together (Sarol et al.
  2024). Its own classes come as SUPPORT for ACCURATE, CONTRADICT for NOT_ACCURATE and NEI for
  IRRELEVANT. So CONTRADICT is wider there: a citing sentence that oversimplifies or has no
  backing is not accurate either.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field
from pydantic import model_validator as validator

from rag.errors import InputError, RagError
from rag.grounding import judge
from rag.types import Source
from rag.verifier import Judgement

from .public_claims_report import CLASSES, ClaimResult, ClaimsReport, Class
from .records import Identified, Record, Text, parse_lines
from .training.examples import CLAIMS, SUPPORTED, Document, Example, held_out, lines

_LABELS: dict[str, Class] = {
    "SUPPORT": "supported",
    "NEI": "not_enough",
    "CONTRADICT": "contradicted",
}
FILES = {
    "scifact": ("claims_train.jsonl", "corpus.jsonl"),
    "healthver": ("dev.jsonl",),
    "citation-integrity": ("train.jsonl", "dev.jsonl"),
}
_FOREIGN = ConfigDict(extra="ignore")
"""For lines of files that are not ours: further fields do not matter."""


class _Pair(Identified):
    """A claim beside its evidence."""

    model_config = _FOREIGN
    claim: Text
    evidence: Text
    label: Literal["SUPPORT", "CONTRADICT", "NEI"]


class _Abstract(Identified):
    """A line of SciFact's corpus."""

    model_config = _FOREIGN
    id: Text = Field(alias="_id")
    title: str
    sentences: Annotated[tuple[Text, ...], Field(min_length=1)]

    @property
    def source(self) -> Source:
        """As the verifier reads it."""
        return Source(1, f"scifact:{self.id}", self.title, "", None, " ".join(self.sentences))


class _Finding(Record):
    """What an abstract says of a SciFact claim."""

    model_config = _FOREIGN
    label: Literal["SUPPORT", "CONTRADICT"]


class _Claim(Identified):
    """A SciFact claim and the abstracts that it cites."""

    model_config = _FOREIGN
    claim: Text
    cited: Annotated[tuple[Text, ...], Field(min_length=1)]
    evidence: dict[str, _Finding]

    @validator(mode="after")
    def _consistent(self) -> Self:
        if not self.evidence.keys() <= set(self.cited):
            raise ValueError("expected evidence of cited abstracts only")
        return self


@dataclass(frozen=True, slots=True)
class PublicClaim:
    """A claim, one piece of evidence, and what the one says of the other."""

    id: str
    set: str
    text: str
    source: Source
    label: Class
    held_out: bool
    """Whether the verifier was trained without this evidence."""


def evaluate_claims(
    folder: Path, *, on_progress: Callable[[int, int], None] | None = None
) -> ClaimsReport:
    """Ask the verifier what the evidence of the public sets says of their claims.

    The class is the most probable one. Only the verifier is asked, no exact check; a claim that
    is a sentence of its evidence, word by word, is supported without reading. An item that
    fails counts as wrong.

    Args:
        folder: holds folders named as in ``FILES``, one at least.
        on_progress: called with (claims done, claims in all).

    Raises:
        InputError: the folder or a line in it is wrong.
        ModelError: the verifier cannot be had.
    """
    files = read_files(folder)
    claims = list(load_claims(files))
    by_source: dict[Source, list[PublicClaim]] = {}
    for claim in claims:
        by_source.setdefault(claim.source, []).append(claim)
    started = time.perf_counter()
    results: list[ClaimResult] = []
    for group in by_source.values():
        results += run_group(group)
        if on_progress:
            on_progress(len(results), len(claims))
    digests = {
        path.relative_to(folder).as_posix(): hashlib.sha256(content).hexdigest()
        for path, content in files.items()
    }
    return ClaimsReport(digests, tuple(results), {"check": time.perf_counter() - started})


def run_group(claims: Sequence[PublicClaim]) -> list[ClaimResult]:
    """Judge the claims on one piece of evidence; whatever is raised counts against each."""
    try:
        found = judge([(claim.text, (claim.source,)) for claim in claims])
    except RagError:
        raise  # no file of the model, say: nothing about these claims
    except Exception as error:
        message = " ".join(f"{type(error).__name__}: {error}".split())
        return [_result(claim, None, message) for claim in claims]
    return [_result(claim, each) for claim, each in zip(claims, found, strict=True)]


def _result(claim: PublicClaim, found: Judgement | None, error: str = "") -> ClaimResult:
    shares: tuple[float, ...] = ()
    if found:
        rest = 1 - found.support - found.contradiction
        shares = (found.support, rest, found.contradiction)
    return ClaimResult(
        id=claim.id,
        set=claim.set,
        evidence=claim.source.paper_id,
        held_out=claim.held_out,
        label=claim.label,
        guess=CLASSES[shares.index(max(shares))] if shares else None,
        shares=tuple(round(share, 4) for share in shares),
        error=error,
    )


def read_files(folder: Path) -> dict[Path, bytes]:
    """The files of the sets that ``folder`` holds, by path.

    Raises:
        InputError: there is no set, or a file of one is missing.
    """
    present = [name for name in FILES if (folder / name).is_dir()]
    if not present:
        *names, last = FILES
        raise InputError(
            f"{folder}: expected a folder that holds {', '.join(names)} or {last}, found "
            f"{'none of them' if folder.is_dir() else 'no folder'}; name the public sets' folder"
        )
    return {path: _read(path) for name in present for path in _paths(folder, name)}


def _paths(folder: Path, name: str) -> Iterator[Path]:
    return (folder / name / file for file in FILES[name])


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path}: expected a file of {path.parent.name}, found none that can be read "
            f"({error.strerror}); add it, or take the folder {path.parent.name} away"
        ) from error


def load_claims(files: Mapping[Path, bytes]) -> Iterator[PublicClaim]:
    """The claims of what ``read_files`` has read.

    Raises:
        InputError: names the file, the line, what was expected and what was found.
    """
    for path, content in files.items():
        if path.name == "claims_train.jsonl":
            corpus = path.with_name("corpus.jsonl")
            yield from _scifact(path, content, _corpus(corpus, files[corpus]))
        elif path.name != "corpus.jsonl":
            yield from _pairs(path, content)


def _corpus(path: Path, content: bytes) -> dict[str, Source]:
    return {row.id: row.source for _, row in parse_lines(_Abstract, content, path)}


def _scifact(path: Path, content: bytes, corpus: Mapping[str, Source]) -> Iterator[PublicClaim]:
    ours = {row["source"] for row in lines(CLAIMS / "training.jsonl")}
    for where, row in parse_lines(_Claim, content, path):
        for cited in row.cited:
            if cited not in corpus:
                raise InputError(
                    f"{where}: cited: expected ids of corpus.jsonl, found {cited!r}; "
                    "correct this line or complete the corpus"
                )
            source = corpus[cited]
            finding = row.evidence.get(cited)
            label = _LABELS[finding.label if finding else "NEI"]
            id = f"scifact/{path.stem}:{row.id}:{cited}"
            yield PublicClaim(id, "scifact", row.claim, source, label, _held_out(source, ours))


def _held_out(source: Source, ours: Collection[str]) -> bool:
    # As training sorts its documents: an abstract that we wrote claims on is no longer SciFact's.
    written = (Example("", SUPPORTED, "written", ""),) if source.paper_id in ours else ()
    return held_out(Document(source.paper_id, source.title, source.text, written))


def _pairs(path: Path, content: bytes) -> Iterator[PublicClaim]:
    name = path.parent.name
    for _, row in parse_lines(_Pair, content, path):
        key = hashlib.sha256(row.evidence.encode()).hexdigest()[:12]
        source = Source(1, f"{name}:{key}", "", "", None, row.evidence)
        label = _LABELS[row.label]
        yield PublicClaim(f"{name}/{path.stem}:{row.id}", name, row.claim, source, label, True)
