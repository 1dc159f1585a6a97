"""A SQLite file of the gateway: one connection, one thread, so that there is a single writer.

There are two: the spool, and the journal of commands, which does not wait while readings are
written.
"""

import asyncio
import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from wattmesh_kernel.errors import FailedPrecondition, ResourceExhausted

T = TypeVar("T")

SPOOL_MIGRATIONS = files("wattmesh_gateway") / "migrations"
JOURNAL_MIGRATIONS = files("wattmesh_gateway") / "migrations_journal"


class SpoolInUse(FailedPrecondition):
    """Another process has the spool open."""

    def __init__(self, path: Path) -> None:
        super().__init__("SPOOL_IN_USE", f"{path} is in use by another process")


class SpoolFull(ResourceExhausted):
    """The disk is full."""

    def __init__(self, path: Path) -> None:
        super().__init__("DISK_FULL", f"the disk of {path} is full")


class SpoolDatabase:
    """An async context manager; every `run` is one transaction.

    What is committed survives the end of the process and of the machine's power: write-ahead
    log, synced at every commit. The file is locked: a second gateway on it fails at once.

    Parameters: `reserve_bytes` are kept free beside it, for work that makes room (`frees`): on a
    full disk not even a deletion has the room for its log.
    Error of every use: SpoolFull when the disk is full; nothing of the transaction is done then.
    """

    def __init__(
        self,
        path: Path,
        migrations: Traversable = SPOOL_MIGRATIONS,
        *,
        reserve_bytes: int = 0,
    ) -> None:
        self._path = path
        self._migrations = migrations
        self._reserve = path.with_name(f"{path.name}-reserve")
        self._reserve_bytes = reserve_bytes
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=path.name)
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

    async def run(self, work: Callable[[sqlite3.Connection], T], *, frees: bool = False) -> T:
        """Run `work` in a transaction; it is committed on return and rolled back on an error."""
        return await self._in_thread(lambda: self._freeing(work) if frees else self._transact(work))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _transact(self, work: Callable[[sqlite3.Connection], T]) -> T:
        db = self._db
        assert db is not None, "used outside of its context"
        try:
            db.execute("BEGIN")
            result = work(db)
            db.execute("COMMIT")  # its log may be what there is no room for
        except BaseException as error:
            if db.in_transaction:
                db.execute("ROLLBACK")
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
                raise SpoolFull(self._path) from error
            raise
        return result

    def _freeing(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run what makes room, with the reserve if need be, which is set up again afterwards."""
        try:
            result = self._transact(work)
        except SpoolFull:
            if not self._reserve.exists():
                raise
            self._reserve.unlink()
            result = self._transact(work)
        if self._reserve_bytes and not self._reserve.exists():
            self._set_up_reserve()
        return result

    def _set_up_reserve(self) -> None:
        """Take the reserve from the disk, if it is to be had."""
        try:
            with self._reserve.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, self._reserve_bytes)
        except OSError:
            self._reserve.unlink(missing_ok=True)

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=2.0)
        try:
            db.execute("PRAGMA locking_mode = EXCLUSIVE")
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            _migrate(db, self._migrations)
            if self._reserve_bytes:
                self._set_up_reserve()
        except sqlite3.OperationalError as error:
            db.close()
            if "locked" in str(error):
                raise SpoolInUse(self._path) from error
            raise
        return db


def _migrate(db: sqlite3.Connection, migrations: Traversable) -> None:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    scripts = sorted(
        (each for each in migrations.iterdir() if each.name.endswith(".sql")),
        key=lambda each: each.name,
    )
    for number, script in enumerate(scripts, start=1):
        if number > version:
            text = script.read_text(encoding="utf-8")
            db.executescript(f"BEGIN;\n{text}\nPRAGMA user_version = {number};\nCOMMIT;")
