"""What the chat page shows, as HTML: pure functions, every value escaped on the way in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from rag.types import Answer, Field, Removed, Retrieved, Sentence, Source, StoreStatus
from rag.web.exchange import Exchange
from rag.web.markup import joined, linked, marked, prose, titled

if TYPE_CHECKING:
    from rag.embedding import Embedder
    from rag.writers import Writer

_NOTE_LABELS = {
    "premise": "About the question",
    "disagreement": "The papers disagree",
    "scope": "Limits of this answer",
    "collection": "About this collection",
}
_VERDICT_LABELS = {
    "unsupported": "not supported",
    "contradicted": "contradicted",
    "uncited": "no citation",
    "phantom": "no such source",
}
_REFUSAL_LABELS = {
    "not_in_collection": "Not in this collection",
    "not_retrieved": "Not found",
    "nothing_supported": "Nothing that could be supported",
    "out_of_scope": "Not a question for this collection",
}
_LONGEST_ECHO = 600
_MOST_NEAREST = 5


# --- one exchange -----------------------------------------------------------------------


def conversation_html(exchanges: Sequence[Exchange]) -> str:
    """The exchanges one under the other, in order."""
    return "".join(exchange_html(exchange, turn) for turn, exchange in enumerate(exchanges, 1))


def exchange_html(exchange: Exchange, turn: int) -> str:
    """A question with its answer, or as much of it as has been checked so far."""
    shown = exchange.question.strip()
    if len(shown) > _LONGEST_ECHO:
        shown = shown[:_LONGEST_ECHO].rstrip() + " …"
    parts = [f'<h2 class="question" dir="auto">{escape(shown)}</h2>']
    if exchange.answer:
        parts.append(answer_html(exchange.answer, turn))
    elif exchange.sentences:
        text = joined(exchange.sentences)
        parts.append(f'<div class="prose">{prose(text, exchange.sentences, turn)}</div>')
    if exchange.status:
        parts.append(_status(exchange.status))
    if exchange.problem:
        parts.append(f'<p class="problem" role="alert">{escape(exchange.problem)}</p>')
    state = "exchange working" if exchange.status else "exchange"
    return f'<section class="{state}" id="t{turn}">{"".join(parts)}</section>'


def answer_html(answer: Answer, turn: int) -> str:
    """A finished answer: text with chips, notes, and what was removed folded under it."""
    if answer.refusal:
        body = _refusal(answer)
    else:
        body = f'<div class="prose">{prose(answer.text, answer.sentences, turn)}</div>'
    notes = "".join(
        f'<aside class="note {escape(note.kind)}"><b>{_NOTE_LABELS[note.kind]}</b>'
        f'<span dir="auto">{linked(note.text)}</span></aside>'
        for note in answer.notes
    )
    return body + notes + _account(answer)


def _status(stage: str) -> str:
    shown = escape(stage[:1].upper() + stage[1:])
    return f'<p class="status" role="status"><i aria-hidden="true"></i>{shown}…</p>'


def _refusal(answer: Answer) -> str:
    refusal = answer.refusal
    assert refusal is not None
    titles = {row.paper_id: row.title for row in answer.retrieved}
    links = {source.paper_id: source.url for source in answer.sources}
    rows = "".join(
        f'<li dir="auto">{titled(titles.get(key, key), links.get(key, ""))}</li>'
        for key in refusal.nearest[:_MOST_NEAREST]
    )
    nearest = f"<p>The nearest papers:</p><ul>{rows}</ul>" if rows else ""
    return (
        f'<div class="refusal"><b>{_REFUSAL_LABELS[refusal.cause]}</b>'
        f'<p dir="auto">{escape(refusal.text)}</p>{nearest}</div>'
    )


def _account(answer: Answer) -> str:
    """How many sentences were checked, what was removed and why, and who wrote."""
    kept = sum(sentence.verdict != "not_a_claim" for sentence in answer.sentences)
    gone = len(answer.removed)
    total = kept + gone
    facts = [escape(answer.model)] if answer.model else []
    if "total" in answer.timings:
        facts.append(f"{max(answer.timings['total'], 0.1):.1f} s")
    if answer.query and answer.query.strip() != answer.question.strip():
        facts.append(f'searched for <q dir="auto">{escape(answer.query)}</q>')
    aside = f'<span class="facts">{" · ".join(facts)}</span>' if facts else ""
    if not total:
        return f'<p class="account">{aside}</p>' if aside else ""
    checked = f"{total} {'sentence' if total == 1 else 'sentences'} checked"
    if not gone:
        return f'<p class="account"><span>{checked}, none removed</span>{aside}</p>'
    rows = "".join(map(_removed, answer.removed))
    return (
        f'<details class="account removed"><summary><span>{checked}, {gone} removed</span>{aside}'
        f"</summary><ul>{rows}</ul></details>"
    )


def _removed(row: Removed) -> str:
    label = _VERDICT_LABELS.get(row.verdict, row.verdict.replace("_", " "))
    return (
        f'<li><span class="text" dir="auto">{escape(row.text)}</span>'
        f'<span class="reason"><b>{escape(label)}</b> {escape(row.reason)}</span></li>'
    )


# --- the page's head ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class About:
    """What a person should know before asking."""

    status: StoreStatus
    answered_by: str
    notice: str
    """A remark on the collection that readers must see; may be empty."""
    examples: tuple[str, ...]


def masthead_html(about: About) -> str:
    """What Footnote is, what the collection holds and who answers."""
    count = about.status.papers
    papers = f"{count:,} {'paper' if count == 1 else 'papers'}"
    notice = f'<p class="notice" role="note">{linked(about.notice)}</p>' if about.notice else ""
    return (
        '<header><h1>Footnote<sup aria-hidden="true">1</sup></h1>'
        '<p class="what">Ask a collection of paper abstracts. Every sentence of the answer is '
        "checked against the paper that it cites before you see it.</p>"
        f'<p class="facts"><span title="{escape(about.status.store)}"><b>{papers}</b> in this '
        f"collection</span><span>{linked(about.answered_by)}</span></p>{notice}</header>"
    )


def welcome_html(about: About) -> str:
    """What stands above the examples before the first question."""
    if about.examples:
        return "<p>Ask a question, or start with one of these:</p>"
    return "<p>Ask in plain words; follow-up questions are understood.</p>"


def answered_by(writer: Writer, embedder: Embedder) -> str:
    """Who answers, and what leaves the machine and to whom: one line."""
    sent = []
    if writer.remote:
        sent.append(f"questions and retrieved abstracts go to {writer.endpoint}")
    if embedder.remote:
        sent.append(f"questions go to {embedder.name} to be embedded")
    who = f"Answered by {writer.name}" if writer.remote else f"Answered by the {writer.name} writer"
    return f"{who}: {', '.join(sent) or 'nothing leaves this machine'}"


PLACEHOLDER = "Ask a question"
NO_QUESTION = "Type a question first"
EMPTY_PANEL = "The papers behind an answer appear here, with the cited passages marked."
SMALL_PRINT = "<p>A reading aid, not medical advice: read the paper before you rely on it.</p>"


# --- sources ----------------------------------------------------------------------------


def panel_html(exchanges: Sequence[Exchange]) -> str:
    """The sources of every exchange; those of the latest that has any are shown."""
    turns = [
        turn for turn, exchange in enumerate(exchanges, 1) if exchange.sources or exchange.answer
    ]
    if not turns:
        return f'<p class="empty">{EMPTY_PANEL}</p>'
    html = ""
    for turn in turns:
        hidden = "" if turn == turns[-1] else " hidden"
        panel = _panel(exchanges[turn - 1], turn)
        html += f'<section class="turn-sources" id="sources-t{turn}"{hidden}>{panel}</section>'
    return html


def sources_html(answer: Answer, turn: int) -> str:
    """The sources of a finished answer: cited ones first, the others folded under them."""
    used = {n for sentence in answer.sentences for n in sentence.citations}
    cited = [source for source in answer.sources if source.n in used]
    others = [source for source in answer.sources if source.n not in used]
    given = {source.paper_id for source in answer.sources}
    further = [row for row in answer.retrieved if row.paper_id not in given]
    cards = _cards(cited, answer.sentences, turn)
    count = len(others) + len(further)
    if not count:
        return cards
    folded = _cards(others, (), turn) + _further(further)
    title = f"{count} {'paper' if count == 1 else 'papers'} retrieved but not cited"
    state = "" if cited else " open"
    return cards + f'<details class="uncited"{state}><summary>{title}</summary>{folded}</details>'


def _panel(exchange: Exchange, turn: int) -> str:
    answer = exchange.answer
    cited = len({n for sentence in exchange.sentences for n in sentence.citations})
    about = f"{cited or 'none'} cited" if answer else f"{len(exchange.sources)} retrieved"
    body = sources_html(answer, turn) if answer else _cards(exchange.sources, (), turn)
    return f'<h2>Sources <span class="count">{about}</span></h2>{body}'


def _cards(sources: Iterable[Source], sentences: Sequence[Sentence], turn: int) -> str:
    return "".join(_card(source, sentences, turn) for source in sources)


def _card(source: Source, sentences: Sequence[Sentence], turn: int) -> str:
    def spans(field: Field) -> list[tuple[int, int, int]]:
        return [
            (span.start, span.end, number)
            for number, sentence in enumerate(sentences, 1)
            for span in sentence.evidence
            if (span.source, span.field) == (source.n, field)
        ]

    year = f'<span class="year">{source.year}</span>' if source.year is not None else ""
    title = titled(source.title, source.url, marked(source.title, spans("title"), link=False))
    return (
        f'<article class="source" id="t{turn}-s{source.n}" tabindex="-1">'
        f'<h3 dir="auto"><span class="n">{source.n}</span><span>{title} {year}</span></h3>'
        f'<p dir="auto">{marked(source.text, spans("abstract"))}</p>'
        f'<a class="back" href="#t{turn}">Back to the answer</a></article>'
    )


def _further(rows: Sequence[Retrieved]) -> str:
    items = "".join(f'<li dir="auto">{escape(row.title)}</li>' for row in rows)
    return f'<p class="further">Further down the list</p><ul>{items}</ul>' if items else ""
