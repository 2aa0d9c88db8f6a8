"""What an abstract says that a question can be asked about, found without a model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from rag.injection import without_instructions
from rag.names import names
from rag.quantities import quantities
from rag.sentences import sentence_spans
from rag.types import Paper
from rag.words import content_words, words_of

_SHORTEST, _LONGEST = 8, 45
"""Words of a sentence that can carry a question."""
_DANGLING = re.compile(r"(?:It|Its|This|These|They|Their|That|Those|Such|Both|However|Thus)\b")
_TOKEN = re.compile(r"[^\s,;:()\[\]]+")
_NAME_LETTERS = 4
"""Shorter acronyms (CT, MRI) are the field's own words."""
_MOST_TOPICS = 3
_TOPIC_WORDS = 3


@dataclass(frozen=True, slots=True)
class Salient:
    """A sentence of an abstract and the figure or name in it that only a reader would know."""

    text: str
    answer: str
    """A substring of ``text``."""
    score: float


def salient(paper: Paper) -> list[Salient]:
    """The sentences that state a figure with its unit or a name, the best first.

    A sentence on "it" or "this" cannot be asked about alone, and a name that the title has
    is no answer. Summaries open with background, so the first sentence counts less.
    """
    body = without_instructions(paper.abstract)
    found = []
    for order, (start, end) in enumerate(sentence_spans(body)):
        text = " ".join(body[start:end].split())
        if not _SHORTEST <= len(text.split()) <= _LONGEST or _DANGLING.match(text):
            continue
        if answer := _answer(text, paper.title):
            found.append(Salient(text, answer, _worth(text, answer) - (order == 0)))
    return sorted(found, key=lambda row: -row.score)


def wordings(text: str) -> tuple[str, ...]:
    """What of ``text`` an answer that states it would have to hold: figures, then names.

    The whole text where it has neither.
    """
    figures = [q.raw for q in quantities(text) if q.raw in text]
    found = dict.fromkeys([*figures, *(name for name in names(text) if name in text)])
    return tuple(found) or (text.rstrip(".!? "),)


def topics(text: str, without: str, spread: Mapping[str, int]) -> list[str]:
    """Up to three short runs of content words, the rarest, in the order of ``text``.

    Args:
        text: a sentence.
        without: the answer, which may not be given away.
        spread: in how many abstracts each stem occurs.
    """
    runs = _runs(text.replace(without, " , ") if without else text)
    hidden = content_words(without)
    fit = [run for run in runs if not hidden & content_words(run)]

    def rarity(run: str) -> float:
        stems = content_words(run)
        return sum(1 / (1 + spread.get(stem, 0)) for stem in stems) / len(stems)

    best = sorted(fit, key=rarity, reverse=True)[:_MOST_TOPICS]
    return [run for run in fit if run in best]


def nearest_sentence(text: str, paper: Paper) -> str:
    """The sentence of the abstract that shares most content words with ``text``; may be empty."""
    body = without_instructions(paper.abstract)
    sentences = [" ".join(body[a:b].split()) for a, b in sentence_spans(body)]
    wanted = content_words(text)
    return max(sentences, key=lambda one: len(wanted & content_words(one)), default="")


def _answer(text: str, title: str) -> str:
    figures = [q.raw for q in quantities(text) if q.unit and _stands_alone(q.raw, text)]
    hard = [raw for raw in figures if any(ch.isdigit() for ch in raw)]
    named = [name for name in names(text) if _says_much(name) and _stands_alone(name, text)]
    named = [name for name in named if name.lower() not in title.lower()]
    return next(iter([*hard, *named, *figures]), "")


def _stands_alone(piece: str, text: str) -> bool:
    """Whether a gap may take its place: no half of a range, an error or a compound."""
    found = re.search(rf"(?<![\w./±–-]){re.escape(piece)}(?![\w/±–-])", text)
    return found is not None


def _says_much(name: str) -> bool:
    return len(name) >= _NAME_LETTERS or any(ch.isdigit() for ch in name)


def _worth(text: str, answer: str) -> float:
    exact = 2.0 if any(ch.isdigit() for ch in answer) else 1.0
    return exact + min(len(content_words(text)), 15) / 15


def _runs(text: str) -> list[str]:
    """Runs of content words as they stand, cut after three words, without repetition."""
    runs: list[list[str]] = [[]]
    end = 0
    for match in _TOKEN.finditer(text):
        token = match[0].strip(".!?\"'“”-–")
        fit = bool(words_of(token)) and not any(ch.isdigit() for ch in token)
        if text[end : match.start()].strip() or not fit:
            runs.append([])
        if fit:
            # The first word of a sentence is capitalised for no other reason, mostly.
            plain = not match.start() and token[1:].islower()
            runs[-1].append(token.lower() if plain else token)
        end = match.end()
    return list(dict.fromkeys(" ".join(run[:_TOPIC_WORDS]) for run in runs if run))
