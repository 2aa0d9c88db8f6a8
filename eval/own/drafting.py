"""A set drafted from a person's own library: questions proposed, verified, marked for review."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from rag import resources
from rag.errors import InputError, ModelError
from rag.library import Library
from rag.types import Failure, Paper

from ..sets import Item
from .files import new_folder, write, write_set
from .proposal import REVIEW, Checked, Propose, check
from .review import to_review
from .texts import alike

COLLECTION = 2000
"""Papers of the library that the set is asked over: indexed in about a minute, and enough that
search has to find the right ones."""
_FEWEST_WORDS = 40
"""Words of an abstract that says enough to be asked about."""
_GIVE_UP = 3
"""Papers in a row at which the model fails before the rest is left."""
_ELSEWHERE_EVERY = 6
_FAR = 0.3
"""Cosine of a question from elsewhere and the library's nearest passage, at most."""

OnProgress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Draft:
    """What ``rag eval new`` made."""

    folder: str
    papers: int
    """Papers of the set's collection."""
    asked: int
    """Papers that questions were proposed for."""
    items: tuple[Item, ...]
    rejected: tuple[Failure, ...]
    """Proposals and nuggets that were left out, each with the reason."""
    failed: tuple[Failure, ...]
    """Papers for which the model gave nothing to use."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON, the questions counted: they stand in their file."""
        row = asdict(self)
        kinds = [item.type for item in self.items]
        row["items"] = {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}
        return row


def draft_set(
    library: Library,
    wanted: int,
    out: Path,
    propose: Propose,
    on_progress: OnProgress | None = None,
) -> Draft:
    """Draft a set over a library into the folder ``out``.

    The same library gives the same papers, and without a model the same set.

    Args:
        wanted: papers to ask about, at most.
        propose: questions on one paper.

    Raises:
        InputError: ``out`` is not empty, or no paper can be asked about.
        ModelError: the model failed on the first papers.
    """
    collection, chosen = choose(library.store.all_papers(), wanted)
    folder = new_folder(out)
    checked, failed = _propose_all(chosen, propose, on_progress or (lambda _done, _all: None))
    kept = _distinct(checked)
    items = [one.item for one in kept if one.item]
    if not items:
        raise InputError(
            f"none of the questions on {len(chosen)} papers passed its check; try more papers "
            "(--papers) or another model"
        )
    items += _elsewhere(library, -(-len(chosen) // _ELSEWHERE_EVERY))
    write_set(folder, items, collection)
    write(folder / "review.md", to_review(kept, items))
    return Draft(
        str(out), len(collection), len(chosen), tuple(items), _rejections(kept), tuple(failed)
    )


def choose(papers: Iterable[Paper], wanted: int) -> tuple[list[Paper], list[Paper]]:
    """The papers of the collection and, of these, the ones to ask about; always the same.

    They are drawn by the hash of their ids, so that neither order nor topic decides.

    Raises:
        InputError: no abstract is long enough.
    """
    ranked = sorted(papers, key=lambda paper: hashlib.sha256(paper.id.encode()).digest())
    fit = [paper for paper in ranked if len(paper.abstract.split()) >= _FEWEST_WORDS][:wanted]
    if not fit:
        raise InputError(
            f"no paper of the library has an abstract of {_FEWEST_WORDS} words, found "
            f"{len(ranked)} papers; take in papers with abstracts first"
        )
    chosen = {paper.id for paper in fit}
    others = [paper for paper in ranked if paper.id not in chosen]
    collection = fit + others[: max(0, COLLECTION - len(fit))]
    return sorted(collection, key=lambda paper: paper.id), fit


def _propose_all(
    papers: Sequence[Paper], propose: Propose, on_progress: OnProgress
) -> tuple[list[Checked], list[Failure]]:
    checked: list[Checked] = []
    failed: list[Failure] = []
    for done, paper in enumerate(papers, 1):
        split = "dev" if done % 2 else "test"
        try:
            proposals = propose(paper)
        except ModelError as error:
            failed.append(Failure(paper.id, str(error)))
            if len(failed) == done == _GIVE_UP or len(failed) == len(papers):
                raise
            continue
        for number, proposal in enumerate(proposals, 1):
            checked.append(check(paper, proposal, f"{paper.id}-{number}", split))
        on_progress(done, len(papers))
    return checked, failed


def _distinct(checked: Sequence[Checked]) -> list[Checked]:
    """Without questions that ask what an earlier one does."""
    kept: list[Checked] = []
    for one in checked:
        twin = next((k.item for k in kept if one.item and k.item
                     and alike(one.item.question, k.item.question)), None)  # fmt: skip
        if twin:
            one = Checked(one.paper, one.proposal, None, one.kept,
                          (*one.reasons, f"asks what {twin.id} asks"))  # fmt: skip
        kept.append(one)
    return kept


def _rejections(checked: Sequence[Checked]) -> tuple[Failure, ...]:
    return tuple(
        Failure(f"{one.paper.id}: {one.proposal.question}", reason)
        for one in checked
        for reason in one.reasons
    )


@cache
def _far_questions() -> tuple[str, ...]:
    path = resources.path("eval/own/elsewhere.txt")
    return tuple(path.read_text(encoding="utf-8").split("\n")[:-1])


def _elsewhere(library: Library, count: int) -> list[Item]:
    """Questions from other fields, those that the library is farthest from."""
    nearest = [(max((h.dense for h in library.search(q, 3)), default=0.0), q)
               for q in _far_questions()]  # fmt: skip
    far = [question for cosine, question in sorted(nearest) if cosine <= _FAR][:count]
    return [
        Item(
            id=f"elsewhere-{number}",
            type="unanswerable",
            split="dev" if number % 2 else "test",
            question=question,
            tags=("elsewhere", REVIEW),
        )
        for number, question in enumerate(far, 1)
    ]
