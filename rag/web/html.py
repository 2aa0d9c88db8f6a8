"""The frame of the chat page, as HTML: its head, its first view, its keys; all escaped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rag.web.markup import linked, safe
from rag.web.visitors import Visitor

if TYPE_CHECKING:
    from rag.embedding import Embedder
    from rag.writers import Writer

PLACEHOLDER = "Ask a question"
NO_QUESTION = "Type a question first"
SMALL_PRINT = (
    "<p>Not medical advice: read the paper before you rely on it. "
    '<button type="button" id="help-open" aria-haspopup="dialog">Keys</button></p>'
)
_KEYS = (
    ("/", "Write a question"),
    ("n or j", "Next evidence"),
    ("p or k", "Previous evidence"),
    ("Enter", "On a number: open its source"),
    ("Esc", "Close the preview or the source"),
    ("?", "This list"),
)


@dataclass(frozen=True, slots=True)
class About:
    """What a person should know before asking."""

    papers: int
    answered_by: str
    notice: str
    """A remark on the collection that readers must see; may be empty."""
    examples: tuple[str, ...]


def masthead_html(about: About, who: Visitor | None = None) -> str:
    """The page's name, what the collection holds, who answers and, if known, who is logged in."""
    count = about.papers
    papers = f"{count:,} {'paper' if count == 1 else 'papers'}"
    notice = f'<p class="notice" role="note">{linked(about.notice)}</p>' if about.notice else ""
    return (
        '<header><h1>Footnote<sup aria-hidden="true">1</sup></h1>'
        f'<p class="facts"><span><b>{papers}</b> in this collection</span>'
        f"<span>{linked(about.answered_by)}</span>{_leaving(who)}</p></header>{notice}"
    )


def _leaving(who: Visitor | None) -> str:
    """Whose login the page's own form made, and the way out: a proxy has a way of its own."""
    if who is None or not who.may_leave:
        return ""
    return f'<span><b dir="auto">{safe(who.name)}</b> <a href="logout">Log out</a></span>'


def welcome_html(about: About, *, may_add: bool = True) -> str:
    """What stands there before the first question: what this is, and questions to begin with.

    Args:
        about: the collection.
        may_add: whether readers may add papers.
    """
    what = (
        '<p class="lead">Ask these papers.</p><p class="what">Every sentence of the answer is '
        "checked against the paper that it cites before you see it. What fails is left out, and "
        "you can see what and why.</p>"
    )
    if not about.papers:
        how = " Drop files of papers on the page's <b>Library</b> tab to begin." if may_add else ""
        return what + f'<p class="invite">This collection is still empty.{how}</p>'
    asks = "".join(
        f'<li><button type="button" class="ask example" dir="auto">{safe(question)}</button></li>'
        for question in about.examples
    )
    return what + (
        f'<p class="invite">Questions to begin with:</p><ul>{asks}</ul>'
        if asks
        else '<p class="invite">Ask in plain words; follow-up questions are understood.</p>'
    )


def editing_html(turn: int) -> str:
    """What the box says while an earlier question is in it."""
    return (
        f'<p class="editing">You are editing question {turn}: its answer and what follows will '
        'be replaced. <button type="button" data-act="cancel" data-turn="0">Cancel</button></p>'
    )


def problem_html(text: str) -> str:
    """Why nothing was asked, in a line."""
    return f'<p class="problem" role="alert">{safe(text)}</p>' if text else ""


def steps_html() -> str:
    """The buttons that go from one piece of evidence to the next; ``page.js`` works them."""
    return (
        '<div class="steps" role="group" aria-label="Evidence" hidden>'
        '<span class="where">Evidence</span>'
        '<button type="button" data-step="-1" aria-label="Previous evidence" '
        'title="Previous evidence (p)"></button>'
        '<button type="button" data-step="1" aria-label="Next evidence" '
        'title="Next evidence (n)"></button>'
        '<button type="button" class="close" aria-label="Close the sources" '
        'title="Close (Esc)"></button></div>'
    )


def help_html() -> str:
    """The keys, the switch that turns them off, and what screen readers are told."""
    rows = "".join(
        f"<div><dt>{_keys(keys)}</dt><dd>{safe(does)}</dd></div>" for keys, does in _KEYS
    )
    return (
        '<dialog id="keys" aria-labelledby="keys-title"><h2 id="keys-title">Keys</h2>'
        f"<dl>{rows}</dl>"
        '<label><input type="checkbox" id="keys-on" checked> Single keys work on this page</label>'
        '<button type="button" class="done">Close</button></dialog>'
        '<p id="said" role="status"></p>'
    )


def _keys(keys: str) -> str:
    return " or ".join(f"<kbd>{safe(key)}</kbd>" for key in keys.split(" or "))


def answered_by(writer: Writer, embedder: Embedder) -> str:
    """Who answers, and what leaves the machine and to whom: one line."""
    sent = []
    if writer.remote:
        sent.append(f"questions and retrieved abstracts go to {writer.endpoint}")
    if embedder.remote:
        sent.append(f"questions go to {embedder.name} to be embedded")
    who = f"Answered by {writer.name}" if writer.remote else f"Answered by the {writer.name} writer"
    return f"{who}: {', '.join(sent) or 'nothing leaves this machine'}"
