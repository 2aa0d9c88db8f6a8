"""What each file said of the papers: the ledger's table of records."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, replace

from rag import tables
from rag.identity import Keys
from rag.types import Paper

_LISTED = "(SELECT value FROM json_each(?))"
_RELATED = f"""
SELECT paper_id, sources.name, number, records.hash, given, doi, arxiv, pmid, records.title, text,
    record, papers.title, abstract, rest
FROM records JOIN sources ON sources.id = source JOIN papers ON papers.id = paper_id
WHERE paper_id IN (
    SELECT id FROM papers WHERE id IN {_LISTED}
    UNION SELECT paper_id FROM records WHERE given != '' AND given IN {_LISTED}
    UNION SELECT paper_id FROM records WHERE doi != '' AND doi IN {_LISTED}
    UNION SELECT paper_id FROM records WHERE arxiv != '' AND arxiv IN {_LISTED}
    UNION SELECT paper_id FROM records WHERE pmid != '' AND pmid IN {_LISTED}
    UNION SELECT paper_id FROM records WHERE text IN {_LISTED}
    UNION SELECT paper_id FROM records WHERE given = '' AND title IN {_LISTED}
        AND source IN (SELECT id FROM sources WHERE name = '' OR name IN {_LISTED})
)
ORDER BY records.id
"""


@dataclass(frozen=True, slots=True)
class Held:
    """A record that the ledger holds."""

    source: str
    number: int
    hash: str
    """Of the paper as the file has it; empty where the record was replaced."""
    keys: Keys
    paper: Paper | None
    """What the file says; None where another record of the same id replaced or repeats it."""


@dataclass(frozen=True, slots=True)
class Known:
    """A paper of the ledger with its records, oldest first."""

    paper: Paper
    records: tuple[Held, ...]


def taken_in(paper: Paper) -> Known:
    """A paper that comes from no file, with the one record that it is made of."""
    said = replace(paper, sources=())
    return Known(paper, (Held("", 0, paper.content_hash, Keys.of(paper), said),))


def related(
    db: sqlite3.Connection, keys: Sequence[Keys], sources: Collection[str]
) -> dict[str, Known]:
    """The papers that share a key with any of ``keys``, by id."""
    given = _listed({key.given for key in keys if key.given})
    titles = _listed({key.title for key in keys if not key.given})
    lists = [
        given, given,
        *(_listed({getattr(key, kind) for key in keys}) for kind in ("doi", "arxiv", "pmid")),
        _listed({key.text for key in keys}), titles, _listed(sources),
    ]  # fmt: skip
    found: dict[str, Known] = {}
    for paper_id, *held, title, abstract, rest in db.execute(_RELATED, lists):
        known = found.get(paper_id) or Known(tables.paper(paper_id, title, abstract, rest), ())
        record = _held(known.paper, *held)
        found[paper_id] = replace(known, records=(*known.records, record))
    return found


def put(db: sqlite3.Connection, known: Known) -> None:
    """Write all records of a paper anew; the paper itself is there."""
    paper_id = known.paper.id
    db.execute("DELETE FROM records WHERE paper_id = ?", (paper_id,))
    # Most papers have one record: it is not kept twice.
    sole = sum(record.paper is not None for record in known.records) == 1
    for record in known.records:
        db.execute("INSERT OR IGNORE INTO sources (name) VALUES (?)", (record.source,))
        text = None if sole else json.dumps(asdict(record.paper)) if record.paper else ""
        db.execute(
            "INSERT INTO records SELECT NULL, ?, id, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM sources "
            "WHERE name = ?",
            (
                paper_id, record.number, record.hash, *_columns(record.keys),
                "" if record.paper is None else text, record.source,
            ),
        )  # fmt: skip


def _held(paper: Paper, source: str, number: int, found: str, *rest: object) -> Held:
    *columns, record = rest
    keys = Keys(*columns)  # type: ignore[arg-type]
    if record == "":
        said = None
    elif record is None:  # the sole record: nothing was merged into the paper
        said = replace(paper, id=keys.given, sources=())
    else:
        said = _read(str(record))
    return Held(source, number, found, keys, said)


def _read(record: str) -> Paper:
    fields = json.loads(record)
    for name in ("authors", "keywords", "sources"):
        fields[name] = tuple(fields[name])
    return Paper(**fields)


def _columns(keys: Keys) -> tuple[object, ...]:
    return keys.given, keys.doi, keys.arxiv, keys.pmid, keys.title, keys.text


def _listed(values: Iterable[object]) -> str:
    return json.dumps(list(values))
