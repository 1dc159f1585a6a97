"""Pool and migrations against a real PostgreSQL."""

import asyncio
import contextlib
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from wattmesh_kernel.errors import (
    Aborted,
    DeadlineExceeded,
    FailedPrecondition,
    InvalidArgument,
    ResourceExhausted,
    Unavailable,
)
from wattmesh_runtime.database import Database, DatabaseLimits
from wattmesh_runtime.migrations import migrate

PACKAGE = "some_service"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The migrations folder of a package made for the test."""
    migrations = tmp_path / PACKAGE / "migrations"
    migrations.mkdir(parents=True)
    (migrations.parent / "__init__.py").touch()
    (migrations / "0001_first.sql").write_text("CREATE TABLE first (id int); SELECT 1;")
    monkeypatch.syspath_prepend(tmp_path)
    yield migrations
    sys.modules.pop(PACKAGE, None)


async def applied(database: Database) -> list[str]:
    async with database.connection() as connection:
        cursor = await connection.execute("SELECT name FROM schema_migrations ORDER BY name")
        return [row[0] for row in await cursor.fetchall()]


async def test_migrations_run_in_order_and_once(database_url: str, folder: Path) -> None:
    async with Database(database_url, "metering") as database:
        await migrate(database, PACKAGE)
        (folder / "0002_second.sql").write_text("ALTER TABLE first ADD COLUMN name text")
        await migrate(database, PACKAGE)
        await migrate(database, PACKAGE)
        assert await applied(database) == ["0001_first.sql", "0002_second.sql"]


async def test_what_is_looked_up_by_key_never_reads_a_table_that_was_small_when_it_was_planned(
    database_url: str,
) -> None:
    look_up = "SELECT id FROM things JOIN unnest(%s::bigint[]) AS wanted (id) USING (id)"
    async with (
        Database(database_url, "metering", by_key=True) as database,
        database.connection() as connection,
    ):
        await connection.execute("CREATE TABLE things (id bigint PRIMARY KEY)")
        cursor = await connection.execute(f"EXPLAIN {look_up}", ([1, 2],))
        plan = "\n".join(row[0] for row in await cursor.fetchall())
        cursor = await connection.execute("SHOW plan_cache_mode")
        shown = await cursor.fetchone()
    assert "Index" in plan, plan
    assert "Seq Scan on things" not in plan, plan
    assert shown == ("force_generic_plan",)


async def test_many_that_start_at_once_migrate_once(database_url: str, folder: Path) -> None:
    (folder / "0002_slow.sql").write_text("SELECT pg_sleep(0.2); CREATE TABLE slow (id int)")

    async def start() -> None:
        async with Database(database_url, "metering") as database:
            await migrate(database, PACKAGE)

    await asyncio.gather(*(start() for _ in range(6)))


async def test_services_in_one_database_do_not_see_each_others_tables(
    database_url: str, folder: Path
) -> None:
    async with (
        Database(database_url, "metering") as metering,
        Database(database_url, "control") as control,
    ):
        await migrate(metering, PACKAGE)
        async with control.connection() as connection:
            with pytest.raises(psycopg.errors.UndefinedTable):
                await connection.execute("SELECT * FROM first")
        await migrate(control, PACKAGE)


async def test_a_migration_that_fails_leaves_nothing_behind(
    database_url: str, folder: Path
) -> None:
    (folder / "0002_broken.sql").write_text("CREATE TABLE half (id int); SELECT 1 / 0")
    async with Database(database_url, "metering") as database:
        with pytest.raises(psycopg.errors.DivisionByZero):
            await migrate(database, PACKAGE)
        assert await applied(database) == ["0001_first.sql"]
        (folder / "0002_broken.sql").write_text("CREATE TABLE half (id int)")
        await migrate(database, PACKAGE)


async def test_a_migration_that_was_edited_after_it_ran_is_refused(
    database_url: str, folder: Path
) -> None:
    async with Database(database_url, "metering") as database:
        await migrate(database, PACKAGE)
        (folder / "0001_first.sql").write_text("CREATE TABLE other (id int)")
        with pytest.raises(FailedPrecondition, match=r"0001_first\.sql"):
            await migrate(database, PACKAGE)


async def test_a_misnamed_migration_is_refused(database_url: str, folder: Path) -> None:
    (folder / "2_second.sql").write_text("SELECT 1")
    async with Database(database_url, "metering") as database:
        with pytest.raises(FailedPrecondition, match=r"2_second\.sql"):
            await migrate(database, PACKAGE)


async def test_a_transaction_is_undone_by_an_error(database_url: str, folder: Path) -> None:
    async with Database(database_url, "metering") as database:
        await migrate(database, PACKAGE)
        with contextlib.suppress(KeyError):
            async with database.transaction() as connection:
                await connection.execute("INSERT INTO first VALUES (1)")
                raise KeyError
        async with database.connection() as connection:
            await connection.execute("INSERT INTO first VALUES (2)")
        async with database.connection() as connection:
            cursor = await connection.execute("SELECT id FROM first")
            assert await cursor.fetchall() == [(2,)]


async def test_connections_that_the_server_closed_are_replaced(database_url: str) -> None:
    async with Database(database_url, "metering", min_size=2) as database:
        with psycopg.connect(database_url, autocommit=True) as admin:
            admin.execute(  # and wait until they have ended
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE application_name = 'wattmesh-metering'"
            )
        async with database.connection() as connection:
            cursor = await connection.execute("SELECT 1")
            assert await cursor.fetchone() == (1,)


async def test_a_connection_lost_in_the_middle_is_unavailable(database_url: str) -> None:
    async with Database(database_url, "metering") as database:
        with pytest.raises(Unavailable) as caught:
            async with database.connection() as connection:
                await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        assert caught.value.reason == "DATABASE_UNAVAILABLE"
        assert caught.value.retry_after == timedelta(seconds=1)


def test_a_schema_name_is_no_place_for_sql() -> None:
    with pytest.raises(ValueError, match="schema name"):
        Database("postgresql://", 'x"; DROP')


async def test_a_busy_pool_is_not_a_database_that_is_away(database_url: str) -> None:
    limits = DatabaseLimits(checkout_seconds=0.2)
    async with (
        Database(database_url, "metering", max_size=1, limits=limits) as queries,
        Database(database_url, "metering", max_size=1) as ingest,
        queries.connection(),
    ):
        with pytest.raises(ResourceExhausted) as caught:
            async with queries.connection():
                pass
        assert (caught.value.reason, caught.value.retry_after) == (
            "DATABASE_BUSY",
            timedelta(seconds=1),
        )
        async with ingest.connection() as connection:  # a bulkhead of its own
            await connection.execute("SELECT 1")


async def test_no_statement_and_no_lock_is_waited_for_without_end(
    database_url: str, folder: Path
) -> None:
    limits = DatabaseLimits(statement_seconds=0.5, lock_seconds=0.1)
    async with Database(database_url, "metering", limits=limits) as database:
        (folder / "0002_slow.sql").write_text("SELECT pg_sleep(0.7)")
        await migrate(database, PACKAGE)  # may take its time
        with pytest.raises(DeadlineExceeded, match="STATEMENT_TOO_LONG"):
            async with database.connection() as connection:
                await connection.execute("SELECT pg_sleep(5)")
        async with database.transaction() as holder:
            await holder.execute("LOCK TABLE first")
            with pytest.raises(Aborted, match="DATABASE_CONFLICT"):
                async with database.connection() as connection:
                    await connection.execute("SELECT * FROM first")


@pytest.mark.parametrize("value", ["a\0b", "9" * 30, 2**80])
async def test_a_value_that_fits_no_column_is_the_callers_fault(
    database_url: str, value: object
) -> None:
    async with Database(database_url, "metering") as database:
        with pytest.raises(InvalidArgument, match="INVALID_VALUE"):
            async with database.connection() as connection:
                await connection.execute("SELECT %s::bigint", (value,))
