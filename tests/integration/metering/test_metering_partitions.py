"""Readings lie in partitions of bounded size, what was there before too; bills lose nothing."""

from datetime import datetime, timedelta

import psycopg
import pytest

from tests.fakes.metering_world import (
    NOON,
    QUARTER,
    batch,
    energy_request,
    metering_world,
    point,
    samples,
)
from wattmesh_kernel.time import TimeRange
from wattmesh_metering.adapters.partitions import PostgresRetention
from wattmesh_runtime.database import Database
from wattmesh_runtime.migrations import read_migrations

POWER = point("meter", "active_power_w")
IMPORT = point("meter", "import_energy_wh")
GRID = "sites/home-1/assets/grid"
YEAR = timedelta(days=365)
FORMER = NOON - YEAR
FORMER_ROWS = """
INSERT INTO readings SELECT k, 1, 1, %s + i * interval '15 min', 25 * i, NULL
FROM generate_series(1, 3) AS k, generate_series(0, 96) AS i
"""


def _partitions(database_url: str) -> dict[str, int]:
    with psycopg.connect(database_url) as connection:
        if connection.execute("SELECT FROM pg_extension WHERE extname = 'timescaledb'").fetchone():
            pytest.skip("TimescaleDB has chunks")
        return dict(
            connection.execute(
                "SELECT tableoid::regclass::text, count(*) FROM metering.readings GROUP BY 1"
            ).fetchall()
        )


def _keep_former_readings(database_url: str) -> None:
    """Have a database as it was before partitions, with a day of three points.

    A step that was mended since had been applied with its former text.
    """
    with psycopg.connect(database_url) as connection:
        connection.execute("CREATE SCHEMA metering; SET search_path = metering, public")
        connection.execute(
            "CREATE TABLE schema_migrations (name text PRIMARY KEY, sha256 text NOT NULL,"
            " applied_at timestamptz NOT NULL DEFAULT now())"
        )
        for migration in read_migrations("wattmesh_metering"):
            if migration.name < "0010":
                connection.execute(migration.text.encode())
                connection.execute(
                    "INSERT INTO schema_migrations VALUES (%s, %s)",
                    (
                        migration.name,
                        min(migration.accepted - {migration.sha256}, default=migration.sha256),
                    ),
                )
        connection.execute(FORMER_ROWS, (FORMER,))


async def test_what_was_kept_before_partitions_is_one_and_new_readings_have_theirs(
    database_url: str,
) -> None:
    _keep_former_readings(database_url)
    async with metering_world(database_url) as world:
        await world.add_home()
        last = [*samples(POWER, FORMER, QUARTER, [0.0]), *samples(POWER, NOON, QUARTER, [1.0])]
        (answer,) = await world.send(batch(1, last))
        assert answer.stored + answer.duplicates + answer.revised == 2
    found = _partitions(database_url)
    assert found["metering.readings_former"] == 3 * 97
    assert found["metering.readings_2024q2"] == 1


async def test_a_batch_may_span_any_number_of_partitions(database_url: str) -> None:
    async with metering_world(database_url) as world:
        await world.add_home()
        times = [datetime.fromisoformat(f"{year}-07-01T00:00Z") for year in (1999, 2009, 2015)]
        edge = datetime.fromisoformat("2024-03-31T23:59:59.999999Z")
        rows = [(POWER, moment, 1.0) for moment in (*times, edge, edge + timedelta(microseconds=1))]
        (answer,) = await world.send(batch(1, rows))
        assert answer.stored == 5
        (answer,) = await world.send(batch(1, rows))
        assert answer.duplicates == 5
    assert _partitions(database_url) == {
        "metering.readings_early": 2,
        "metering.readings_2015q3": 1,
        "metering.readings_2024q1": 1,
        "metering.readings_2024q2": 1,
    }


async def test_old_gauges_are_forgotten_and_no_bill_changes(database_url: str) -> None:
    old = NOON - YEAR
    span = TimeRange(old, old + timedelta(days=1))
    async with metering_world(database_url) as world:
        await world.add_home()
        quarters = [100.0 * number for number in range(97)]
        rows = [*samples(IMPORT, old, QUARTER, quarters), *samples(POWER, old, QUARTER, quarters)]
        await world.send(batch(1, [*rows, (POWER, NOON, 1.0)]))
        await world.send(batch(2, [(IMPORT, old + 4 * QUARTER, 410.0), (POWER, old, 5.0)]))
        before = await world.metering.QueryEnergy(energy_request(GRID, span=span))
        async with Database(database_url, "metering") as database:
            retention = PostgresRetention(database)
            turns = 0
            while await retention.forget_gauges(NOON - YEAR / 2, NOON):
                turns += 1
        assert turns == 1
        after = await world.metering.QueryEnergy(energy_request(GRID, span=span))
        assert after.energies[0].import_energy_wh.values[0] == 410.0
        assert after == before
        # what comes late finds its place, and what is recent is there
        (answer,) = await world.send(batch(3, [(POWER, old, 5.0), (IMPORT, old, 0.0)]))
        assert (answer.stored, answer.duplicates) == (1, 1)
    with psycopg.connect(database_url) as connection:
        kept = connection.execute(
            "SELECT quantity, count(*) FROM metering.readings"
            " JOIN metering.points USING (point_key) GROUP BY 1 ORDER BY 1"
        ).fetchall()
        past = connection.execute("SELECT value FROM metering.superseded_readings").fetchall()
    assert kept == [("active_power_w", 2), ("import_energy_wh", 97)]
    assert past == [(400.0,)]
