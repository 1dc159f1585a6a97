"""Brings what an older gateway kept of commands in the spool's file into the journal's."""

import sqlite3
from typing import Any

from wattmesh_gateway.adapters.spool_database import SpoolDatabase

_TABLES = {
    "commands": "command, device, kind, value, lease_expire_time_us, sequence",
    "reports": "id, command, state, report_time_us, value, message, sent",
    "held": "device, channel, command, releasing, cancelled",
}
_Rows = dict[str, list[tuple[Any, ...]]]


async def move_journal(spool: SpoolDatabase, journal: SpoolDatabase) -> None:
    """Copy, then delete: broken off in between, it is done again and changes nothing."""
    rows = await spool.run(_read)
    if any(rows.values()):
        await journal.run(lambda db: _write(db, rows))
        await spool.run(_clear)


def _read(db: sqlite3.Connection) -> _Rows:
    return {
        table: db.execute(f"SELECT {columns} FROM {table}").fetchall()
        for table, columns in _TABLES.items()
    }


def _write(db: sqlite3.Connection, rows: _Rows) -> None:
    for table, columns in _TABLES.items():
        places = ", ".join("?" * (columns.count(",") + 1))
        db.executemany(f"INSERT OR IGNORE INTO {table} ({columns}) VALUES ({places})", rows[table])


def _clear(db: sqlite3.Connection) -> None:
    for table in reversed(_TABLES):
        db.execute(f"DELETE FROM {table}")
