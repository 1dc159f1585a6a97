"""Bring a service's schema up to date: `python -m wattmesh_runtime.migrate wattmesh_metering`.

A job for a role that may change schemas, before services start that may not
(`WATTMESH_DATABASE_MIGRATIONS=check`). With `WATTMESH_DATABASE_ROLE` it lets that role, the
service's own, read, write and call what is in the schema, and nothing else.
"""

import sys
from functools import partial

from psycopg import AsyncConnection, sql

from wattmesh_runtime.database import Database
from wattmesh_runtime.job import run_job
from wattmesh_runtime.lease_session import create_leases
from wattmesh_runtime.migrations import migrate
from wattmesh_runtime.service import Runtime
from wattmesh_runtime.settings import ServiceSettings

PREFIX = "wattmesh_"

_GRANTS = """
GRANT USAGE ON SCHEMA {schema} TO {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role};
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {role};
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {schema} TO {role};
REVOKE INSERT, UPDATE, DELETE ON {schema}.schema_migrations FROM {role}
"""


class MigrationSettings(ServiceSettings):
    """What the job is told by its environment."""

    database_url: str
    """PostgreSQL, as a role that may create schemas and owns what is in them."""
    database_role: str | None = None
    """The service's role; None: it is the same."""


async def migrate_package(package: str, settings: MigrationSettings, _: Runtime) -> None:
    """Apply what is missing of one package, in the schema of its name."""
    schema = package.removeprefix(PREFIX)
    async with Database(settings.database_url, schema) as database:
        await migrate(database, package)
        async with database.connection() as connection:
            await create_leases(connection, schema)
            if settings.database_role is not None:
                await _grant(connection, schema, settings.database_role)


async def _grant(connection: AsyncConnection, schema: str, role: str) -> None:
    names = {"schema": sql.Identifier(schema), "role": sql.Identifier(role)}
    async with connection.transaction():
        await connection.execute(sql.SQL(_GRANTS).format(**names))


def main(arguments: list[str]) -> None:
    """Migrate the one package that is named."""
    if len(arguments) != 1 or not arguments[0].startswith(PREFIX):
        raise SystemExit(__doc__)
    run_job(MigrationSettings, partial(migrate_package, arguments[0]))


if __name__ == "__main__":
    main(sys.argv[1:])
