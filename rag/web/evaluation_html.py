"""What the evaluation tab shows, as HTML: pure functions, every value escaped on the way in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from rag.web.jobs_html import counted

RUNNING = "An evaluation is running. Only one runs at a time; wait until it has ended."
STOPPED = "Stopped. Nothing of this run was kept."
READ_ONLY = "This page is read-only: reports can be read here, but nothing can be run."
NO_RUNS = '<p class="empty">No evaluation has been run from this page yet.</p>'
INVITATION = (
    "<p>Asks a set's questions, checks every sentence of the answers and counts. It works on the "
    "set's own papers, not on your library. 20 questions take about half a minute, all of them "
    "some minutes.</p>"
)


def frame_html(document: str, title: str) -> str:
    """A report's page in a frame of its own, where it can do nothing to this one.

    The frame has an origin of its own and may only run the script whose digest its own policy
    names.
    """
    return (
        f'<iframe class="report" title="{escape(title)}" sandbox="allow-scripts" '
        f'srcdoc="{escape(document)}"></iframe>'
    )


def comparison_html(document: Mapping[str, Any], before: str, after: str) -> str:
    """What changed between two runs: the questions that flipped, then every figure."""
    flips = document["flips"]
    won = sum(flip["won"] for flip in flips)
    left = document["left_out"]
    told = f"{counted(document['shared'], 'shared question')}: {won} won, {len(flips) - won} lost."
    if left:
        told += f" {counted(left, 'question')} not the same in both and left out."
    return (
        f'<section class="comparison"><h3>What changed</h3><p class="runs">From <b dir="auto">'
        f'{escape(before)}</b> to <b dir="auto">{escape(after)}</b></p><p>{told}</p>'
        f"{_flips(flips)}{_table(document['rows'])}</section>"
    )


def _flips(flips: Iterable[Mapping[str, Any]]) -> str:
    rows = "".join(
        f'<li class="{"won" if flip["won"] else "lost"}"><b>{"won" if flip["won"] else "lost"}</b> '
        f'<span dir="auto">{escape(flip["question"])}</span> <code>{escape(flip["id"])}</code></li>'
        for flip in flips
    )
    return f'<ul class="flips">{rows}</ul>' if rows else ""


def _table(rows: Iterable[Mapping[str, Any]]) -> str:
    head = "".join(
        f'<th scope="col">{name}</th>'
        for name in ("Figure", "Before", "After", "Difference", "95% interval", "n", "p (Holm)")
    )
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="Figures"><table><thead><tr>'
        f"{head}</tr></thead><tbody>{''.join(map(_figure, rows))}</tbody></table></div>"
    )


def _figure(row: Mapping[str, Any]) -> str:
    gap = row["difference"]
    verdict = {True: " better", False: " worse", None: ""}[row["better"]]
    cells = [
        f"{row['a']:.3f}", f"{row['b']:.3f}", f"{gap['value']:+.3f}{verdict}",
        f"{gap['low']:+.2f} to {gap['high']:+.2f}", str(gap["n"]), f"{row['p_holm']:.3f}",
    ]  # fmt: skip
    shown = "".join(f"<td>{cell}</td>" for cell in cells)
    return f'<tr class="{verdict.strip()}"><th scope="row">{escape(row["label"])}</th>{shown}</tr>'
