"""Metering as it is deployed: under a database role that owns nothing and may change no schema."""

from collections.abc import AsyncIterator
from datetime import timedelta

import numpy as np
import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from tests.fakes.deployed_role import deployed
from tests.fakes.metering_world import NOON
from wattmesh.site.v1.site_pb2 import Site
from wattmesh_kernel.callers import Caller
from wattmesh_metering.adapters.partitions import OpenPartitions, PostgresRetention
from wattmesh_metering.adapters.postgres_records import PostgresRecords
from wattmesh_metering.adapters.postgres_rollups import PostgresRollups
from wattmesh_metering.domain.readings import to_microseconds
from wattmesh_metering.domain.records import RecordKind
from wattmesh_runtime.access.guard import enter_identity
from wattmesh_runtime.database import Database

HOUR_US = 3_600_000_000


@pytest.fixture
async def service(database_url: str) -> AsyncIterator[tuple[Database, str]]:
    async with deployed(database_url, "metering") as found:
        yield found


@pytest.fixture
def service_database(service: tuple[Database, str]) -> Database:
    return service[0]


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


_RECORD = """
INSERT INTO metering.records (name, kind, site, refers, body, etag, revision)
VALUES (%s, %s, %s, '{}', %s, '', 1)
"""
_POINT = "INSERT INTO metering.points (name, device, quantity, kind) VALUES (%s, '', '', 'gauge')"


async def fill(database: Database) -> None:
    """Two sites with a device and a point each, and a group of both."""
    async with database.transaction() as connection:
        for site in ("sites/home-1", "sites/home-2"):
            body = Site(name=site, time_zone="UTC", currency_code="EUR").SerializeToString()
            await connection.execute(_RECORD, (site, "site", None, body))
            await connection.execute(_RECORD, (f"{site}/devices/d", "device", site, b""))
            await connection.execute(_POINT, (f"{site}/devices/d/points/p",))
        await connection.execute(_RECORD, ("groups/all", "group", None, b""))


async def test_a_session_for_one_tenant_is_given_no_row_of_anothers(
    service: tuple[Database, str],
) -> None:
    """Whatever it asks for; and what reads for everybody goes on to."""
    database, url = service
    await fill(database)
    own = {"sites/home-1", "sites/home-1/devices/d", "sites/home-1/devices/d/points/p"}
    names = b"SELECT name FROM metering.records UNION ALL SELECT name FROM metering.points"
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as raw:
        for reach, seen in (("sites/home-1", own), ("sites/home-9", set()), ("", set())):
            await raw.execute("SELECT set_config('wattmesh.reach', %s, false)", (reach,))
            rows = await (await raw.execute(names)).fetchall()
            assert {name for (name,) in rows} == seen
        with pytest.raises(InsufficientPrivilege):
            await raw.execute(
                "INSERT INTO metering.points VALUES (DEFAULT, 'a', 'b', 'c', 'gauge')"
            )
    records = PostgresRecords(database)
    enter_identity(Caller(name="ada", permissions=frozenset(), sites=frozenset({"sites/home-1"})))
    assert [each.name for each in await records.list(RecordKind.SITE, {}, "", 9)] == [
        "sites/home-1"
    ]
    assert await records.get("sites/home-2") is None
    async with database.connection() as connection:
        assert len(await (await connection.execute(names)).fetchall()) == 7
