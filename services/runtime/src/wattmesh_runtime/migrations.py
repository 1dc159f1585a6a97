"""Numbered SQL files, each applied once; any number of processes may start at the same time."""

import asyncio
import hashlib
import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import resources

from psycopg import AsyncConnection, sql

from wattmesh_kernel.errors import FailedPrecondition
from wattmesh_runtime.database import Database

log = logging.getLogger(__name__)

WAITS_SECONDS = (0.5, 1, 2, 4, 8, 14)
"""Between looks at the schema, while a job is about to change it [s]."""

_NAME = re.compile(r"\d{4}_[a-z0-9_]+\.sql")

_REPLACES = re.compile(r"^-- Replaces ([0-9a-f]{64})\b", re.MULTILINE)

_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    name text PRIMARY KEY,
    sha256 text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Migration:
    """One step of a schema: `0001_readings.sql` and its text."""

    name: str
    text: str

    @property
    def sha256(self) -> str:
        """The digest by which an edited migration is noticed."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def accepted(self) -> frozenset[str]:
        """The digests that it may have been applied with: its own, and those it says it replaces.

        A step that fails on some servers is mended that way: where it passed it is done, and where
        it did not, its new text is applied.
        """
        return frozenset({self.sha256, *_REPLACES.findall(self.text)})


async def migrate(database: Database, package: str) -> None:
    """Create the schema and apply `migrations/*.sql` of `package` that are not applied yet.

    Each file is one transaction. A database whose role may not change the schema is waited for
    instead, until a job has. Error: FailedPrecondition when an applied file has changed since, a
    file is misnamed, or no job has applied all of them in time.
    """
    migrations = read_migrations(package)
    if not database.may_migrate:
        await _wait_until_applied(database, package, migrations)
        return
    async with database.connection() as connection, _alone(connection, database.schema):
        schema = sql.Identifier(database.schema)
        await connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(schema))
        await connection.execute(_TABLE)
        for migration in _missing(migrations, await _applied(connection), package):
            await _apply(connection, migration)


def _missing(migrations: list[Migration], applied: dict[str, str], package: str) -> list[Migration]:
    """Return what is not applied yet; FailedPrecondition for what has changed since it was."""
    for migration in migrations:
        if applied.get(migration.name, migration.sha256) not in migration.accepted:
            raise FailedPrecondition(
                "MIGRATION_CHANGED",
                f"{package}: {migration.name} was applied and has changed since; add a new one",
            )
    return [migration for migration in migrations if migration.name not in applied]


async def _applied(connection: AsyncConnection) -> dict[str, str]:
    """Return the digests of the applied files by name; nothing where no table says so yet."""
    known = await connection.execute("SELECT to_regclass('schema_migrations') IS NOT NULL")
    if await known.fetchone() != (True,):
        return {}
    cursor = await connection.execute("SELECT name, sha256 FROM schema_migrations")
    return dict(await cursor.fetchall())


async def _wait_until_applied(
    database: Database, package: str, migrations: list[Migration]
) -> None:
    missing = migrations
    for wait in (*WAITS_SECONDS, None):
        async with database.connection() as connection:
            missing = _missing(migrations, await _applied(connection), package)
        if not missing:
            return
        if wait is not None:
            log.info("waiting for migration %s", missing[0].name)
            await asyncio.sleep(wait)
    raise FailedPrecondition(
        "MIGRATION_MISSING", f"{package}: {missing[0].name} is not applied; run its migration job"
    )


def read_migrations(package: str) -> list[Migration]:
    """Return the migrations of a package in their order."""
    folder = resources.files(package) / "migrations"
    files = sorted(
        (file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda f: f.name
    )
    for file in files:
        if not _NAME.fullmatch(file.name):
            raise FailedPrecondition(
                "MIGRATION_MISNAMED", f"{package}: {file.name} is not like 0001_what.sql"
            )
    return [Migration(name=file.name, text=file.read_text("utf-8")) for file in files]


async def _apply(connection: AsyncConnection, migration: Migration) -> None:
    async with connection.transaction():
        await connection.execute(sql.SQL(migration.text))
        await connection.execute(
            "INSERT INTO schema_migrations (name, sha256) VALUES (%s, %s)",
            (migration.name, migration.sha256),
        )
    log.info("applied migration %s", migration.name)


@asynccontextmanager
async def _alone(connection: AsyncConnection, schema: str) -> AsyncIterator[None]:
    """Hold the schema's lock: of several processes that start at once, one migrates."""
    key = int.from_bytes(hashlib.sha256(f"wattmesh/{schema}".encode()).digest()[:8], signed=True)
    # Others that start wait for however long a migration takes; these have no limits.
    await connection.execute("SET statement_timeout = 0; SET lock_timeout = 0")
    await connection.execute("SELECT pg_advisory_lock(%s)", (key,))
    try:
        yield
    finally:
        await connection.execute("RESET statement_timeout; RESET lock_timeout")
        await connection.execute("SELECT pg_advisory_unlock(%s)", (key,))
