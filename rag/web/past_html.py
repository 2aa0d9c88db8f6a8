"""The list of past chats as HTML; its buttons say in ``data-`` attributes what they ask for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rag.web.chats import Listed
from rag.web.markup import safe

_SHOWN = 100
_LONGEST = 120


def past_html(chats: Sequence[Listed], current: str, now: datetime) -> str:
    """The chats, the one that is open marked; a line that says so where there are none.

    ``now`` is the time of the reader, with its zone.
    """
    if not chats:
        return '<p class="none">None yet: each chat with an answer is kept here.</p>'
    rows = "".join(_row(chat, chat.id == current, now) for chat in chats[:_SHOWN])
    more = len(chats) - _SHOWN
    rest = f'<p class="none">and {more} older</p>' if more > 0 else ""
    every = '<button type="button" class="every" data-past="delete_all">Delete all…</button>'
    return f'<ul>{rows}</ul>{rest}<p class="foot">{every}</p>'


def _row(chat: Listed, current: bool, now: datetime) -> str:
    title = " ".join(chat.title.split())
    if len(title) > _LONGEST:
        title = title[:_LONGEST].rstrip() + "…"
    told = f"{_when(chat.changed, now)}, {chat.questions} question{'s' * (chat.questions != 1)}"
    name, shown = safe(chat.id), safe(title)
    mark = ' aria-current="true"' if current else ""
    return (
        f'<li data-chat="{name}"{mark}>'
        f'<button type="button" class="open" data-past="open" dir="auto">{shown}</button>'
        f'<span class="when">{told}</span>'
        f'<button type="button" data-past="rename" aria-label="Rename “{shown}”">Rename</button>'
        f'<button type="button" data-past="delete" aria-label="Delete “{shown}”">Delete…</button>'
        "</li>"
    )


def _when(changed: float, now: datetime) -> str:
    then = datetime.fromtimestamp(changed, now.tzinfo)
    days = (now.date() - then.date()).days
    if days <= 0:
        return f"today {then:%H:%M}"
    if days == 1:
        return "yesterday"
    return f"{then.day} {then:%B}" + (f" {then.year}" if then.year != now.year else "")
