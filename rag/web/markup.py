"""Text to safe HTML: prose with citation chips, marked passages, links; all escaped."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape
from itertools import pairwise
from urllib.parse import urlsplit

from rag.citations import cited_numbers, find_markers
from rag.text import clean
from rag.types import Sentence

_URL = re.compile(r"https?://[^\s<>\"'`]+", re.IGNORECASE)
_LINE = re.compile(r"^[ \t]*(?P<lead>[-*+•–]\s+|\d{1,2}[.)]\s+|#{1,6}\s+|>\s+)?(?P<body>\S.*)$")
_EMPHASIS = re.compile(r"\*\*([^*\n]+)\*\*|__([^_\n]+)__|`([^`\n]+)`")


def safe(text: str) -> str:
    """``text`` as HTML shows it: nothing in it is markup, invisible or turns the direction."""
    return escape(clean(text))


# --- prose with chips -------------------------------------------------------------------


def joined(sentences: Sequence[Sentence]) -> str:
    """The sentences that have streamed in so far, list items on lines of their own."""
    text = ""
    for sentence in sentences:
        line = _LINE.match(sentence.text)
        text += ("\n" if line and line["lead"] else " ") + sentence.text
    return text.strip()


def prose(text: str, sentences: Sequence[Sentence], turn: int, first: int = 1) -> str:
    """Markdown to HTML: paragraphs, lists, headings, bold, code and citation chips only.

    ``first`` is the number of the first of ``sentences`` in its answer.

    Anything else in it (HTML, images, links) is shown as the characters it is made of.
    """
    spans = _located(text, sentences, first)
    html, kind, start = "", "", 0
    for line in text.splitlines(keepends=True):
        match = _LINE.match(line.rstrip("\r\n"))
        lead = (match["lead"] or "").strip() if match else ""
        now = _block(lead) if match else ""
        if now != kind or now in ("h3", "blockquote"):
            html += _close(kind) + _open(now)
        elif now == "p":
            html += "<br>" if line.startswith("  ") else " "
        if match:
            body = _spanned(
                text, start + match.start("body"), start + match.end("body"), spans, turn
            )
            html += f"<li>{body}</li>" if now in ("ul", "ol") else body
        kind, start = now, start + len(line)
    return html + _close(kind)


def _block(lead: str) -> str:
    if not lead:
        return "p"
    if lead[0] == "#":
        return "h3"
    if lead[0] == ">":
        return "blockquote"
    return "ol" if lead[0].isdigit() else "ul"


def _open(kind: str) -> str:
    return f"<{kind}>" if kind else ""


def _close(kind: str) -> str:
    return f"</{kind}>" if kind else ""


def _located(
    text: str, sentences: Sequence[Sentence], first: int
) -> list[tuple[int, int, int, Sentence]]:
    """(start, end, number, sentence) for each sentence found in ``text``, in order."""
    spans, cursor = [], 0
    for number, sentence in enumerate(sentences, first):
        start = text.find(sentence.text, cursor)
        if start >= 0 and sentence.text:
            cursor = start + len(sentence.text)
            spans.append((start, cursor, number, sentence))
    return spans


def _spanned(
    text: str, start: int, end: int, spans: list[tuple[int, int, int, Sentence]], turn: int
) -> str:
    html, cursor = "", start
    for first, last, number, sentence in spans:
        low, high = max(first, cursor), min(last, end)
        if low >= high:
            continue
        html += _emphasised(text[cursor:low])
        chipped = _chipped(text[low:high], sentence, turn)
        html += f'<span class="sentence" id="t{turn}-q{number}" data-q="{number}">{chipped}</span>'
        cursor = high
    return html + _emphasised(text[cursor:end])


def _chipped(raw: str, sentence: Sentence, turn: int) -> str:
    html, cursor = "", 0
    for marker in find_markers(raw):
        numbers = cited_numbers(marker[0])
        if not set(numbers) <= set(sentence.citations):
            continue
        html += _emphasised(raw[cursor : marker.start()].rstrip())
        html += "".join(chip(n, turn) for n in numbers)
        cursor = marker.end()
    return html + _emphasised(raw[cursor:])


def chip(n: int, turn: int) -> str:
    """The number of a source, which ``page.js`` previews and opens."""
    return f'<a class="cite" href="#t{turn}-s{n}" aria-label="Source {n}">{n}</a>'


def _emphasised(raw: str) -> str:
    html, cursor = "", 0
    for match in _EMPHASIS.finditer(raw):
        html += safe(raw[cursor : match.start()])
        bold, code = match[1] or match[2], match[3]
        html += f"<strong>{safe(bold)}</strong>" if bold else f"<code>{safe(code)}</code>"
        cursor = match.end()
    return html + safe(raw[cursor:])


# --- marked passages and links ---------------------------------------------------------


def titled(title: str, url: str, inner: str = "") -> str:
    """A title, or the HTML ``inner`` made of it, linked where ``url`` is a web address."""
    inner = inner or safe(title)
    return _anchor(url, inner) if is_web_address(url) else inner


def marked(text: str, spans: Sequence[tuple[int, int, int]], *, link: bool = True) -> str:
    """``text`` with each (start, end, sentence number) marked; spans may overlap.

    A mark that begins or ends inside a web address takes in the whole address. With ``link``,
    what stands between marks is of the class "rest", so that it can be folded.
    """
    links = [_trimmed(match) for match in _URL.finditer(text)] if link else []
    widened = [(*_widen(max(a, 0), min(b, len(text)), links), q) for a, b, q in spans if a < b]
    edges = sorted({0, len(text), *(edge for a, b, _ in widened for edge in (a, b))})
    html = ""
    for low, high in pairwise(edges):
        piece = linked(text[low:high]) if link else safe(text[low:high])
        numbers = sorted({q for a, b, q in widened if a <= low and high <= b})
        which = " ".join(map(str, numbers))
        if numbers:
            piece = f'<mark data-q="{which}">{piece}</mark>'
        elif link and piece.strip():
            piece = f'<span class="rest">{piece}</span>'
        html += piece
    return html


def _widen(start: int, end: int, links: Sequence[tuple[int, int]]) -> tuple[int, int]:
    for first, last in links:
        if first < start < last:
            start = first
        if first < end < last:
            end = last
    return start, end


def is_web_address(url: str) -> bool:
    """Whether ``url`` may become a link: http or https, a host, nothing odd in it."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    plain = url.isprintable() and not re.search(r"[\s<>\"'\\]", url)
    return plain and parts.scheme.lower() in ("http", "https") and bool(parts.netloc)


def linked(text: str) -> str:
    """``text`` with its web addresses as links."""
    return "".join(
        _anchor(piece, safe(piece)) if is_link and is_web_address(piece) else safe(piece)
        for piece, is_link in _split_links(text)
    )


def _split_links(text: str) -> Iterator[tuple[str, bool]]:
    cursor = 0
    for match in _URL.finditer(text):
        start, end = _trimmed(match)
        yield text[cursor:start], False
        yield text[start:end], True
        cursor = end
    yield text[cursor:], False


def _trimmed(match: re.Match[str]) -> tuple[int, int]:
    """The span of an address without the punctuation of the sentence around it."""
    url = match[0].rstrip(".,;:!?*_")
    while url.endswith((")", "]", "}")) and url.count(url[-1]) > url.count(
        {")": "(", "]": "[", "}": "{"}[url[-1]]
    ):
        url = url[:-1].rstrip(".,;:!?*_")
    return match.start(), match.start() + len(url)


def _anchor(url: str, inner: str) -> str:
    return f'<a href="{escape(url)}" target="_blank" rel="noopener noreferrer">{inner}</a>'
