"""What the tab that checks a person's own text shows, as HTML; every value escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from rag.citations import strip_markers
from rag.types import CheckedDraft, CheckedSentence, Field, Source
from rag.web.jobs_html import counted
from rag.web.markup import marked, titled

NO_TEXT = "Paste a paragraph first, or open a text file."
NO_PAPERS = "This collection holds no papers yet. Add some under Library."
STOPPED = "Stopped before every sentence was checked."
INVITATION = (
    '<p class="empty">Each sentence is looked up in the collection on its own: the papers that '
    "support it are named beside it, with the words that do; where none does, it is flagged. "
    "Citations in your text are left out of account.</p>"
)
_MARKS = {"supported": ("✓", "supported"), "not_a_claim": ("·", "not a claim")}


def checked_html(draft: CheckedDraft, markdown: str) -> str:
    """Every sentence with its papers or the reason why it is flagged, then the papers.

    Args:
        draft: the checked text.
        markdown: the same for other programs; put into the page to be copied.
    """
    claims = [s for s in draft.sentences if s.verdict != "not_a_claim"]
    held = sum(s.kept for s in claims)
    of = "Nothing in it states a fact that could be checked."
    if claims:
        of = f"<b>{held} of {counted(len(claims), 'sentence')}</b> supported"
    sources = {source.n: source for source in draft.sources}
    rows = "".join(_sentence(s, q, sources) for q, s in enumerate(draft.sentences, 1))
    cards = "".join(_card(source, draft.sentences) for source in draft.sources)
    papers = f'<section class="papers-found"><h3>Papers</h3>{cards}</section>' if cards else ""
    return (
        '<div class="check-columns"><section class="checked">'
        f'<p class="verdicts" role="status">{of}</p><ol class="sentences">{rows}</ol></section>'
        f"{papers}</div>"
        f'<pre id="check-markdown" hidden>{escape(markdown)}</pre>'
    )


def _sentence(sentence: CheckedSentence, q: int, sources: dict[int, Source]) -> str:
    mark, label = _MARKS.get(sentence.verdict, ("✗", sentence.verdict.replace("_", " ")))
    chips = "".join(
        f'<a class="ref" href="#check-s{n}" aria-label="Paper {n}">{n}</a>'
        for n in sentence.citations
    )
    quotes = "".join(
        f'<li dir="auto"><q>{escape(e.quote)}</q> '
        f"<cite>{escape(_short(sources[e.source].title))}</cite></li>"
        for e in sentence.evidence
        if e.source in sources
    )
    flagged = not sentence.kept
    reason = f'<p class="reason" dir="auto">{escape(sentence.reason)}</p>' if flagged else ""
    under = f'<ul class="quotes">{quotes}</ul>' if quotes else reason
    kind = "flagged" if flagged else escape(sentence.verdict)
    return (
        f'<li class="{kind}" id="check-q{q}"><span class="mark" title="{escape(label)}" role="img" '
        f'aria-label="{escape(label)}">{mark}</span><div><p class="text" dir="auto">'
        f"{escape(strip_markers(sentence.text))}{chips}</p>{under}</div></li>"
    )


def _card(source: Source, sentences: Sequence[CheckedSentence]) -> str:
    def spans(field: Field) -> list[tuple[int, int, int]]:
        return [
            (span.start, span.end, q)
            for q, sentence in enumerate(sentences, 1)
            for span in sentence.evidence
            if (span.source, span.field) == (source.n, field)
        ]

    year = f' <span class="year">{source.year}</span>' if source.year is not None else ""
    title = titled(source.title, source.url, marked(source.title, spans("title"), link=False))
    resting = [q for q, s in enumerate(sentences, 1) if source.n in s.citations]
    backs = ", ".join(f'<a href="#check-q{q}">sentence {q}</a>' for q in resting)
    return (
        f'<article class="source" id="check-s{source.n}" tabindex="-1"><h3 dir="auto">'
        f'<span class="n">{source.n}</span><span>{title}{year}</span></h3>'
        f'<p dir="auto">{marked(source.text, spans("abstract"))}</p>'
        f'<p class="resting">Supports {backs}</p></article>'
    )


def _short(title: str, most: int = 70) -> str:
    return title if len(title) <= most else title[:most].rstrip() + " …"
