"""How the ledger's SQLite file is opened, and what to do about SQLite's errors."""

from __future__ import annotations

import sqlite3
from pathlib import Path

RESTORE = "restore a copy of the folder, or move it away and ingest the papers again"
# The file is damaged, no database, or lacks our tables.
_BROKEN = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}


def address(path: Path, writable: bool) -> str:
    """The URI under which SQLite opens the file."""
    return f"{path.absolute().as_uri()}?{'mode=rw' if writable else _reading(path)}"


def advice(error: sqlite3.Error, writable: bool) -> str:
    """What a person can do about ``error``."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _BROKEN:
        return RESTORE
    if code == sqlite3.SQLITE_FULL:
        return "the disk is full: make room and run the command again; nothing is lost"
    if not writable:
        return "copy the folder to where you can write, or make it writable"
    return "check the disk, and whether another program uses the file"


def _reading(path: Path) -> str:
    """How SQLite is to open a file that it may not write to.

    It reads a write-ahead log only where it can share memory with the one who writes it;
    without a log it must be told that it need not look for one.
    """
    log = path.with_name(f"{path.name}-wal")
    return "mode=ro" if log.exists() and log.stat().st_size else "mode=ro&immutable=1"
