"""What a paper is about: facets of any collection, read from title and abstract.

Techniques, organs, diseases and treatments come from closed classes (``topic_terms``), datasets
and methods from the names that papers coin (``topic_names``), tasks from their form
(``topic_tasks``). Synonyms have one value; a kind of something is also that thing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from rag.names import names
from rag.topic_names import coined
from rag.topic_tasks import tasks
from rag.topic_terms import Term, mentions, term_of

VERSION = 1
"""Counts the rules: what other rules read is read again."""
KINDS = ("modality", "organ", "disease", "treatment", "task", "dataset", "method")
_TITLE = 3
"""How much a mention in the title counts; one in the abstract counts 1."""
_ENOUGH = 2
"""From how much on a paper is about it."""
_OWN = re.compile(
    r"\b(?:we|our|authors|this (?:study|paper|work|review|trial)|proposed|evaluat\w+|experiments?"
    r"|datasets?|trained|tested|to (?:determine|examine|evaluate|assess|investigate|compare|test"
    r"|study|explore))\b", re.I
)  # fmt: skip
"""Sentences on what the paper itself does: a mention there counts twice."""
_MANY = 3
"""Things of one kind in a sentence from which on it is but a list."""
_USUAL = frozenset(("diagnosis", "identification", "extraction", "tracking", "recognition"))
"""Tasks that abstracts speak of in passing: these are to be in the title, or named often."""
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")


@dataclass(frozen=True, slots=True, order=True)
class Topic:
    """One thing that a paper is about."""

    kind: str
    value: str

    @property
    def key(self) -> str:
        """What spellings of one value have in common: letters and digits."""
        return key_of(self.value)


def key_of(text: str) -> str:
    """Letters and digits in lower case; the text itself where it has none."""
    return "".join(filter(str.isalnum, text.casefold())) or text


def topics(title: str, abstract: str) -> frozenset[Topic]:
    """The topics of a paper; empty where nothing is recognised. Never raises."""
    found: dict[str, Topic] = {}
    for topic in [*_closed(title, abstract), *_named(title, abstract), *_tasks(title, abstract)]:
        found.setdefault(f"{topic.kind} {topic.key}", topic)
    return frozenset(found.values())


def _closed(title: str, abstract: str) -> Iterator[Topic]:
    counts: Counter[Term] = Counter()
    for mention in mentions(title):
        counts[mention.term] += _TITLE
    for sentence in _SENTENCE.split(abstract):
        named = [mention.term for mention in mentions(sentence)]
        of_kind = Counter(term.kind for term in set(named))
        own = _OWN.search(sentence)
        for term in named:
            stressed = own and of_kind[term.kind] <= _MANY
            counts[term] += _ENOUGH if stressed or term.telling else 1
    kinds: Counter[Term] = Counter()
    for term, count in counts.items():
        kinds.update(dict.fromkeys(term.above, count))
    for term, count in (counts + kinds).items():
        if count >= _ENOUGH:
            yield Topic(term.kind, term.value)


def _named(title: str, abstract: str) -> Iterator[Topic]:
    for name in coined(title, abstract):
        yield Topic(name.kind, name.name)


def _tasks(title: str, abstract: str) -> Iterator[Topic]:
    counts: Counter[str] = Counter()
    for head, phrase in tasks(title):
        counts.update(dict.fromkeys({head, phrase}, _TITLE))
    for sentence in _SENTENCE.split(abstract):
        found = list(tasks(sentence))
        stressed = _OWN.search(sentence) and len({head for head, _ in found}) <= _MANY
        for head, phrase in found:
            weight = _ENOUGH if stressed and head not in _USUAL else 1
            counts.update(dict.fromkeys({head, phrase}, weight))
    for value, count in counts.items():
        if value and count >= (_TITLE if value in _USUAL else _ENOUGH):
            yield Topic("task", value)


def canonical(text: str) -> frozenset[Topic]:
    """What a word or phrase as a whole stands for: "sonography" for ultrasound."""
    found = {Topic(term.kind, term.value)} if (term := term_of(text)) else set()
    for pair in tasks(text):
        found |= {Topic("task", value) for value in pair if value and key_of(value) == key_of(text)}
    return frozenset(found)


def asked(question: str) -> frozenset[Topic]:
    """The topics that a question, or a filter, names; a coined name may be of either kind."""
    found = {Topic(m.term.kind, m.term.value) for m in mentions(question)}
    found |= {Topic("task", value) for pair in tasks(question) for value in pair if value}
    for name in names(question):
        found |= {Topic("dataset", name), Topic("method", name)}
    return frozenset(found)
