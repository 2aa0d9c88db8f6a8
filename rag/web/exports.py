"""An answer or a conversation for other programs: plain text, Markdown, JSON and BibTeX."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import chain

from rag.comparison import to_table
from rag.references import to_bibtex, to_plain
from rag.render import one_line, printable, to_dict, to_json
from rag.types import Answer, Paper, Source
from rag.web.exchange import Exchange

# What a Markdown viewer would fetch or run: an image, a tag. Links are left: nobody follows
# them unasked.
_LIVE = re.compile(r"!(?=\[)|<(?=[A-Za-z/!?])")


def plain_text(answer: Answer, papers: Mapping[str, Paper]) -> str:
    """The answer with ``[n]``, then a reference for each number."""
    return _joined([_said(answer), *_remarks(answer), _references(answer, papers)])


def markdown(answer: Answer, papers: Mapping[str, Paper]) -> str:
    """The same as Markdown, in which nothing is fetched when it is shown."""
    remarks = [f"> {one_line(remark)}" for remark in _remarks(answer)]
    listed = _references(answer, papers, mark="{}. ")
    said = _said(answer) if answer.refusal else printable(to_table(answer))
    return _inert(_joined([said, *remarks, listed and f"**Sources**\n\n{listed}"]))


def conversation_markdown(exchanges: Sequence[Exchange]) -> str:
    """Every question as a heading, with its answer and what was removed from it."""
    return _joined(chain.from_iterable(map(_told, exchanges)))


def conversation_json(exchanges: Sequence[Exchange]) -> str:
    """``{"exchanges": [...]}``; ``answer`` is the document of ``rag ask --json`` or null."""
    rows = [
        {
            "question": exchange.question,
            "answer": to_dict(exchange.answer),
            "problem": exchange.problem,
            "feedback": exchange.feedback,
        }
        for exchange in exchanges
    ]
    return to_json({"exchanges": rows}) + "\n"


def bibtex(exchanges: Sequence[Exchange]) -> str:
    """The cited papers, each once, in the order in which they were first cited."""
    papers: dict[str, Paper] = {}
    for exchange in exchanges:
        for source in cited(exchange.answer) if exchange.answer else ():
            papers.setdefault(source.paper_id, _paper(source, exchange.papers))
    return "".join(map(to_bibtex, papers.values()))


def cited(answer: Answer) -> list[Source]:
    """The sources on which a sentence of the answer rests."""
    numbers = {n for sentence in answer.sentences for n in sentence.citations}
    return [source for source in answer.sources if source.n in numbers]


def _told(exchange: Exchange) -> list[str]:
    parts = [f"## {_inert(one_line(exchange.question))}"]
    if exchange.answer:
        parts.append(markdown(exchange.answer, exchange.papers))
        gone = [
            f"- {one_line(row.text)} ({one_line(row.reason)})" for row in exchange.answer.removed
        ]
        if gone:
            parts.append(_inert("**Removed, as no source supports it**\n\n" + "\n".join(gone)))
    if exchange.problem:
        parts.append(f"*{_inert(one_line(exchange.problem))}*")
    return parts


def _said(answer: Answer) -> str:
    return printable(answer.refusal.text if answer.refusal else answer.text)


def _remarks(answer: Answer) -> list[str]:
    return [printable(note.text) for note in answer.notes]


def _references(answer: Answer, papers: Mapping[str, Paper], mark: str = "[{}] ") -> str:
    return "\n".join(
        mark.format(source.n) + one_line(to_plain(_paper(source, papers)))
        for source in cited(answer)
    )


def _paper(source: Source, papers: Mapping[str, Paper]) -> Paper:
    """The paper as it is held, or what the source tells of one that no longer is."""
    known = Paper(source.paper_id, source.title, source.text, year=source.year, url=source.url)
    return papers.get(source.paper_id, known)


def _inert(text: str) -> str:
    return _LIVE.sub(lambda match: "\\" + match[0], text)


def _joined(parts: Sequence[str] | chain[str]) -> str:
    return "\n\n".join(part.strip() for part in parts if part.strip()) + "\n"
