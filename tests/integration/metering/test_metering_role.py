"""Metering as it is deployed: under a database role that owns nothing and may change no schema."""

from collections.abc import AsyncIterator
from datetime import timedelta

import numpy as np
import psycopg
import pytest
from psycopg import conninfo

from tests.fakes.metering_world import NOON
from wattmesh_metering.adapters.partitions import OpenPartitions, PostgresRetention
from wattmesh_metering.adapters.postgres_rollups import PostgresRollups
from wattmesh_metering.domain.readings import to_microseconds
from wattmesh_runtime.clocks import clock_from_spec
from wattmesh_runtime.database import Database, DatabaseLimits
from wattmesh_runtime.migrate import MigrationSettings, migrate_package
from wattmesh_runtime.service import Runtime
from wattmesh_runtime.telemetry import Telemetry

ROLE = "deployed_metering"
HOUR_US = 3_600_000_000


@pytest.fixture
async def service_database(database_url: str) -> AsyncIterator[Database]:
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute(f"DROP ROLE IF EXISTS {ROLE}")
        owner.execute(f"CREATE ROLE {ROLE} LOGIN")
        settings = MigrationSettings(database_url=database_url, database_role=ROLE)
        runtime = Runtime(settings, clock_from_spec("system"), Telemetry("test"))
        await migrate_package("wattmesh_metering", settings, runtime)
        url = conninfo.make_conninfo(database_url, user=ROLE)
        limits = DatabaseLimits(may_migrate=False)
        async with Database(url, "metering", limits=limits) as database:
            yield database
        owner.execute(f"DROP OWNED BY {ROLE}")
        owner.execute(f"DROP ROLE {ROLE}")


async def test_roll_ups_are_made_anew_after_another_longest_gap(
    service_database: Database,
) -> None:
    rollups = PostgresRollups(service_database)
    for longest_gap_us in (HOUR_US, 2 * HOUR_US):
        assert await rollups.turn(17_000, longest_gap_us) is False


async def test_partitions_are_opened_and_thinned_for_a_role_that_owns_none(
    service_database: Database,
) -> None:
    await OpenPartitions(service_database).open(np.array([to_microseconds(NOON)]))
    async with service_database.connection() as connection:
        await connection.execute("INSERT INTO readings VALUES (1, 1, 1, %s, 1, 1)", (NOON,))
    later = NOON + timedelta(days=200)
    assert await PostgresRetention(service_database).forget_gauges(later, later)
    async with service_database.connection() as connection:
        cursor = await connection.execute("SELECT count(*) FROM readings")
        assert await cursor.fetchone() == (1,)  # of a point that is no gauge
