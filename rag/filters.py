"""Which papers a question is put to: by year, venue, keyword, id and topic."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields

from rag.errors import InputError

_LISTS = ("venues", "keywords", "ids", "topics")
_SHOWN = 3  # values of a field that a message names


@dataclass(frozen=True, slots=True)
class Filter:
    """The papers that a search is limited to; a field that is None limits nothing.

    All fields must hold; of the values of one field, any will do, but that topics of several
    kinds (modality, organ, disease, treatment, task, dataset, method) must hold together. Venues
    and keywords are compared whole, whatever their case; ``*`` in them and in topics stands for
    any characters. A paper without a year has none that could hold. Reversed years, empty lists
    and blank values are refused (``InputError``).
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012

    since: int | None = None
    """First year."""
    until: int | None = None
    """Last year."""
    venues: tuple[str, ...] | None = None
    keywords: tuple[str, ...] | None = None
    ids: tuple[str, ...] | None = None
    topics: tuple[str, ...] | None = None
    """What papers are about: ``modality:ultrasound``, or ``ultrasound`` alone."""

    def __post_init__(self) -> None:
        for name in ("since", "until"):
            value = getattr(self, name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
                raise InputError(f"filter: {name} is {value!r}; expected a year, such as 2020")
        if self.since is not None and self.until is not None and self.since > self.until:
            raise InputError(
                f"filter: since {self.since} is after until {self.until}; swap the years"
            )
        for name in _LISTS:
            values = getattr(self, name)
            if values is not None:
                object.__setattr__(self, name, _listed(name, values))

    def __bool__(self) -> bool:
        """Whether it limits anything."""
        return any(getattr(self, name) is not None for name in FIELDS)

    def __str__(self) -> str:
        """For people: ``since 2018; venue "Nature" or "Cell"``."""
        parts = [f"{n} {v}" for n in ("since", "until") if (v := getattr(self, n)) is not None]
        for name, values in self._named():
            shown = [f'"{value}"' for value in values[:_SHOWN]]
            if len(values) > _SHOWN:
                shown[_SHOWN - 1 :] = [f"{len(values) - _SHOWN + 1} others"]
            if shown:
                parts.append(f"{name} {' or '.join(shown)}")
        return "; ".join(parts)

    def _named(self) -> Iterator[tuple[str, Sequence[str]]]:
        """What must hold together, and of each the values of which one is enough."""
        for name in _LISTS[:-1]:
            yield name.removesuffix("s"), getattr(self, name) or ()
        kinds: dict[str, list[str]] = {}
        for topic in self.topics or ():
            kind, colon, value = topic.partition(":")
            kinds.setdefault(kind.strip() if colon else "topic", []).append(value or topic)
        yield from kinds.items()


FIELDS = tuple(field.name for field in fields(Filter))


def matcher(patterns: Iterable[str]) -> Callable[[str], bool]:
    """Whether a venue or a keyword is one of the patterns."""
    parts = (".*".join(map(re.escape, plain(p).split("*"))) for p in patterns)
    either = re.compile("|".join(f"(?:{part})" for part in parts))
    return lambda value: either.fullmatch(plain(value)) is not None


def plain(text: str) -> str:
    """A name without what its spellings differ in: case, width of letters, white space."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _listed(name: str, values: object) -> tuple[str, ...]:
    listed = tuple(values) if isinstance(values, list | tuple | set | frozenset) else None
    if listed is None or not all(isinstance(value, str) and value.strip() for value in listed):
        raise InputError(f"filter: {name} is {values!r}; expected a list of texts, none blank")
    if not listed:
        raise InputError(f"filter: {name} is an empty list; name one or more, or leave it out")
    return listed
