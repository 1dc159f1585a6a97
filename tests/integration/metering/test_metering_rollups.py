"""Energies of past days come from roll-ups, and are what the readings say at any time."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import psycopg
import pytest

from tests.fakes.eventually import eventually
from tests.fakes.metering_world import (
    HOUR,
    NOON,
    MeteringWorld,
    batch,
    energy_request,
    metering_world,
    point,
    samples,
)
from wattmesh.metering.v1 import metering_pb2
from wattmesh.type.v1 import quality_pb2
from wattmesh_contracts.values import timestamp_to_proto
from wattmesh_kernel.time import TimeRange

DAY = timedelta(days=1)
IMPORT = point("meter", "import_energy_wh")
EXPORT = point("meter", "export_energy_wh")
GRID = "sites/home-1/assets/grid"
START = NOON.replace(hour=7) - 10 * DAY  # midnight in Los Angeles
SPAN = TimeRange(START, START + 9 * DAY)
RISES = [100.0 + 7 * (hour % 24) for hour in range(9 * 24 + 2)]


def _registers(rises: Sequence[float], first: float = 1000.0) -> list[tuple[str, datetime, float]]:
    """Readings at 20 past each hour, so that bounds lie between two of them."""
    values = [first]
    for rise in rises:
        values.append(values[-1] + rise)
    return samples(IMPORT, START - HOUR + timedelta(minutes=20), HOUR, values)


async def _imported(
    world: MeteringWorld, unit: metering_pb2.CalendarUnit.ValueType | None = None
) -> list[float]:
    request = energy_request(GRID, span=SPAN)
    if unit is not None:
        request.ClearField("resolution")
        request.calendar_unit = unit
    answer = await world.metering.QueryEnergy(request)
    return list(answer.energies[0].import_energy_wh.values)


async def _worth(world: MeteringWorld) -> tuple[list[float], list[int]]:
    """How much of each hour is covered, and its quality."""
    request = energy_request(GRID, span=SPAN)
    request.include_quality = True
    (energy,) = (await world.metering.QueryEnergy(request)).energies
    return list(energy.import_coverage_ratios), list(energy.qualities)


def _rolled(database_url: str) -> int:
    """How many days are rolled up, when none is to be made any more; else 0."""
    with psycopg.connect(database_url) as connection:
        row = connection.execute(
            "SELECT count(*) FILTER (WHERE (quarters IS NULL OR worths IS NULL) AND day <= 19873),"
            " count(worths)"
            " FROM metering.register_rollups"
        ).fetchone()
    assert row
    return 0 if row[0] else row[1]


def _spoil(database_url: str) -> None:
    """Have roll-ups say nonsense, so that it shows who reads them."""
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE metering.register_rollups SET quarters = ''")


def _spoil_worths(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE metering.register_rollups SET worths = ''")


async def test_days_and_hours_are_the_same_from_roll_ups_as_from_readings(
    database_url: str,
) -> None:
    async with metering_world(database_url) as world:
        await world.add_home()
        await world.send(batch(1, _registers(RISES)))
        read = await _imported(world)
        assert sum(read) == pytest.approx(sum(RISES[:216]), rel=0.01)
        await eventually(lambda: _rolled(database_url) >= 9, 30)
        assert await _imported(world) == pytest.approx(read, nan_ok=True)
        days = await _imported(world, metering_pb2.CALENDAR_UNIT_DAY)
        assert days == pytest.approx([sum(read[24 * n : 24 * n + 24]) for n in range(9)])
        _spoil(database_url)
        assert await _imported(world) != pytest.approx(read, nan_ok=True)


async def test_what_comes_late_or_is_corrected_shows_at_once_and_after_the_days_are_made_again(
    database_url: str,
) -> None:
    rows = _registers(RISES)
    missing = rows[30:36]
    async with metering_world(database_url) as world:
        await world.add_home()
        await world.send(batch(1, [row for row in rows if row not in missing]))
        read = await _worth(world)
        await eventually(lambda: _rolled(database_url) >= 9, 30)
        assert any(value != value for value in await _imported(world))
        assert await _worth(world) == read
        assert 0 < min(share for share in read[0] if share) < 1, "no hour is partly covered"
        await world.send(batch(2, missing))
        whole = await _imported(world)
        assert whole[28:36] == pytest.approx([RISES[n] for n in range(28, 36)], abs=10)
        await eventually(lambda: _rolled(database_url) >= 9, 30)
        assert await _imported(world) == pytest.approx(whole)

        name, moment, value = rows[100]
        await world.metering.CorrectReadings(
            metering_pb2.CorrectReadingsRequest(
                point=name,
                measure_times=[timestamp_to_proto(moment)],
                values=[value + 30],
                quality=quality_pb2.QUALITY_ESTIMATED,
                reason="read from the display",
            )
        )
        corrected, read = await _imported(world), await _worth(world)
        assert corrected != pytest.approx(whole)
        await eventually(lambda: _rolled(database_url) >= 9, 30)
        assert await _imported(world) == pytest.approx(corrected)
        assert await _worth(world) == read
        assert set(read[0]) == {1.0}
        assert [n for n, code in enumerate(read[1]) if code != quality_pb2.QUALITY_MEASURED] == [
            98,
            99,
            100,
        ]
        _spoil_worths(database_url)
        assert await _worth(world) != read


async def test_a_spike_in_the_past_is_not_in_the_roll_up_that_a_query_believes(
    database_url: str,
) -> None:
    rows = _registers(RISES)
    async with metering_world(database_url) as world:
        await world.add_home()
        await world.send(batch(1, rows))
        clean = await _imported(world)
        await eventually(lambda: _rolled(database_url) >= 9, 30)
        name, moment, value = rows[50]
        spike = (name, moment + timedelta(minutes=7), value + 9e6)
        await world.send(batch(2, [spike]))
        await eventually(lambda: _flagged(database_url))
        await eventually(lambda: _rolled(database_url) >= 9, 30)
        assert await _imported(world) == pytest.approx(clean)


def _flagged(database_url: str) -> bool:
    with psycopg.connect(database_url) as connection:
        return connection.execute("SELECT FROM metering.eventful_points").fetchone() is not None
