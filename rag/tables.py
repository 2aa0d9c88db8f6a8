"""The ledger's tables, and what becomes of those that an older version made."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from pathlib import Path

from rag import topics
from rag.identity import Keys, is_made
from rag.types import Paper

SCHEMA_VERSION = 4
_PAPERS = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
CREATE TABLE papers (
    id TEXT PRIMARY KEY,
    hash TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'done')),
    title TEXT NOT NULL,
    abstract TEXT NOT NULL,
    rest TEXT NOT NULL  -- the other fields, as JSON
);
CREATE INDEX papers_pending ON papers (state) WHERE state = 'pending';
CREATE TABLE passages (
    id TEXT PRIMARY KEY,
    paper_id TEXT NOT NULL REFERENCES papers (id) ON DELETE CASCADE,
    start INTEGER NOT NULL,
    end INTEGER NOT NULL,
    vector BLOB NOT NULL  -- float32
);
CREATE INDEX passages_of_paper ON passages (paper_id);
CREATE TABLE stale (passage_id TEXT PRIMARY KEY, paper_id TEXT NOT NULL) WITHOUT ROWID;
"""
# Since version 2: what each file said of a paper, and what it may be known by.
_RECORDS = """
CREATE TABLE sources (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE records (
    id INTEGER PRIMARY KEY,
    paper_id TEXT NOT NULL REFERENCES papers (id) ON DELETE CASCADE,
    source INTEGER NOT NULL REFERENCES sources (id),
    number INTEGER NOT NULL,  -- counts a source's records of one paper
    hash TEXT NOT NULL,
    given TEXT NOT NULL,
    doi TEXT NOT NULL,
    arxiv TEXT NOT NULL,
    pmid TEXT NOT NULL,
    title INTEGER NOT NULL,
    text INTEGER NOT NULL,
    record TEXT  -- NULL: the paper as it stands, empty: replaced by another
);
CREATE INDEX records_of_paper ON records (paper_id);
CREATE INDEX records_given ON records (given) WHERE given != '';
CREATE INDEX records_doi ON records (doi) WHERE doi != '';
CREATE INDEX records_arxiv ON records (arxiv) WHERE arxiv != '';
CREATE INDEX records_pmid ON records (pmid) WHERE pmid != '';
CREATE INDEX records_title ON records (title) WHERE given = '';
CREATE INDEX records_text ON records (text);
"""
# Since version 3: what filters look at, kept by triggers, so that no writer can forget it.
_TOLD = """
    INSERT OR IGNORE INTO terms (kind, value) SELECT kind, value FROM told WHERE id = new.id;
    INSERT OR IGNORE INTO paper_terms SELECT terms.id, told.id
        FROM told JOIN terms ON terms.kind = told.kind AND terms.value = told.value
        WHERE told.id = new.id;
"""
_TERMS = (
    """CREATE TABLE terms (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('year', 'venue', 'keyword')),
    value NOT NULL,
    UNIQUE (kind, value)
)""",
    """CREATE TABLE paper_terms (
    term INTEGER NOT NULL REFERENCES terms (id),
    paper_id TEXT NOT NULL REFERENCES papers (id) ON DELETE CASCADE,
    PRIMARY KEY (term, paper_id)
) WITHOUT ROWID""",
    "CREATE INDEX terms_of_paper ON paper_terms (paper_id)",
    """CREATE VIEW told AS
    SELECT id, 'year' AS kind, json_extract(rest, '$.year') AS value FROM papers
        WHERE value IS NOT NULL
    UNION ALL SELECT id, 'venue', json_extract(rest, '$.venue') FROM papers
        WHERE json_extract(rest, '$.venue') != ''
    UNION ALL SELECT papers.id, 'keyword', word.value
        FROM papers, json_each(rest, '$.keywords') AS word""",
    f"CREATE TRIGGER papers_added AFTER INSERT ON papers BEGIN {_TOLD} END",
    f"""CREATE TRIGGER papers_changed AFTER UPDATE OF rest ON papers BEGIN
    DELETE FROM paper_terms WHERE paper_id = new.id; {_TOLD} END""",
)

# Since version 4: what papers are about, by the rules of ``topics``. Triggers mark as unread what
# a writer has not read, so that none can forget it.
_TOPICS = (
    """CREATE TABLE topics (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,  -- what its spellings have in common
    value TEXT NOT NULL,
    UNIQUE (kind, key)
)""",
    """CREATE TABLE paper_topics (
    topic INTEGER NOT NULL REFERENCES topics (id),
    paper_id TEXT NOT NULL REFERENCES papers (id) ON DELETE CASCADE,
    PRIMARY KEY (topic, paper_id)
) WITHOUT ROWID""",
    "CREATE INDEX topics_of_paper ON paper_topics (paper_id)",
    """CREATE TABLE unread (
    paper_id TEXT PRIMARY KEY REFERENCES papers (id) ON DELETE CASCADE
) WITHOUT ROWID""",
    """CREATE TRIGGER papers_unread AFTER INSERT ON papers
    BEGIN INSERT OR IGNORE INTO unread VALUES (new.id); END""",
    """CREATE TRIGGER papers_reworded AFTER UPDATE OF title, abstract ON papers
    BEGIN INSERT OR IGNORE INTO unread VALUES (new.id); END""",
)


def create(path: Path, fingerprint: str, dimension: int) -> None:
    """Write an empty ledger to ``path``, at once or not at all."""
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    db = sqlite3.connect(fresh, isolation_level=None)
    try:
        db.executescript(_PAPERS + _RECORDS)
        for statement in (*_TERMS, *_TOPICS):
            db.execute(statement)
        facts = {
            "schema": SCHEMA_VERSION,
            "fingerprint": fingerprint,
            "dimension": dimension,
            "generation": 0,
            "topics": topics.VERSION,
        }
        db.executemany("INSERT INTO meta VALUES (?, ?)", facts.items())
        db.execute("PRAGMA journal_mode = WAL")
    finally:
        db.close()
    fresh.replace(path)


def migrate(db: sqlite3.Connection, found: int) -> None:
    """Bring the tables of version ``found`` up to this one; the caller has begun a transaction."""
    if found < 2:
        _add_records(db)
    if found < 3:
        _add_terms(db)
    for statement in _TOPICS:  # they are read when they are first asked for
        db.execute(statement)
    db.execute("INSERT INTO unread SELECT id FROM papers")
    db.execute("UPDATE meta SET value = ? WHERE key = 'schema'", (SCHEMA_VERSION,))


def _add_terms(db: sqlite3.Connection) -> None:
    for statement in _TERMS:
        db.execute(statement)
    db.execute("INSERT INTO terms (kind, value) SELECT DISTINCT kind, value FROM told")
    db.execute(
        "INSERT OR IGNORE INTO paper_terms SELECT terms.id, told.id FROM told "
        "JOIN terms ON terms.kind = told.kind AND terms.value = told.value"
    )


def _add_records(db: sqlite3.Connection) -> None:
    """Version 1 kept no sources: its papers get the unnamed one, which the next ingest that
    holds them replaces by its own.
    """
    for statement in _RECORDS.split(";"):
        db.execute(statement)
    db.execute("INSERT INTO sources VALUES (1, '')")
    rows = db.execute("SELECT id, hash, title, abstract, rest FROM papers")
    while page := rows.fetchmany(1000):
        db.executemany(
            "INSERT INTO records VALUES (NULL, ?, 1, 0, ?, ?, ?, ?, ?, ?, ?, NULL)",
            [_first_record(*row) for row in page],
        )


def paper(paper_id: str, title: str, abstract: str, rest: str) -> Paper:
    """A paper from its row."""
    fields = json.loads(rest)
    for name in ("authors", "keywords", "sources"):
        fields[name] = tuple(fields.get(name, ()))
    return Paper(paper_id, title, abstract, **fields)


def _first_record(paper_id: str, found: str, title: str, abstract: str, rest: str) -> tuple:
    held = paper(paper_id, title, abstract, rest)
    keys = Keys.of(held)
    given, said = paper_id, found
    if is_made(held):
        given, said = "", replace(held, id="").content_hash
    return paper_id, said, given, keys.doi, keys.arxiv, keys.pmid, keys.title, keys.text
