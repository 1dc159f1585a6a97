"""Migrations by a job, for services whose database role may not change the schema."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import conninfo

from wattmesh_kernel.errors import FailedPrecondition
from wattmesh_runtime import migrations
from wattmesh_runtime.clocks import clock_from_spec
from wattmesh_runtime.database import Database, DatabaseLimits
from wattmesh_runtime.migrate import MigrationSettings, migrate_package
from wattmesh_runtime.migrations import migrate
from wattmesh_runtime.postgres_leases import PostgresLeases
from wattmesh_runtime.service import Runtime
from wattmesh_runtime.telemetry import Telemetry

PACKAGE = "wattmesh_migrated"
ROLE = "migrated_service"
CHECKED = DatabaseLimits(may_migrate=False)


@pytest.fixture(autouse=True)
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / PACKAGE / "migrations"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").touch()
    (folder / "0001_first.sql").write_text("CREATE TABLE first (id int)")
    monkeypatch.delitem(sys.modules, PACKAGE, raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(migrations, "WAITS_SECONDS", (0.1,) * 3)
    return folder


@pytest.fixture
def service_url(database_url: str) -> Iterator[str]:
    """The database as the service's role: no superuser, nothing owned."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"DROP ROLE IF EXISTS {ROLE}")
        connection.execute(f"CREATE ROLE {ROLE} LOGIN")
        yield conninfo.make_conninfo(database_url, user=ROLE)
        connection.execute(f"DROP OWNED BY {ROLE}")
        connection.execute(f"DROP ROLE {ROLE}")


async def run_job(database_url: str, role: str | None = None) -> None:
    settings = MigrationSettings(database_url=database_url, database_role=role)
    runtime = Runtime(settings, clock_from_spec("system"), Telemetry("test"))
    await migrate_package(PACKAGE, settings, runtime)


async def test_a_service_without_rights_waits_for_the_job_and_then_works(
    database_url: str, service_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "WAITS_SECONDS", (0.1,) * 200)
    async with Database(service_url, "migrated", limits=CHECKED) as database:
        waiting = asyncio.create_task(migrate(database, PACKAGE))
        await run_job(database_url, ROLE)
        await waiting
        async with database.connection() as connection:
            await connection.execute("INSERT INTO first VALUES (1)")
            for forbidden in (
                "CREATE TABLE migrated.second (id int)",
                "DROP TABLE first",
                "UPDATE schema_migrations SET sha256 = ''",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    await connection.execute(forbidden)
    async with PostgresLeases(service_url, "migrated") as leases:
        assert await leases.try_acquire("scope") is not None


async def test_a_service_says_which_migration_nobody_has_applied(
    database_url: str, package: Path
) -> None:
    await run_job(database_url)
    await run_job(database_url)
    (package / "0002_second.sql").write_text("CREATE TABLE second (id int)")
    async with Database(database_url, "migrated", limits=CHECKED) as database:
        with pytest.raises(FailedPrecondition, match="0002_second"):
            await migrate(database, PACKAGE)


async def test_names_are_texts_on_a_server_that_knows_no_characters(database_url: str) -> None:
    """PostgreSQL that was set up without a locale: migrations that are there were not found."""
    ascii_url = conninfo.make_conninfo(database_url, dbname="no_characters")
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "CREATE DATABASE no_characters ENCODING 'SQL_ASCII' LOCALE 'C'"
            " LOCALE_PROVIDER libc TEMPLATE template0"
        )
        try:
            await run_job(ascii_url)
            async with Database(ascii_url, "migrated", limits=CHECKED) as database:
                await migrate(database, PACKAGE)
            async with PostgresLeases(ascii_url, "migrated") as leases:
                assert await leases.try_acquire("somebody's") is not None
        finally:
            connection.execute("DROP DATABASE no_characters WITH (FORCE)")
