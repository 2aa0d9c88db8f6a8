"""Which paper does a record belong to, and what becomes of it? One ``Intake`` for each ingest.

1. A supplied id is the paper's id. A new version of it replaces the old; records of other
   files that share a public identifier are merged with it instead.
2. A DOI, arXiv id or PMID ties records of different files together.
3. So does the same title with the same abstract.
4. A record without any of these, of the title of one that the same file held and no longer
   holds, is its new version. All else is another paper.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from rag.identity import Keys, Record, made_ids, merged
from rag.records import Held, Known
from rag.types import Failure

STDIN = "-"
_MOST = 20_000  # records kept back until their file ends: what memory may hold

Related = Callable[[Sequence[Keys], Collection[str]], dict[str, Known]]


@dataclass(slots=True)
class Plan:
    """What a batch of records changes, to be written before the next plan is asked for."""

    known: dict[str, Known] = field(default_factory=dict)
    """Papers as they are to be, by id."""
    gone: set[str] = field(default_factory=set)
    """Papers that became part of another."""
    same: set[str] = field(default_factory=set)
    """Papers that records were found to be as they are."""
    outcomes: Counter[str] = field(default_factory=Counter)
    """How many records were added, updated or unchanged."""


class Intake:
    """Decides record by record; knows what this ingest has met so far."""

    def __init__(
        self,
        related: Related,
        taken: Callable[[Collection[str]], Collection[str]],
        on_failure: Callable[[Failure], None],
    ) -> None:
        """``related`` finds the papers that share a key, ``taken`` which ids are in use."""
        self._related = related
        self._taken_ids = taken
        self._report = on_failure
        self._met: dict[str, dict[str, int]] = {}  # source -> paper id -> records of it so far
        self._given: dict[str, bytes] = {}  # supplied id -> what came under it
        self._waiting: list[Record] = []
        self._view: dict[str, Known] = {}
        self._owners: dict[tuple[str, str] | int, dict[str, None]] = {}  # key -> paper ids
        self._plan = Plan()

    def plans(self, records: Iterable[Record], size: int) -> Iterator[Plan]:
        """Work through the records, at most ``size`` at a time."""
        stream = iter(records)
        while batch := list(islice(stream, size)):
            yield self._planned(batch, last=False)
            source = batch[-1].source
            yield from self._settled("" if len(self._waiting) > _MOST else source, size)
            self._met = {source: self._met.get(source, {})}
        yield from self._settled("", size)

    def _settled(self, source: str, size: int) -> Iterator[Plan]:
        """What waited for the rest of its file: all but the records of ``source``."""
        ended = [record for record in self._waiting if record.source != source]
        self._waiting = [record for record in self._waiting if record.source == source]
        for start in range(0, len(ended), size):
            yield self._planned(ended[start : start + size], last=True)

    def _planned(self, batch: Sequence[Record], last: bool) -> Plan:
        keys = [Keys.of(record.paper) for record in batch]
        self._view = self._related(keys, {record.source for record in batch})
        self._plan, self._owners = Plan(), {}
        for known in self._view.values():
            self._index(known)
        for record, key in zip(batch, keys, strict=True):
            self._take(record, key, last)
        return self._plan

    def _index(self, known: Known) -> None:
        texts = {held.keys.text for held in known.records}
        for key in _strong(known) | texts:
            self._owners.setdefault(key, {})[known.paper.id] = None

    def _owning(self, *keys: tuple[str, str] | int) -> list[Known]:
        """The papers that have one of the keys, or had it before they joined others."""
        ids = dict.fromkeys(name for key in keys for name in self._owners.get(key, ()))
        return [self._view[paper_id] for paper_id in ids if paper_id in self._view]

    # --- one record ---------------------------------------------------------------------

    def _take(self, record: Record, keys: Keys, last: bool) -> None:
        content = bytes.fromhex(record.paper.content_hash)[:8]
        owner = self._by_given(keys.given)
        if keys.given:
            if self._given.get(keys.given) == content and owner and self._said(owner, record):
                return  # a repetition
            if owner and not self._may_replace(owner, record, keys, content):
                title = owner.paper.title[:60]
                reason = f"the id {keys.given!r} belongs to another paper, {title!r}"
                self._report(Failure(record.where, f"{reason}; give this one an id of its own"))
                return
            self._given.setdefault(keys.given, content)
        ties = self._by_identifier(record, keys, owner) or self._by_text(record, keys)
        if not ties and not keys.given:
            ties = self._by_title(record, keys)
            if ties and not last:
                self._waiting.append(record)
                return
        self._join(record, keys, ties)

    def _join(self, record: Record, keys: Keys, ties: Sequence[Known]) -> None:
        """Make the record part of the first tie, and that one of the others."""
        paper_id = self._name(record, keys, ties)
        met = self._met.setdefault(record.source, {})
        number = max((met.get(known.paper.id, 0) for known in ties), default=0)
        content = record.paper.content_hash
        held = [held for known in ties for held in known.records]
        if any(_is(h, record.source, content) and h.number < number for h in held):
            return  # a repetition within one file
        met[paper_id] = number + 1
        said = Held(record.source, number, content, keys, record.paper)
        if [known.paper.id for known in ties] == [paper_id] and _holds(held, said):
            self._plan.outcomes["unchanged"] += 1
            self._plan.same.add(paper_id)
            return
        records = tuple(_with(held, said))
        told = [(h.paper, h.source) for h in records]
        papers = [paper for paper, _ in told if paper]
        paper = merged(paper_id, papers, [source for _, source in told])
        self._put(Known(paper, records), ties)

    def _put(self, known: Known, ties: Sequence[Known]) -> None:
        paper_id = known.paper.id
        old = {tie.paper.id for tie in ties}
        for gone in old - {paper_id}:
            self._plan.gone.add(gone)
            self._plan.known.pop(gone, None)
            self._view.pop(gone, None)
        same = [t.paper.content_hash for t in ties] == [known.paper.content_hash]
        outcome = "unchanged" if same else "updated" if ties else "added"
        self._plan.outcomes[outcome] += 1
        self._plan.gone.discard(paper_id)
        self._plan.known[paper_id] = self._view[paper_id] = known
        self._index(known)

    def _name(self, record: Record, keys: Keys, ties: Sequence[Known]) -> str:
        """The paper's id: supplied before made, old before new."""
        for known in ties:
            if any(held.keys.given == known.paper.id for held in known.records):
                return known.paper.id
        if keys.given or ties:
            return keys.given or ties[0].paper.id
        if record.paper.id and not self._taken_ids([record.paper.id]):
            return record.paper.id  # its DOI, arXiv id or PMID
        for name in made_ids(record.paper):
            if name not in self._view and not self._taken_ids([name]):
                return name
        raise AssertionError("made_ids never ends")

    # --- ties ---------------------------------------------------------------------------

    def _by_given(self, given: str) -> Known | None:
        if not given or given in self._view:
            return self._view.get(given)
        return next((k for k in self._view.values() if given in _givens(k)), None)

    def _may_replace(self, owner: Known, record: Record, keys: Keys, content: bytes) -> bool:
        """Whether a record under a supplied id that is in use is that paper again."""
        elsewhere = all(held.source not in ("", record.source) for held in owner.records)
        if _shared(owner, keys) and elsewhere:
            return True
        if keys.given in self._given:  # two contents under one id in one ingest?
            return self._given[keys.given] == content
        return not elsewhere or any(held.keys.title == keys.title for held in owner.records)

    def _by_identifier(self, record: Record, keys: Keys, owner: Known | None) -> list[Known]:
        """The paper that the record belongs to, and those that turn out to be the same."""
        found = [
            known
            for known in self._owning(*keys.strong())
            if known is not owner and _shared(known, keys) and self._open(known, record, keys)
        ]
        same = [k for k in found if any(held.keys.title == keys.title for held in k.records)]
        content = record.paper.content_hash
        near = [k for k in found if any(_is(h, record.source, content) for h in k.records)]
        # One DOI may stand for a volume of abstracts: of several, the title must agree.
        first = owner or next(iter(near or same or found[: len(found) < 2]), None)
        if first is None:
            return []
        mine = {held.source for held in first.records}
        others = [k for k in same if mine.isdisjoint(held.source for held in k.records)]
        return [first, *(known for known in others if known is not first)]

    def _open(self, known: Known, record: Record, keys: Keys) -> bool:
        """Whether one file's other records leave room for this one in the paper."""
        mine = [held for held in known.records if held.source == record.source]
        if any(held.keys.given != keys.given for held in mine if held.keys.given and keys.given):
            return False
        met = self._met.get(record.source, {})
        return known.paper.id not in met or any(h.keys.title == keys.title for h in mine)

    def _by_text(self, record: Record, keys: Keys) -> list[Known]:
        found = [
            known
            for known in self._owning(keys.text)
            if any(held.keys.text == keys.text for held in known.records)
            and not (keys.given and any(_givens(known)))
            and not _differ(known, keys)
        ]
        found.sort(key=lambda k: all(held.source != record.source for held in k.records))
        return found[:1]

    def _by_title(self, record: Record, keys: Keys) -> list[Known]:
        if record.source == STDIN:
            return []
        met = self._met.get(record.source, {})
        found = [
            known
            for known in self._view.values()
            if known.paper.id not in met
            and not _differ(known, keys)
            and any(
                held.source in ("", record.source)
                and held.keys.title == keys.title
                and not held.keys.given
                for held in known.records
            )
        ]
        return found[:1]

    def _said(self, owner: Known, record: Record) -> bool:
        content = record.paper.content_hash
        return any(_is(held, record.source, content) for held in owner.records)


def _is(held: Held, source: str, content: str) -> bool:
    return held.source == source and held.hash == content


def _givens(known: Known) -> set[str]:
    return {held.keys.given for held in known.records if held.keys.given}


def _strong(known: Known) -> set[tuple[str, str]]:
    return {pair for held in known.records if held.paper for pair in held.keys.strong()}


def _shared(known: Known, keys: Keys) -> bool:
    return not _strong(known).isdisjoint(keys.strong())


def _differ(known: Known, keys: Keys) -> bool:
    """Whether both have an identifier of one kind, and not the same one."""
    theirs = _strong(known)
    kinds = {kind for kind, _ in theirs}
    return any(kind in kinds and (kind, value) not in theirs for kind, value in keys.strong())


def _holds(held: Sequence[Held], said: Held) -> bool:
    place = [h for h in held if (h.source, h.number) == (said.source, said.number)]
    return [h.hash for h in place] == [said.hash]


def _version(old: Keys, new: Keys) -> bool:
    """Whether a record of an unknown source is likely the same source's."""
    return old.given == new.given and bool(new.given or old.title == new.title)


def _with(held: Sequence[Held], said: Held) -> Iterator[Held]:
    """The records of a paper, with a new one in its place."""
    identifiers = set(said.keys.strong())
    placed = False
    for old in held:
        again = (old.source, old.number) == (said.source, said.number)
        if again or (not old.source and _version(old.keys, said.keys)):
            if not placed:  # where it was: the order is that of age
                yield said
            placed = True
            continue
        replaced = old.keys.given == said.keys.given != "" and identifiers.isdisjoint(
            old.keys.strong()
        )
        if replaced:
            known_as = Keys(given=old.keys.given)
            same = old.hash if old.hash == said.hash else ""
            yield replace(old, paper=None, keys=known_as, hash=same)
        else:
            yield old
    if not placed:
        yield said
