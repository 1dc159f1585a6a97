"""The database comes back to any moment since its oldest backup, or says why it cannot."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from tests.fakes.eventually import eventually
from wattmesh_local.backup.folder import BackupFolder
from wattmesh_local.backup.programs import BackupError
from wattmesh_local.backup.restore import restore
from wattmesh_local.backup.take import TakeBackups
from wattmesh_local.postgres import EmbeddedPostgres
from wattmesh_local.postgres_places import PostgresPlaces
from wattmesh_runtime.aio.tasks import cancel_until_ended


class Server:
    """A server of readings, and what is kept of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "postgres"
        self.backups = BackupFolder(folder / "backups")
        self.postgres = EmbeddedPostgres(self.folder)

    @property
    def taker(self) -> TakeBackups:
        programs = PostgresPlaces(self.folder).programs
        return TakeBackups(self.postgres.url(), self.backups, programs)

    def add(self, reading: str) -> datetime:
        """Store a reading; return a moment after its commit and before the next one's."""
        with psycopg.connect(self.postgres.url(), autocommit=True) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS readings (name text)")
            connection.execute("INSERT INTO readings VALUES (%s)", (reading,))
            row = connection.execute("SELECT clock_timestamp()").fetchone()
        assert row is not None
        moment: datetime = row[0]
        return moment + timedelta(microseconds=1)

    def lose(self) -> None:
        """Have the disk with the data go up in smoke."""
        self.postgres.stop()
        shutil.rmtree(PostgresPlaces(self.folder).data)

    def readings(self) -> list[str]:
        """Start again, and tell what is there."""
        with self.postgres, psycopg.connect(self.postgres.url()) as connection:
            return [row[0] for row in connection.execute("SELECT name FROM readings").fetchall()]

    @asynccontextmanager
    async def followed(self) -> AsyncIterator[None]:
        """Have the log received; at the end all that was committed has been."""
        following = asyncio.create_task(self.taker.follow())
        try:
            await eventually(self._receiving)
            yield
            await eventually(self._received)
        finally:
            await cancel_until_ended(following)

    async def _receiving(self) -> bool:
        return await self._ask("SELECT EXISTS (SELECT FROM pg_replication_slots WHERE active)")

    async def _received(self) -> bool:
        return await self._ask(
            "SELECT bool_and(flush_lsn >= pg_current_wal_lsn()) FROM pg_stat_replication"
        )

    async def _ask(self, query: str) -> bool:
        async with await psycopg.AsyncConnection.connect(self.postgres.url()) as connection:
            row = await (await connection.execute(query.encode())).fetchone()
        return bool(row and row[0])


async def test_a_database_that_is_gone_comes_back_to_its_last_commit_and_to_any_moment(
    tmp_path: Path,
) -> None:
    server = Server(tmp_path)
    with server.postgres:
        server.add("before")
        copy = await server.taker.copy()
        async with server.followed():
            in_between = server.add("between")
            server.add("after")
        server.lose()
    with pytest.raises(BackupError, match="leads back to"):
        await restore(server.backups, server.folder, until=copy.moment - timedelta(hours=1))
    came = await restore(server.backups, server.folder)
    assert server.readings() == ["before", "between", "after"]
    assert came.aside is None
    came = await restore(server.backups, server.folder, until=in_between)
    assert server.readings() == ["before", "between"]
    assert came.aside is not None
    with pytest.raises(BackupError, match="ends before"):
        await restore(server.backups, server.folder, until=datetime.now(UTC) + timedelta(days=1))
    assert server.readings() == ["before", "between"], "what was there is in its place again"
    (copy.folder / "PG_VERSION").write_text("17\n")
    with pytest.raises(BackupError, match="PG_VERSION"):
        await restore(server.backups, server.folder)
    assert server.readings() == ["before", "between"], "a damaged copy is refused"


async def test_the_oldest_copies_go_with_the_log_that_only_they_needed(tmp_path: Path) -> None:
    server = Server(tmp_path)
    with server.postgres:
        server.add("first")
        old = await server.taker.copy()
        async with server.followed():
            with psycopg.connect(server.postgres.url(), autocommit=True) as connection:
                connection.execute("SELECT pg_switch_wal()")
            server.add("second")
        needless = server.backups.segments()[0]
        new = await server.taker.copy()
        async with server.followed():
            server.add("third")
        assert [each.moment for each in server.backups.keep(1)] == [old.moment]
        server.lose()
    assert [each.moment for each in server.backups.copies()] == [new.moment]
    assert not needless.exists()
    await restore(server.backups, server.folder)
    assert server.readings() == ["first", "second", "third"]


async def test_a_copy_that_fails_leaves_nothing_that_looks_like_one(tmp_path: Path) -> None:
    server = Server(tmp_path)
    with pytest.raises(BackupError, match="pg_basebackup"):
        await TakeBackups(
            f"postgresql://nobody@/none?host={tmp_path}",
            server.backups,
            PostgresPlaces(server.folder).programs,
        ).copy()
    assert server.backups.copies() == []
    with pytest.raises(BackupError, match="no backup"):
        await restore(server.backups, server.folder)
