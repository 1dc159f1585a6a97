"""What has to outlive the gateway's process: transactions and their numbers, and who is there."""

import asyncio
import sqlite3
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from wattmesh_gateway.drivers.ocpp.stay import Occupancy
from wattmesh_runtime.documents import DocumentCodec

T = TypeVar("T")

_CODEC: DocumentCodec[Occupancy] = DocumentCodec(Occupancy)
_FIRST_DAY = datetime(2020, 1, 1, tzinfo=UTC)

_TABLES = """
CREATE TABLE IF NOT EXISTS transactions (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    charge_point TEXT NOT NULL,
    key TEXT NOT NULL,
    connector INTEGER NOT NULL,
    UNIQUE (charge_point, key)
);
CREATE TABLE IF NOT EXISTS connectors (
    charge_point TEXT NOT NULL,
    connector INTEGER NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (charge_point, connector)
) WITHOUT ROWID;
"""


class Ledger:
    """One SQLite file, synced at every commit; an async context manager.

    A file that was lost begins with another first number, taken from the clock: what a charge point
    still has open is never taken for something new.
    """

    def __init__(self, path: Path, now: datetime) -> None:
        self._path = path
        self._first = max(int((now - _FIRST_DAY).total_seconds()), 0) % 2**30
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ocpp")
        self._db: sqlite3.Connection | None = None

    async def __aenter__(self) -> Self:
        self._db = await self._in_thread(self._open)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._db is not None:
            await self._in_thread(self._db.close)
        self._thread.shutdown()

    async def begin(self, charge_point: str, key: str, connector: int) -> int:
        """Return the number of a transaction: of one that was begun before, the one it has."""
        return await self._run(lambda db: _begin(db, charge_point, key, connector, self._first))

    async def connector_of(self, charge_point: str, key: str, number: int | None) -> int | None:
        """Return where a transaction is, by its key or number; None when it is not known."""
        row = await self._run(
            lambda db: db.execute(
                "SELECT connector FROM transactions "
                "WHERE charge_point = ? AND (key = ? OR number = ?)",
                (charge_point, key, number),
            ).fetchone()
        )
        return row[0] if row else None

    async def occupancies(self, charge_point: str) -> Mapping[int, Occupancy]:
        """Return what was last known of each connector."""
        rows = await self._run(
            lambda db: db.execute(
                "SELECT connector, document FROM connectors WHERE charge_point = ?",
                (charge_point,),
            ).fetchall()
        )
        return {connector: _CODEC.from_json(document) for connector, document in rows}

    async def keep(self, charge_point: str, connector: int, occupancy: Occupancy) -> None:
        """Keep what is known of a connector."""
        row = (charge_point, connector, _CODEC.to_json(occupancy).decode())
        await self._run(lambda db: db.execute("REPLACE INTO connectors VALUES (?, ?, ?)", row))

    async def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        db = self._db
        assert db is not None, "used outside of its context"
        return await self._in_thread(lambda: work(db))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.executescript(_TABLES)
        return db


def _begin(db: sqlite3.Connection, charge_point: str, key: str, connector: int, first: int) -> int:
    (known,) = db.execute("SELECT max(number) FROM transactions").fetchone()
    number = first if known is None else None
    db.execute(
        "INSERT INTO transactions VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (number, charge_point, key, connector),
    )
    (found,) = db.execute(
        "SELECT number FROM transactions WHERE charge_point = ? AND key = ?", (charge_point, key)
    ).fetchone()
    return int(found)
