"""The reviewer's page of a drafted set: each question beside what was found for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ..sets import Item
from .proposal import Checked

_HOW = """# To review

Read each question as someone who has not read the paper. Edit `questions.jsonl`, not this file:

1. Reword what nobody would ask, and questions that keep the abstract's words.
2. Correct the facts and add wordings that a right answer may use.
3. See that an unanswerable question is answered by no paper of the collection.
4. Take the tag `review` off the line, or delete the line.

`rag eval lint` lists what is left. When a set changes after its first use, raise `version` in
`set.json`.
"""


def to_review(checked: Sequence[Checked], items: Sequence[Item]) -> str:
    """Markdown: the items paper by paper with their evidence, then what was left out."""
    parts = [_HOW]
    paper = ""
    for one in checked:
        if one.item is None:
            continue
        if one.paper.id != paper:
            paper = one.paper.id
            parts.append(f"## {_flat(one.paper.title)}\n\n{_quoted(one.paper.abstract)}\n")
        parts.append("\n".join(_item(one, one.item)) + "\n")
    asked = {one.item.id for one in checked if one.item}
    if others := [item for item in items if item.id not in asked]:
        parts.append("## From other fields: no paper should answer these\n")
        parts.append("".join(f"- `{item.id}` {_flat(item.question)}\n" for item in others))
    if left_out := [f"- {_flat(one.proposal.question)}: {_flat(reason)}\n"
                    for one in checked for reason in one.reasons]:  # fmt: skip
        parts.append("## Left out\n")
        parts.append("".join(left_out))
    return "\n".join(parts)


def _item(one: Checked, item: Item) -> Iterator[str]:
    yield f"**{_flat(item.question)}** (`{item.id}`, {item.type})\n"
    if not one.kept:
        yield f"- the abstract should not say: {_flat(one.proposal.lacks)}"
    for kept in one.kept:
        vital = "vital" if kept.nugget.vital else "okay"
        accepted = ", ".join(f"“{_flat(w)}”" for w in kept.nugget.wordings)
        yield f"- {vital}: {_flat(kept.nugget.statement)} (accepted: {accepted}; "
        yield f"  support {kept.support:.2f})"
        yield from (f"  > {line}" for line in _lines(kept.evidence))


def _lines(quotes: Iterable[str]) -> Iterator[str]:
    yield from map(_flat, quotes)


def _quoted(text: str) -> str:
    return f"> {_flat(text)}"


def _flat(text: str) -> str:
    """One line whose signs are shown as they are."""
    line = " ".join(text.split())
    return "".join(f"\\{ch}" if ch in "\\`*_[]<>#|" else ch for ch in line)
