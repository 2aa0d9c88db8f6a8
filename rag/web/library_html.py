"""What the library tab shows, as HTML: pure functions, every value escaped on the way in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from urllib.parse import quote

from rag.types import Failure, IngestReport, Paper, StoreStatus
from rag.web.jobs_html import counted
from rag.web.markup import linked, marked, titled

PAGE = 20
"""Papers on a page."""
NOTHING_CHOSEN = "Tick the papers to remove first."
_FORMATS = "BibTeX, RIS, PubMed, arXiv, CSV, JSON, Markdown or plain text, also zipped"
_MOST_FAILURES = 200
_MOST_AUTHORS = 4
_MOST_NAMED = 8


@dataclass(frozen=True, slots=True)
class Row:
    """A paper in the list; ``spans`` of its abstract are what a search found."""

    paper: Paper
    spans: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of papers."""

    rows: tuple[Row, ...]
    start: int
    """How many papers stand before the first row."""
    total: int
    question: str = ""
    """What was searched for; empty: all are listed."""
    limits: str = ""
    """The filter in words; may be empty."""
    hints: tuple[str, ...] = ()
    """What of the filter no paper has."""


# --- the collection ---------------------------------------------------------------------


def status_html(name: str, status: StoreStatus | None) -> str:
    """What the collection holds, how large it is and which model reads it; None: nothing yet."""
    heading = f'<h2 dir="auto">{escape(name)}</h2>'
    if status is None:
        return f'{heading}<p class="facts"><span><b>No papers</b> yet</span></p>'
    size = sum((status.sizes.ledger, status.sizes.chroma, status.sizes.lexical))
    facts = [
        f"<b>{counted(status.papers, 'paper')}</b>",
        counted(status.passages, "passage"),
        f"from {counted(status.sources, 'file')}" if status.sources else "",
        f"{size / 1e6:,.1f} MB" if size else "",
        f"embedded by {escape(status.embedding)}",
        f"last added to on {escape(status.last_ingest[:10])}" if status.last_ingest else "",
    ]
    shown = "".join(f"<span>{fact}</span>" for fact in facts if fact)
    return f'{heading}<p class="facts">{shown}</p>'


def receiving_html(name: str, *, other: bool) -> str:
    """Where dropped files go; ``other``: not into the collection that is shown."""
    where = f'<b dir="auto">{escape(name)}</b>'
    stays = "The sample stays as it is: " if other else ""
    return (
        f"<h3>Add papers</h3><p>{stays}{'your' if other else 'Your'} papers go into {where}. "
        f"Any number of files at once: {_FORMATS}. A file of the same name counts as a new "
        "version of the earlier one.</p>"
    )


# --- the papers -------------------------------------------------------------------------


def papers_html(listing: Listing, *, choosable: bool) -> str:
    """The papers, each unfolding to its abstract; ``choosable``: with boxes to tick."""
    if not listing.rows:
        return f'<p class="empty">{_nothing(listing)}</p>'
    rows = "".join(_row(row, choosable) for row in listing.rows)
    return f'<ol class="papers" start="{listing.start + 1}">{rows}</ol>'


def account_html(listing: Listing) -> str:
    """Which part of how many papers this is."""
    if not listing.rows:
        return ""
    last = listing.start + len(listing.rows)
    of = "best matches" if listing.question else counted(listing.total, "paper").split()[1]
    limits = f' within <span dir="auto">{escape(listing.limits)}</span>' if listing.limits else ""
    place = f"{listing.start + 1:,}–{last:,} of {listing.total:,} {of}"
    return f"<p>{place}{limits}{'' if listing.question else ', newest in the library first'}</p>"


def _nothing(listing: Listing) -> str:
    if listing.limits:
        hints = "".join(f" {escape(hint[:1].upper() + hint[1:])}." for hint in listing.hints)
        hints = hints or " Each part of the filter fits some paper, but no paper passes all."
        return f"No paper passes the filter ({escape(listing.limits)}).{hints}"
    return "There are no papers here yet."


def _row(row: Row, choosable: bool) -> str:
    paper = row.paper
    box = (
        f'<input type="checkbox" value="{escape(paper.id)}" '
        f'aria-label="Choose {escape(paper.title)}">'
        if choosable
        else ""
    )
    by = byline(paper)
    meta = f'<span class="by" dir="auto">{escape(by)}</span>' if by else ""
    spans = [(start, end, 1) for start, end in row.spans]
    return (
        f'<li class="paper">{box}<details><summary><span class="title" dir="auto">'
        f"{escape(paper.title)}</span>{meta}</summary>"
        f'<p class="abstract" dir="auto">{marked(paper.abstract, spans)}</p>'
        f"{_fields(paper)}</details></li>"
    )


def byline(paper: Paper) -> str:
    """Who, where and when: ``A. Brine, C. Holdfast · Journal of Kelp · 2021``."""
    names = list(paper.authors[:_MOST_AUTHORS])
    if len(paper.authors) > _MOST_AUTHORS:
        names.append("et al.")
    facts = [", ".join(names), paper.venue, "" if paper.year is None else str(paper.year)]
    return " · ".join(fact for fact in facts if fact)


def _fields(paper: Paper) -> str:
    authors = ", ".join(paper.authors) if len(paper.authors) > _MOST_AUTHORS else ""
    rows = [
        ("Link", titled(paper.url, paper.url) if paper.url else ""),
        ("DOI", _coded(paper.doi, "https://doi.org/")),
        ("arXiv", _coded(paper.arxiv_id, "https://arxiv.org/abs/")),
        ("PubMed", _coded(paper.pmid, "https://pubmed.ncbi.nlm.nih.gov/")),
        ("Authors", escape(authors)),
        ("Keywords", escape("; ".join(paper.keywords))),
        ("Note", linked(paper.note)),
        ("From", escape(", ".join(paper.sources))),
        ("Id", f"<code>{escape(paper.id)}</code>"),
    ]
    shown = "".join(f'<dt>{name}</dt><dd dir="auto">{value}</dd>' for name, value in rows if value)
    return f"<dl>{shown}</dl>"


def _coded(code: str, base: str) -> str:
    """A public identifier, linked to where it is looked up."""
    code = code.strip()
    return titled(code, base + quote(code, safe="/.:")) if code else ""


# --- adding -----------------------------------------------------------------------------


def ingested_html(report: IngestReport, name: str) -> str:
    """What became of the files, with every record that could not be taken in."""
    counts = [(report.added, "added"), (report.updated, "updated"),
              (report.unchanged, "already there")]  # fmt: skip
    told = [f"{n:,} {what}" for n, what in counts if n]
    failed = len(report.failed)
    if failed:
        told.append(f"{failed:,} could not be taken in")
    line = ", ".join(told) or "No papers found"
    return (
        f'<div class="outcome" role="status"><p><b dir="auto">{escape(name)}</b>: {line} '
        f"({max(report.seconds, 0.1):.1f} s).</p>{_failures(report.failed)}</div>"
    )


def _failures(failed: Sequence[Failure]) -> str:
    if not failed:
        return ""
    rows = "".join(
        f'<li><span class="where" dir="auto">{escape(row.where)}</span> '
        f'<span class="reason" dir="auto">{escape(row.reason)}</span></li>'
        for row in failed[:_MOST_FAILURES]
    )
    more = len(failed) - _MOST_FAILURES
    rest = f"<li>and {more:,} more</li>" if more > 0 else ""
    return f'<ul class="failures">{rows}{rest}</ul>'


def stopped_html(done: int, name: str) -> str:
    """What an ingest that was stopped leaves."""
    kept = f"{counted(done, 'record')} of the files had been taken in" if done else "nothing is new"
    return (
        f'<p class="remark" role="status">Stopped: {kept}. What is in '
        f'<b dir="auto">{escape(name)}</b> stays; add the files again for the rest.</p>'
    )


# --- removing ---------------------------------------------------------------------------


def confirm_html(papers: Sequence[Paper], name: str) -> str:
    """What is about to be removed."""
    rows = "".join(f'<li dir="auto">{escape(p.title)}</li>' for p in papers[:_MOST_NAMED])
    more = len(papers) - _MOST_NAMED
    rest = f"<li>and {more:,} more</li>" if more > 0 else ""
    return (
        f'<div role="alert"><p>Remove {counted(len(papers), "paper")} from '
        f'<b dir="auto">{escape(name)}</b>? This cannot be undone, but the papers can be added '
        f"again.</p><ul>{rows}{rest}</ul></div>"
    )
