"""Values for readers: JSON in the contract's shape, Markdown, and text for a terminal.

Text from papers and models is data here: it is never read as rich markup, and control and
escape characters never reach a terminal.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, is_dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from rag import comparison
from rag.citations import strip_markers
from rag.documents import ExplainedRow, Explanation, SearchRow
from rag.settings import Settings, is_loopback
from rag.text import clean, whole
from rag.types import Answer, CheckedDraft, IngestReport, Source, StoreStatus

DIGITS = 4
"""Decimal places of every number in a document."""

_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]P^_X].*?(?:\x07|\x1b\\|$)|\x1b.?", re.S)
_MARKER = re.compile(r"\[\d+(?:\s*[,;]\s*\d+)*\]")


# --- JSON -------------------------------------------------------------------------------


def to_dict(value: Any) -> Any:
    """Any value of ``types.py`` or ``documents.py``, or a list of them, as JSON types."""
    if is_dataclass(value) and not isinstance(value, type):
        return to_dict(asdict(value))
    if isinstance(value, dict):
        return {key: to_dict(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_dict(item) for item in value]
    return round(value, DIGITS) if isinstance(value, float) else value


def to_json(value: Any, *, indent: int | None = 2) -> str:
    """``to_dict`` as text that UTF-8 can hold; ``indent=None`` gives one line."""
    document = to_dict(value)
    text = json.dumps(document, ensure_ascii=False, indent=indent)
    return text if whole(text) == text else json.dumps(document, indent=indent)


# --- Markdown ---------------------------------------------------------------------------


def to_markdown(answer: Answer) -> str:
    """The answer with its notes, numbered sources and what was removed."""
    parts = [answer.refusal.text if answer.refusal else comparison.to_table(answer)]
    parts += [f"> {note.text}" for note in answer.notes]
    if answer.refusal:
        parts.append(_bullets("**Nearest papers**", _nearest(answer)))
    sources = [f"{s.n}. {_title(s)}{f' <{s.url}>' if s.url else ''}" for s in _cited(answer)]
    if sources:
        parts.append("**Sources**\n\n" + "\n".join(sources))
    removed = [f"{r.text} ({r.verdict}: {r.reason})" for r in answer.removed]
    parts.append(_bullets("**Removed**", removed))
    parts.append(f"*{_answered_by(answer)}*")
    return "\n\n".join(part for part in parts if part) + "\n"


def checked_to_markdown(draft: CheckedDraft) -> str:
    """A person's own text, sentence by sentence: what supports it, or why it is flagged."""
    claims = [s for s in draft.sentences if s.verdict != "not_a_claim"]
    held = sum(s.kept for s in claims)
    parts = [f"# {held} of {len(claims)} sentences are supported"]
    for s in draft.sentences:
        text = strip_markers(one_line(s.text))
        if s.verdict == "not_a_claim":
            parts.append(text)
        elif s.kept:
            parts.append(f"- ✓ {text} {''.join(f'[{n}]' for n in s.citations)}")
            parts += [f"    > {one_line(e.quote)} [{e.source}]" for e in s.evidence]
        else:
            parts.append(f"- ✗ **{text}** {s.verdict}: {one_line(s.reason)}")
    named = {n for s in claims for n in s.citations}
    sources = [s for s in draft.sources if s.n in named]
    if sources:
        parts.append("## Sources")
    parts += [f"{s.n}. {_title(s)}{f' <{s.url}>' if s.url else ''}" for s in sources]
    return "\n\n".join(parts) + "\n"


def _answered_by(answer: Answer) -> str:
    writer = "the extractive writer" if answer.model == "extractive" else one_line(answer.model)
    return f"Answered by {writer}."


def _bullets(heading: str, lines: Iterable[str]) -> str:
    body = "\n".join(f"- {' '.join(line.split())}" for line in lines)
    return f"{heading}\n\n{body}" if body else ""


# --- what leaves the machine ------------------------------------------------------------


def outbound(settings: Settings) -> list[str]:
    """What these settings send to whom, a sentence each; empty when nothing is sent."""
    lines = []
    if not is_loopback(settings.endpoint):
        if settings.embedding.startswith("openai:"):
            lines.append(f"Every abstract taken in and every question go to {settings.endpoint}.")
        if settings.model.strip():
            lines.append(f"Questions and the abstracts found for them go to {settings.endpoint}.")
    if _sends_vectors(settings):
        lines.append(
            "Papers taken in, the paths of their files and every question's vector go to "
            f"{settings.chroma_url}."
        )
    return lines


def _sends_vectors(settings: Settings) -> bool:
    return bool(settings.chroma_url) and not is_loopback(settings.chroma_url)


def _sent(answer: Answer, settings: Settings) -> str:
    sent = ["the question"] if settings.embedding.startswith("openai:") else []
    if answer.usage.calls:
        sent = ["the question", "the abstracts found for it"]
    lines = []
    if sent and not is_loopback(settings.endpoint):
        lines.append(f"Sent to {settings.endpoint}: {' and '.join(sent)}.")
    if _sends_vectors(settings):
        lines.append(f"Sent to {settings.chroma_url}: the question's vector.")
    return " ".join(lines) or "Nothing left this machine."


# --- the terminal -----------------------------------------------------------------------


def printable(text: str) -> str:
    """``text`` without escape sequences and characters that people cannot see."""
    return clean(_ESCAPES.sub("", text))


def one_line(text: str) -> str:
    """``printable`` text with every run of white space as one space."""
    return " ".join(printable(text).split())


def to_terminal(answer: Answer, settings: Settings) -> RenderableType:
    """The answer, its sources with the quoted evidence, what was removed, and who wrote it."""
    parts = [_body(answer)]
    parts += [Text.assemble(("Note: ", "yellow"), one_line(n.text)) for n in answer.notes]
    if answer.refusal:
        parts += _section("Nearest papers", [Text(one_line(t)) for t in _nearest(answer)])
    evidence = [(e.source, e.quote) for s in answer.sentences for e in s.evidence]
    parts += _section("Sources", _source_lines(_cited(answer), evidence))
    removed = [
        Text.assemble(one_line(r.text), (f"  {r.verdict}: {one_line(r.reason)}", "red"))
        for r in answer.removed
    ]
    parts += _section("Removed", removed)
    parts.append(Text(f"\n{_answered_by(answer)} {_sent(answer, settings)}", style="dim"))
    return Group(*parts)


def _body(answer: Answer) -> RenderableType:
    """The answer's text; a comparison as a table."""
    told = comparison.rows(answer)
    if not told:
        return _marked(printable(answer.refusal.text if answer.refusal else answer.text))
    table = Table("Paper", "What it says", expand=True, show_lines=True)
    table.columns[0].ratio, table.columns[1].ratio = 1, 3
    for row in told:
        table.add_row(Text(one_line(_title(row.source))), _marked(one_line(row.text)))
    return table


def checked_to_terminal(draft: CheckedDraft) -> RenderableType:
    """A table of the sentences with their verdicts, then the papers that support them."""
    table = Table("Verdict", "Support", "Sentence", "Why", expand=True)
    for s in draft.sentences:
        good = s.verdict in ("supported", "not_a_claim")
        table.add_row(
            Text(s.verdict, style="green" if good else "red"),
            Text("" if s.verdict == "not_a_claim" else f"{s.support:.2f}"),
            _marked(one_line(s.text)),
            Text(one_line(s.reason or ", ".join(f"source {n}" for n in s.citations))),
        )
    evidence = [(e.source, e.quote) for s in draft.sentences for e in s.evidence]
    named = {n for n, _ in evidence}
    sources = [s for s in draft.sources if s.n in named]
    return Group(table, *_section("Sources", _source_lines(sources, evidence)))


def found_to_terminal(rows: Sequence[SearchRow]) -> RenderableType:
    """The found papers, best first, each with its best passage."""
    if not rows:
        return Text("Nothing found: the collection is empty. Add papers with: rag ingest PATH")
    parts: list[RenderableType] = []
    for row in rows:
        year = f" ({row.paper.year})" if row.paper.year else ""
        title = one_line(row.paper.title) + year
        parts.append(Text.assemble((f"{row.rank}. ", "cyan"), (title, "bold")))
        parts.append(Padding(Text(one_line(row.passage.text)), (0, 0, 0, 3)))
        facts = one_line(f"score {row.score:.2f}  {row.paper.id}  {row.paper.url}")
        parts.append(Padding(Text(facts, style="dim", overflow="fold"), (0, 0, 0, 3)))
        if isinstance(row, ExplainedRow):
            parts.append(Padding(Text(_reasons(row.explain), style="dim"), (0, 0, 0, 3)))
    # A collection's remark is often the same for every paper: once is enough.
    notes = dict.fromkeys(row.paper.note for row in rows if row.paper.note)
    parts += [Text.assemble(("\nNote: ", "yellow"), one_line(note)) for note in notes]
    return Group(*parts)


def _reasons(why: Explanation) -> str:
    words = f"by words: BM25+ {why.lexical.score:.1f}, place {why.lexical.rank}"
    lines = [
        f"by meaning: cosine {why.dense.score:.2f}, place {why.dense.rank}",
        words if why.lexical.rank else "by words: none of the question's",
    ]
    lines += [f"has: {one_line(', '.join(why.matched))}"] if why.matched else []
    lines += [f"about: {one_line(', '.join(why.topics))}"] if why.topics else []
    lines += [f"lacks: {one_line(', '.join(why.missing))}"] if why.missing else []
    return "\n".join(lines)


def ingested_to_terminal(report: IngestReport) -> RenderableType:
    """One line of counts, then a line for each failure."""
    counts = (
        f"{report.added} added, {report.updated} updated, {report.unchanged} unchanged, "
        f"{len(report.failed)} failed in {report.seconds:.1f} s"
    )
    failures = [Text(f"  {one_line(f.where)}: {one_line(f.reason)}") for f in report.failed]
    return Group(Text(counts), *failures)


def status_to_terminal(status: StoreStatus, settings: Settings) -> RenderableType:
    """What the store holds, who answers, and what would leave the machine."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim")
    grid.add_column(overflow="fold")
    facts = to_dict(status) | {
        "sizes": ", ".join(f"{name} {n / 1e6:.1f} MB" for name, n in asdict(status.sizes).items()),
        "last_ingest": status.last_ingest or "not known",
        "server": status.server or "none (this machine alone)",
        "writer": settings.model.strip() or "extractive (no model)",
    }
    for name, value in facts.items():
        grid.add_row(Text(name), Text(one_line(str(value))))
    leaving = outbound(settings) or ["Nothing leaves this machine."]
    return Group(grid, *(Text(line) for line in leaving))


def _section(heading: str, lines: Sequence[RenderableType]) -> list[RenderableType]:
    if not lines:
        return []
    return [Text(f"\n{heading}", style="bold"), *(Padding(line, (0, 0, 0, 2)) for line in lines)]


def _source_lines(
    sources: Iterable[Source], evidence: Sequence[tuple[int, str]]
) -> list[RenderableType]:
    lines: list[RenderableType] = []
    for source in sources:
        label, title = (f"[{source.n}] ", "cyan"), one_line(_title(source))
        where = f"  {one_line(source.url)}" if source.url else ""
        lines.append(Text.assemble(label, title, (where, "dim"), overflow="fold"))
        quotes = dict.fromkeys(quote for n, quote in evidence if n == source.n)
        lines += [Padding(Text(f"“{one_line(q)}”", style="italic"), (0, 0, 0, 4)) for q in quotes]
    return lines


def _marked(text: str) -> Text:
    marked = Text(text)
    marked.highlight_regex(_MARKER, "cyan")
    return marked


def _title(source: Source) -> str:
    return f"{source.title} ({source.year})" if source.year else source.title


def _cited(answer: Answer) -> list[Source]:
    cited = {n for sentence in answer.sentences for n in sentence.citations}
    return [source for source in answer.sources if source.n in cited]


def _nearest(answer: Answer) -> list[str]:
    titles = {row.paper_id: row.title for row in answer.retrieved}
    nearest = answer.refusal.nearest if answer.refusal else ()
    return [titles.get(paper_id, paper_id) for paper_id in nearest]
