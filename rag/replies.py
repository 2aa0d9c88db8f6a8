"""Replies to what no paper answers: to a greeting, and to questions about the collection itself.

What is told of the collection comes from its records; each paper that is named is a source, and
its title the evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rag.aside import Aside
from rag.filters import Filter
from rag.retrieval import retrieve
from rag.sentences import without_markers
from rag.topics import KINDS
from rag.types import Evidence, Note, Paper, Sentence, Source
from rag.words import content_words

if TYPE_CHECKING:
    from rag.embedding import Embedder
    from rag.store import Store

MOST_NAMED = 10
"""Papers named in one reply."""
_TOPICS = 3  # of each kind that a reply names
_SEARCHED = 200
"""Papers looked through for a subject: what is further from it does not speak of it."""
_SAID = {
    "greeting": "Hello. Ask a question about the papers in this collection, and I will answer "
    "with sentences that cite them.",
    "thanks": "You are welcome. Ask on if anything else is of interest.",
    "goodbye": "Goodbye.",
    "help": "Ask a question in plain words, and I answer from the abstracts of this collection: "
    "every sentence cites a paper and was checked against it, and where the papers hold no answer "
    "I say so. Questions about the collection work too, such as: how many papers are there, what "
    "is here on stroke, the newest ones.",
}
_FROM_RECORDS = Note("collection", "Told from the records of the collection, not from a paper.")


@dataclass(frozen=True, slots=True)
class Reply:
    """What is said, and the papers that it names, in order."""

    intro: str
    papers: tuple[Paper, ...] = ()
    found: bool = True
    """False: papers were asked for, and none is here."""
    notes: tuple[Note, ...] = ()

    @property
    def sources(self) -> tuple[Source, ...]:
        """The papers that it names, from 1."""
        return tuple(
            Source(n, paper.id, paper.title, paper.url, paper.year, paper.abstract)
            for n, paper in enumerate(self.papers, start=1)
        )

    @property
    def sentences(self) -> tuple[Sentence, ...]:
        """The introduction, which states nothing of a paper, and a line for each paper."""
        intro = Sentence(self.intro, (), "not_a_claim", 1.0, ())
        return (intro, *map(_line, self.sources))

    @property
    def text(self) -> str:
        """As Markdown."""
        rows = "\n".join(f"- {sentence.text}" for sentence in self.sentences[1:])
        return f"{self.intro}\n\n{rows}" if rows else self.intro


def reply(told: Aside, store: Store, embedder: Embedder, where: Filter | None) -> Reply:
    """What to say to ``told``, of the papers that ``where`` lets through."""
    if told.kind in _SAID:
        return Reply(_SAID[told.kind])
    narrowed = _narrowed(where, told)
    if narrowed is None:
        return Reply("No paper of this collection is of these years.", found=False)
    limits = f" within the filter ({narrowed})" if narrowed else ""
    if told.subject:
        papers = _on(told.subject, store, embedder, narrowed)
        if told.kind in ("newest", "oldest"):
            papers = _by_year(papers, newest=told.kind == "newest")
        return _listed(told, len(papers), papers, f"mention “{told.subject}”", limits)
    count = len(store.matching(narrowed)) if narrowed else store.counts()[0]
    if told.kind == "count":
        verb = "is" if count == 1 else "are"
        return Reply(f"There {verb} {_papers(count)}{limits} in this collection.",
                     found=count > 0, notes=(_FROM_RECORDS,))  # fmt: skip
    often = "" if told.kind != "about" or narrowed else _often(store)
    ids = store.by_year(MOST_NAMED, newest=told.kind != "oldest", where=narrowed)
    held = store.papers(ids)
    papers = [held[paper_id] for paper_id in ids if paper_id in held]
    said = _listed(told, count, papers, "", limits)
    return replace(said, intro=f"{often}{said.intro}") if count else said


def _often(store: Store) -> str:
    """What most papers are about, kind by kind, as a sentence; empty where nothing is known."""
    held = [facet for facet in store.topical.facets(_TOPICS) if facet.kind in KINDS]
    kinds = [
        f"{facet.kind} {', '.join(f'{v.value} ({v.papers:,})' for v in facet.values)}"
        for facet in held
        if facet.values and facet.values[0].papers > 1
    ]
    return f"What most papers are about: {'; '.join(kinds)}. " if kinds else ""


def _listed(told: Aside, count: int, papers: Sequence[Paper], what: str, limits: str) -> Reply:
    if not count:
        says = what.replace("mention", "mentions", 1) or "is here"
        return Reply(f"No paper{limits} of this collection {says}.", found=False)
    shown = tuple(papers[:MOST_NAMED])
    some = len(shown) < count
    verb = what if count > 1 else what.replace("mention", "mentions", 1)
    order = {"newest": "the newest", "oldest": "the oldest"}.get(told.kind, "the first")
    if told.kind in ("newest", "oldest") and not any(paper.year for paper in shown):
        intro = f"None of the {_papers(count)}{limits} in this collection carries a year."
        return Reply(intro, notes=(_FROM_RECORDS,))
    rest = f"; {order} {len(shown)}" if some and len(shown) > 1 else f"; {order}" if some else ""
    subject = f" of this collection {verb}" if what else f"{limits} in this collection"
    end = ":" if shown else "."
    lead = f"{_papers(count)}{limits if what else ''}{subject}{rest}{end}"
    return Reply(lead[0].upper() + lead[1:], shown, notes=(_FROM_RECORDS,))


def _papers(count: int) -> str:
    return "1 paper" if count == 1 else f"{count:,} papers"


def _on(subject: str, store: Store, embedder: Embedder, where: Filter | None) -> list[Paper]:
    """The papers that have every content word of the subject, nearest first."""
    words = content_words(subject)
    hits = retrieve(store, embedder, subject, _SEARCHED, where)
    papers = (hit.paper for hit in hits)
    return [p for p in papers if words <= content_words(f"{p.title} {p.abstract}")]


def _by_year(papers: Sequence[Paper], *, newest: bool) -> list[Paper]:
    dated = [paper for paper in papers if paper.year is not None]
    return sorted(dated, key=lambda paper: paper.year or 0, reverse=newest)


def _narrowed(where: Filter | None, told: Aside) -> Filter | None:
    """The filter with the years asked for; None where no year is left."""
    where = where or Filter()
    firsts = [year for year in (where.since, told.since) if year is not None]
    lasts = [year for year in (where.until, told.until) if year is not None]
    since, until = max(firsts, default=None), min(lasts, default=None)
    if since is not None and until is not None and since > until:
        return None
    return replace(where, since=since, until=until)


def _line(source: Source) -> Sentence:
    """A source by its title, as a sentence of the answer."""
    span = Evidence(source.n, "title", 0, len(source.title), source.title)
    title = " ".join(without_markers(source.title).split())
    return Sentence(f"{title} [{source.n}]", (source.n,), "supported", 1.0, (span,))
