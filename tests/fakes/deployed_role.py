"""A service's schema as it is deployed: migrated by its owner, used by a role that owns nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
from psycopg import conninfo

from wattmesh_runtime.clocks import clock_from_spec
from wattmesh_runtime.database import Database, DatabaseLimits
from wattmesh_runtime.migrate import MigrationSettings, migrate_package
from wattmesh_runtime.service import Runtime
from wattmesh_runtime.telemetry import Telemetry


@asynccontextmanager
async def deployed(database_url: str, service: str) -> AsyncIterator[tuple[Database, str]]:
    """Give a service's database and its URL, both as its role."""
    role = f"deployed_{service}"
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute(f"DROP ROLE IF EXISTS {role}".encode())
        owner.execute(f"CREATE ROLE {role} LOGIN".encode())
        settings = MigrationSettings(database_url=database_url, database_role=role)
        runtime = Runtime(settings, clock_from_spec("system"), Telemetry("test"))
        await migrate_package(f"wattmesh_{service}", settings, runtime)
        url = conninfo.make_conninfo(database_url, user=role)
        async with Database(url, service, limits=DatabaseLimits(may_migrate=False)) as database:
            yield database, url
        owner.execute(f"DROP OWNED BY {role}".encode())
        owner.execute(f"DROP ROLE {role}".encode())
