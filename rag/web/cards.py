"""The papers behind an answer, as HTML: pure functions, every value escaped on the way in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from urllib.parse import quote, urlsplit

from rag.types import Answer, Field, Paper, Retrieved, Sentence, Source
from rag.web.exchange import Exchange
from rag.web.markup import is_web_address, marked, safe, titled

EMPTY_PANEL = "The papers behind an answer appear here, with the cited passages marked."
_MOST_AUTHORS = 3
_LONG = 420  # characters of an abstract that is folded until it is opened


def panel_html(exchanges: Sequence[Exchange]) -> str:
    """The sources of every exchange; those of the latest that has any are shown."""
    turns = [
        turn
        for turn, exchange in enumerate(exchanges, 1)
        if exchange.sources or (exchange.answer and exchange.answer.retrieved)
    ]
    if not turns:
        return f'<p class="empty">{EMPTY_PANEL}</p>'
    html = ""
    for turn in turns:
        hidden = "" if turn == turns[-1] else " hidden"
        panel = _panel(exchanges[turn - 1], turn)
        html += f'<section class="turn-sources" id="sources-t{turn}"{hidden}>{panel}</section>'
    return html


def sources_html(exchange: Exchange, answer: Answer, turn: int) -> str:
    """The sources of a finished answer: cited ones first, the others folded under them."""
    used = {n for sentence in answer.sentences for n in sentence.citations}
    cited = [source for source in answer.sources if source.n in used]
    others = [source for source in answer.sources if source.n not in used]
    given = {source.paper_id for source in answer.sources}
    further = [
        (rank, row) for rank, row in enumerate(answer.retrieved, 1) if row.paper_id not in given
    ]
    cards = "".join(_card(exchange, source, turn) for source in cited)
    count = len(others) + len(further)
    if not count:
        return cards
    folded = "".join(_card(exchange, source, turn) for source in others)
    if others and further:
        folded += '<p class="further-down">Further down the list</p>'
    folded += _further(further, exchange)
    title = f"{count} {'paper' if count == 1 else 'papers'} retrieved but not cited"
    state = "" if cited else " open"
    return cards + f'<details class="uncited"{state}><summary>{title}</summary>{folded}</details>'


def _panel(exchange: Exchange, turn: int) -> str:
    answer = exchange.answer
    cited = len({n for sentence in exchange.sentences for n in sentence.citations})
    about = f"{cited or 'none'} cited" if answer else f"{len(exchange.sources)} retrieved"
    if answer:
        body = sources_html(exchange, answer, turn)
    else:
        body = "".join(_card(exchange, source, turn) for source in exchange.sources)
    return f'<h2>Sources <span class="count">{about}</span></h2>{body}'


# --- one paper --------------------------------------------------------------------------


def byline(paper: Paper) -> str:
    """Who, where and when: "Brine, Holdfast · Journal of Kelp · 2021"."""
    names = list(paper.authors[:_MOST_AUTHORS])
    if len(paper.authors) > _MOST_AUTHORS:
        names.append("et al.")
    facts = [", ".join(names), paper.venue, str(paper.year or "")]
    return " · ".join(fact for fact in facts if fact)


def address(paper: Paper) -> str:
    """Where to read it: its own address, or the one that its DOI, arXiv id or PMID makes."""
    arxiv = paper.arxiv_id.lower().removeprefix("arxiv:").strip()
    made = [
        ("https://doi.org/", paper.doi if paper.doi.startswith("10.") else ""),
        ("https://arxiv.org/abs/", arxiv),
        ("https://pubmed.ncbi.nlm.nih.gov/", paper.pmid),
    ]
    return paper.url or next((base + quote(key, safe="/") for base, key in made if key), "")


def _card(exchange: Exchange, source: Source, turn: int) -> str:
    def spans(field: Field) -> list[tuple[int, int, int]]:
        return [
            (span.start, span.end, number)
            for number, sentence in enumerate(exchange.sentences, 1)
            for span in sentence.evidence
            if (span.source, span.field) == (source.n, field)
        ]

    held = exchange.papers.get(source.paper_id)
    paper = held or Paper(source.paper_id, source.title, "", year=source.year, url=source.url)
    url, key = source.url or address(paper), f"t{turn}-s{source.n}"
    title = titled(source.title, url, marked(source.title, spans("title"), link=False))
    long = " long" if len(source.text) > _LONG else ""
    kind = f"source{long} cited" if long and spans("abstract") else f"source{long}"
    more = '<button type="button" class="more" aria-expanded="false">Whole abstract</button>'
    abstract = marked(source.text, spans("abstract"))
    return (
        f'<article class="{kind}" id="{key}" tabindex="-1" aria-labelledby="{key}-h">'
        f'<h3 dir="auto" id="{key}-h"><span class="n">{source.n}</span><span>{title}</span></h3>'
        f'{_meta(paper, url)}<p class="abstract" dir="auto">{abstract}'
        f"</p>{_why(exchange, source)}"
        f'<p class="foot">{more if long else ""}'
        f'<a class="back" href="#t{turn}">Back to the answer</a></p></article>'
    )


def _meta(paper: Paper, url: str) -> str:
    told = f'<span dir="auto">{safe(byline(paper))}</span>' if byline(paper) else ""
    host = (urlsplit(url).hostname or "").removeprefix("www.") if is_web_address(url) else ""
    where = f'<span class="host">{safe(host)}</span>' if host else ""
    return f'<p class="meta">{told}{where}</p>' if told or where else ""


def _why(exchange: Exchange, source: Source) -> str:
    """How many sentences rest on it and why it was found; the figures behind that, folded."""
    answer = exchange.answer
    if not answer:
        return ""
    resting = f"<b>{_resting(count_resting(answer.sentences, source.n))}</b>"
    ids = [row.paper_id for row in answer.retrieved]
    rank = ids.index(source.paper_id) + 1 if source.paper_id in ids else 0
    match = _ranked(rank, answer.retrieved[rank - 1], len(ids)) if rank else ""
    why = exchange.reasons.get(source.paper_id)
    if why is None:
        return f'<p class="why">{" · ".join(filter(None, [resting, match]))}</p>'
    figures = " ".join(why.figures)
    first = f"{match[:1].upper()}{match[1:]}. " if match else ""
    return (
        f'<details class="why"><summary>{resting} · <span dir="auto">{safe(why.line)}</span>'
        f'</summary><p dir="auto">{safe(first + figures)}</p></details>'
    )


def count_resting(sentences: Iterable[Sentence], n: int) -> int:
    """How many of the sentences cite source ``n``."""
    return sum(n in sentence.citations for sentence in sentences)


def _resting(count: int) -> str:
    if not count:
        return "Not cited"
    return "1 sentence rests on it" if count == 1 else f"{count} sentences rest on it"


def _ranked(rank: int, row: Retrieved, of: int) -> str:
    return f"match {rank} of {of}, score {row.score:.2f}"


def _further(rows: Sequence[tuple[int, Retrieved]], exchange: Exchange) -> str:
    if not rows:
        return ""
    items = ""
    for rank, row in rows:
        paper = exchange.papers.get(row.paper_id)
        told = [byline(paper)] if paper and byline(paper) else []
        told.append(f"match {rank}, score {row.score:.2f}")
        title = titled(row.title, address(paper) if paper else "")
        items += f'<li dir="auto">{title} <span class="meta">{safe(" · ".join(told))}</span></li>'
    return f"<ul>{items}</ul>"
