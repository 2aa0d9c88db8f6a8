"""A question with its answer, as HTML: pure functions, every value escaped on the way in."""

from __future__ import annotations

from collections.abc import Sequence

from rag import comparison
from rag.disagreement import Side, sides
from rag.types import Answer, Note, Paper, Removed, Retrieved
from rag.web.cards import address, byline
from rag.web.examples import follow_ups
from rag.web.exchange import Exchange
from rag.web.exports import markdown, plain_text
from rag.web.markup import chip, joined, linked, prose, safe, titled
from rag.words import missing_words

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
_STAGES = {
    "searching": "Searching the papers",
    "writing": "Writing, and checking the first sentence",
    "checking": "Checking",
    "repairing": "Mending what was not supported",
}
_EDIT = "Put the question back into the box"
_LONGEST_ECHO = 600
_MOST_NEAREST = 5
_MOST_MISSING = 5


def conversation_html(exchanges: Sequence[Exchange]) -> str:
    """The exchanges one under the other, in order."""
    return "".join(exchange_html(exchange, turn) for turn, exchange in enumerate(exchanges, 1))


def exchange_html(exchange: Exchange, turn: int) -> str:
    """A question with its answer, or as much of it as has been checked so far."""
    shown = exchange.question.strip()
    if len(shown) > _LONGEST_ECHO:
        shown = shown[:_LONGEST_ECHO].rstrip() + " …"
    parts = [f'<h2 class="question" id="t{turn}-q" dir="auto">{safe(shown)}</h2>']
    if exchange.answer:
        parts.append(answer_html(exchange, exchange.answer, turn))
    elif exchange.sentences:
        text = joined(exchange.sentences)
        pending = _PENDING if exchange.status else ""
        parts.append(f'<div class="prose">{prose(text, exchange.sentences, turn)}{pending}</div>')
    if exchange.status and (not exchange.sentences or exchange.status == "repairing"):
        parts.append(_status(exchange.status))
    if exchange.status and exchange.withheld:
        parts.append(f'<p class="account">{exchange.withheld} removed so far</p>')
    if exchange.problem:
        parts.append(f'<p class="problem">{safe(exchange.problem)}</p>')
    if not exchange.status:
        parts.append(_actions(exchange, turn))
    state = "exchange working" if exchange.status else "exchange"
    return (
        f'<section class="{state}" id="t{turn}" aria-labelledby="t{turn}-q">'
        f"{''.join(parts)}</section>"
    )


def answer_html(exchange: Exchange, answer: Answer, turn: int) -> str:
    """A finished answer: text with chips, notes, and what was removed folded under it."""
    if answer.refusal:
        body = _refusal(exchange, answer)
    else:
        body = _comparison(answer, turn) or (
            f'<div class="prose">{prose(answer.text, answer.sentences, turn)}</div>'
        )
    notes = "".join(_note(note, turn, len(answer.sources)) for note in answer.notes)
    return body + notes + _account(answer)


def _comparison(answer: Answer, turn: int) -> str:
    """A row for each paper of a comparison; empty where it is none."""
    told = "".join(
        f'<tr><th scope="row" dir="auto">{safe(row.source.title)}</th>'
        f'<td class="prose">{prose(row.text, row.sentences, turn, row.first)}</td></tr>'
        for row in comparison.rows(answer)
    )
    return f'<table class="by-paper"><tbody>{told}</tbody></table>' if told else ""


_PENDING = '<p class="pending"><i aria-hidden="true"></i>checking…</p>'


def _status(stage: str) -> str:
    shown = _STAGES.get(stage, stage[:1].upper() + stage[1:])
    return f'<p class="status"><i aria-hidden="true"></i>{safe(shown)}…</p>'


# --- notes and refusals -----------------------------------------------------------------


def _note(note: Note, turn: int, sources: int) -> str:
    label = _NOTE_LABELS[note.kind]
    pair = sides(note.text) if note.kind == "disagreement" else None
    if pair and all(1 <= side.source <= sources for side in pair):
        columns = "".join(_side(side, turn) for side in pair)
        body = f'<div class="sides">{columns}</div>'
    else:
        body = f'<span dir="auto">{linked(note.text)}</span>'
    return f'<aside class="note {safe(note.kind)}"><b>{label}</b>{body}</aside>'


def _side(side: Side, turn: int) -> str:
    return (
        f'<div><p dir="auto">{safe(side.said)}{chip(side.source, turn)}</p>'
        f'<p class="whose" dir="auto">{safe(side.title)}</p></div>'
    )


def _refusal(exchange: Exchange, answer: Answer) -> str:
    refusal = answer.refusal
    assert refusal is not None
    rows = {row.paper_id: row for row in answer.retrieved}
    urls = {source.paper_id: source.url for source in answer.sources}
    nearest = [
        _nearest(exchange.papers.get(key), rows.get(key), key, urls.get(key, ""))
        for key in refusal.nearest[:_MOST_NEAREST]
    ]
    listed = f"<p>The nearest papers:</p><ul>{''.join(nearest)}</ul>" if nearest else ""
    return (
        f'<div class="refusal"><b>{_REFUSAL_LABELS[refusal.cause]}</b>'
        f'<p dir="auto">{safe(refusal.text)}</p>{_missing(exchange, answer)}{listed}</div>'
    )


def _nearest(paper: Paper | None, row: Retrieved | None, key: str, url: str) -> str:
    title = row.title if row else paper.title if paper else key
    told = byline(paper) if paper else ""
    meta = f'<span class="meta" dir="auto">{safe(told)}</span>' if told else ""
    return f'<li dir="auto">{titled(title, address(paper) if paper else url)} {meta}</li>'


def _missing(exchange: Exchange, answer: Answer) -> str:
    """The words of the question that no paper found has: what a reader may ask otherwise."""
    found = [f"{paper.title} {paper.abstract}" for paper in exchange.papers.values()]
    words = missing_words(answer.query or answer.question, found) if found else []
    if not words:
        return ""
    listed = ", ".join(f"<q>{safe(word)}</q>" for word in words[:_MOST_MISSING])
    return f'<p class="missing" dir="auto">None of the papers found mentions {listed}.</p>'


# --- under the answer -------------------------------------------------------------------


def _account(answer: Answer) -> str:
    """How many sentences were checked, what was removed and why, and who wrote."""
    kept = sum(sentence.verdict != "not_a_claim" for sentence in answer.sentences)
    gone = len(answer.removed)
    total = kept + gone
    aside = _facts(answer)
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


def _facts(answer: Answer) -> str:
    facts = [safe(answer.model)] if answer.model else []
    if "total" in answer.timings:
        facts.append(f"{max(answer.timings['total'], 0.1):.1f} s")
    if answer.where:
        facts.append(f'<span dir="auto">limited to {safe(str(answer.where))}</span>')
    if answer.query and answer.query.strip() != answer.question.strip():
        facts.append(f'searched for <q dir="auto">{safe(answer.query)}</q>')
    return f'<span class="facts">{" · ".join(facts)}</span>' if facts else ""


def _removed(row: Removed) -> str:
    label = _VERDICT_LABELS.get(row.verdict, row.verdict.replace("_", " "))
    return (
        f'<li><span class="text" dir="auto">{safe(row.text)}</span>'
        f'<span class="reason"><b>{safe(label)}</b> {safe(row.reason)}</span></li>'
    )


def _actions(exchange: Exchange, turn: int) -> str:
    """What a reader can do with the answer; ``page.js`` does it, or tells the server."""
    answer, parts = exchange.answer, ""
    if answer:
        parts += _copies(turn)
    parts += _button("retry", turn, "Retry", "Ask again") + _button("edit", turn, "Edit", _EDIT)
    if answer:
        parts += _thumbs(exchange, turn)
    if exchange.sources:
        label = f"Sources {len(exchange.sources)}"
        parts += f'<button type="button" class="to-sources" data-turn="{turn}">{label}</button>'
    html = f'<div class="actions" role="group" aria-label="This answer">{parts}</div>'
    if not answer:
        return html
    further = follow_ups(answer, exchange.papers)
    if further:
        asks = "".join(f'<button type="button" class="ask">{safe(q)}</button>' for q in further)
        html += f'<div class="further"><p>You could go on with</p>{asks}</div>'
    return html + (
        f'<pre hidden id="t{turn}-text">{safe(plain_text(answer, exchange.papers))}</pre>'
        f'<pre hidden id="t{turn}-markdown">{safe(markdown(answer, exchange.papers))}</pre>'
    )


def _copies(turn: int) -> str:
    return (
        f'<button type="button" class="copy" data-copy="t{turn}-text">Copy</button>'
        f'<button type="button" class="copy" data-copy="t{turn}-markdown">Copy Markdown</button>'
    )


def _button(act: str, turn: int, label: str, hint: str) -> str:
    told = f'data-act="{act}" data-turn="{turn}" title="{hint}"'
    return f'<button type="button" class="{act}" {told}>{label}</button>'


def _thumbs(exchange: Exchange, turn: int) -> str:
    def thumb(way: str, label: str) -> str:
        pressed = "true" if exchange.feedback == way else "false"
        return (
            f'<button type="button" class="thumb {way}" data-act="{way}" data-turn="{turn}" '
            f'aria-pressed="{pressed}" aria-label="{label}" title="{label}"></button>'
        )

    return thumb("up", "Good answer") + thumb("down", "Bad answer")
