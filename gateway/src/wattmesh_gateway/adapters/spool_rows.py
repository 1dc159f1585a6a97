"""The statements by which readings get into the spool's tables, and out of them."""

import sqlite3
from collections.abc import Sequence
from datetime import timedelta

NewRow = tuple[int, int, float, str]
"""Point, measure time [µs], value, quality."""

Row = tuple[int, int, int, float, str]
"""Sequence, point, measure time [µs], value, quality."""

_SEEN_US = timedelta(days=1) // timedelta(microseconds=1)
"""How long the key of a forwarded reading is remembered, behind the newest [µs]."""

_SEE = "INSERT OR IGNORE INTO seen (point, measure_time_us) VALUES (?, ?)"
_ADD = "INSERT INTO readings (point, measure_time_us, value, quality) VALUES (?, ?, ?, ?)"


def insert(db: sqlite3.Connection, rows: Sequence[NewRow]) -> int:
    """Store the rows whose key was not seen before; return how many. In a transaction.

    Nearly always all are new, and go in together; else that is undone, and they go one by one.
    """
    db.execute("SAVEPOINT all_new")
    seen = db.executemany(_SEE, [row[:2] for row in rows]).rowcount
    if rows and seen < len(rows):
        db.execute("ROLLBACK TO all_new")
        rows = [row for row in rows if db.execute(_SEE, row[:2]).rowcount]
    db.execute("RELEASE all_new")
    db.executemany(_ADD, rows)
    return len(rows)


def newest_sequence(db: sqlite3.Connection) -> int:
    """Return the sequence that was given last."""
    row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'readings'").fetchone()
    return int(row[0]) if row else 0


def contents(db: sqlite3.Connection) -> tuple[int, int]:
    """Return how many readings it holds, and the newest sequence among them."""
    row = db.execute("SELECT COUNT(*), COALESCE(MAX(sequence), 0) FROM readings").fetchone()
    return int(row[0]), int(row[1])


def count(db: sqlite3.Connection, name: str, amount: int) -> None:
    """Add to a counter."""
    if amount:
        db.execute(
            "INSERT INTO counters VALUES (?, ?) "
            "ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
            (name, amount),
        )


def rows_after(db: sqlite3.Connection, after: int, limit: int) -> list[Row]:
    """Return up to so many readings with a sequence above one."""
    return db.execute(
        "SELECT sequence, point, measure_time_us, value, quality FROM readings "
        "WHERE sequence > ? ORDER BY sequence LIMIT ?",
        (after, limit),
    ).fetchall()


def remove(db: sqlite3.Connection, sequence: int, prune: bool) -> int:
    """Forget readings up to a sequence; `prune`: old keys, too. Return how many there were."""
    removed = db.execute("DELETE FROM readings WHERE sequence <= ?", (sequence,)).rowcount
    count(db, "readings_forwarded", removed)
    if prune:
        db.execute(
            "DELETE FROM seen WHERE measure_time_us < MIN("
            "(SELECT MAX(measure_time_us) FROM seen) - ?, "
            "COALESCE((SELECT MIN(measure_time_us) FROM readings), 9223372036854775807))",
            (_SEEN_US,),
        )
    return removed
