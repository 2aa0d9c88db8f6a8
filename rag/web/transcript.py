"""A conversation as other chat programs hold it: an answer as one text, and back again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from rag.citations import cited_numbers, find_markers
from rag.types import Answer, Sentence, Source, Turn
from rag.web.markup import is_web_address, joined

_HEADING = "Sources:"
_TAIL = re.compile(rf"\n\n{_HEADING}\n(?:\[\d+\] .*(?:\n|$))+\s*$")


class Telling:
    """An answer as a text that only grows, for a protocol that can take nothing back.

    A repaired sentence is part of the answer in its place; here it comes last.
    """

    def __init__(self) -> None:
        self.text = ""
        self._told: list[Sentence] = []

    def more(self, sentence: Sentence) -> str:
        """What the sentence adds."""
        self._told.append(sentence)
        return self._grown(joined(self._told))

    def rest(self, answer: Answer) -> str:
        """What the whole answer adds: repaired sentences, notes, and the sources cited."""
        told = {sentence.text for sentence in self._told}
        self._told += [s for s in answer.sentences if s.text not in told]
        # Nothing was told before a refusal, or of an answer that came at once: then as it is.
        body = joined(self._told) if told else (answer.text if not answer.refusal else "")
        return self._grown(body + tail(answer, first=not body))

    def _grown(self, text: str) -> str:
        added = text[len(self.text) :]
        self.text = text
        return added


def whole(answer: Answer) -> str:
    """The answer as one text: sentences with ``[n]``, notes, and the sources cited."""
    return Telling().rest(answer)


def tail(answer: Answer, *, first: bool = False) -> str:
    """What stands under an answer's sentences; ``first``: it has none."""
    parts = [answer.refusal.text] if answer.refusal else []
    parts += [f"Note: {' '.join(note.text.split())}" for note in answer.notes]
    if answer.refusal:
        titles = {row.paper_id: row.title for row in answer.retrieved}
        rows = [f"- {' '.join(titles.get(id, id).split())}" for id in answer.refusal.nearest]
        parts += ["The nearest papers:\n" + "\n".join(rows)] if rows else []
    cited = _cited(answer)
    if cited:
        parts.append("\n".join([_HEADING, *map(_line, cited)]))
    text = "\n\n".join(parts)
    return text if first or not text else f"\n\n{text}"


def url_citations(text: str, answer: Answer) -> list[dict[str, Any]]:
    """Where ``text`` cites papers that have an address: OpenAI's ``url_citation``."""
    sources = {s.n: s for s in _cited(answer) if is_web_address(s.url)}
    end_of_prose = len(text) - len(tail(answer))
    found = []
    for marker in find_markers(text[:end_of_prose]):
        for n in cited_numbers(marker[0]):
            if n in sources:
                citation = {"start_index": marker.start(), "end_index": marker.end(),
                            "title": sources[n].title, "url": sources[n].url}  # fmt: skip
                found.append({"type": "url_citation", "url_citation": citation})
    return found


def said(role: str, content: str) -> Turn:
    """A message of the past as a turn; what ``tail`` put under an answer is taken off."""
    if role == "user":
        return Turn("user", content)
    return Turn("assistant", _TAIL.sub("", content))


def _cited(answer: Answer) -> Sequence[Source]:
    numbers = {n for sentence in answer.sentences for n in sentence.citations}
    return [source for source in answer.sources if source.n in numbers]


def _line(source: Source) -> str:
    year = f" ({source.year})" if source.year is not None else ""
    url = f" {source.url}" if is_web_address(source.url) else ""
    return f"[{source.n}] {' '.join(source.title.split())}{year}{url}"
