"""What becomes of readings that are wrong: kept as they came, judged, and believed again."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import psycopg
import pytest

from tests.fakes.eventually import eventually
from tests.fakes.held_table import held_table
from tests.fakes.metering_world import (
    HOUR,
    NOON,
    QUARTER,
    MeteringWorld,
    batch,
    energy_request,
    metering_world,
    point,
    samples,
)
from wattmesh.metering.v1 import metering_pb2
from wattmesh_kernel.time import TimeRange

IMPORT = point("meter", "import_energy_wh")
POWER = point("meter", "active_power_w")
GRID = "sites/home-1/assets/grid"
START = NOON - 4 * HOUR


def _quarters(
    values: Sequence[float], start: datetime = START
) -> list[tuple[str, datetime, float]]:
    return samples(IMPORT, start, QUARTER, values)


async def judged(database_url: str) -> None:
    """Wait until everything that was committed is judged."""

    def nothing_left() -> bool:
        with psycopg.connect(database_url) as connection:
            return connection.execute("SELECT 1 FROM metering.arrivals").fetchone() is None

    await eventually(nothing_left)


def flags(database_url: str) -> list[tuple[str, datetime]]:
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "SELECT kind, start_time FROM metering.reading_flags WHERE clear_time IS NULL"
            " ORDER BY start_time"
        )
        return [(kind, moment) for kind, moment in rows]


async def _imported(world: MeteringWorld, hours: int = 4) -> list[float]:
    span = TimeRange(START, START + hours * HOUR)
    answer = await world.metering.QueryEnergy(energy_request(GRID, span=span))
    return list(answer.energies[0].import_energy_wh.values)


async def test_one_glitch_far_above_the_truth_ends_nothing(database_url: str) -> None:
    truth = [100.0 + 50 * n for n in range(17)]
    async with metering_world(database_url) as world:
        await world.add_home()
        await world.send(batch(1, _quarters([*truth[:6], 9e9])))
        answers = await world.send(
            *(batch(2 + n, [row]) for n, row in enumerate(_quarters(truth)[7:]))
        )
        assert sum(answer.stored for answer in answers) == 10
        assert not any(answer.rejected for answer in answers)
        await judged(database_url)
        assert flags(database_url) == [("spike", START + 6 * QUARTER)]
        assert await _imported(world) == [200, 200, 200, 200]
    with psycopg.connect(database_url) as connection:  # and it is kept as it came
        row = connection.execute("SELECT max(value) FROM metering.readings").fetchone()
        assert row == (9e9,)


async def test_a_glitch_that_came_first_gives_way_to_the_truth(database_url: str) -> None:
    async with metering_world(database_url) as world:
        await world.add_home()
        for sequence, row in enumerate([(IMPORT, START, 100.0), (IMPORT, NOON, 9e5)], start=1):
            await world.send(batch(sequence, [row]))
        await judged(database_url)
        truth = [100.0 + 50 * n for n in range(1, 16)]
        world.clock.advance(HOUR)
        later = samples(IMPORT, NOON + QUARTER, QUARTER, [910.0, 920.0, 930.0])
        await world.send(batch(3, [*_quarters(truth, START + QUARTER), *later]))
        await judged(database_url)
        assert ("spike", NOON) in flags(database_url)


async def test_an_exchange_that_nobody_announced_leaves_one_hour_unknown(
    database_url: str,
) -> None:
    shown = [90_000.0 + 50 * n for n in range(8)] + [7.0 + 50 * n for n in range(9)]
    async with metering_world(database_url) as world:
        await world.add_home()
        (answer,) = await world.send(batch(1, _quarters(shown)))
        assert (answer.stored, len(answer.rejected)) == (17, 0)
        await judged(database_url)
        assert flags(database_url) == [("exchange", NOON - 2 * HOUR)]
        hours = await _imported(world)
    assert hours == pytest.approx([200, float("nan"), 200, 200], nan_ok=True)


@pytest.mark.parametrize("width", [2.0**32, 1e8, 100_000.0])
async def test_a_register_that_runs_over_goes_on_counting(database_url: str, width: float) -> None:
    shown = [(width - 420 + 50 * n) % width for n in range(17)]
    async with metering_world(database_url) as world:
        await world.add_home()
        await world.send(batch(1, _quarters(shown)))
        await judged(database_url)
        assert [kind for kind, _ in flags(database_url)] == ["rollover"]
        assert await _imported(world) == [200, 200, 200, 200]


async def test_an_exchanged_meter_goes_on_after_a_reported_reset(database_url: str) -> None:
    shown = [90_000.0 + 50 * n for n in range(8)] + [7.0 + 50 * n for n in range(9)]
    async with metering_world(database_url) as world:
        await world.add_home()
        await world.send(batch(1, _quarters(shown)))
        await judged(database_url)
        (told,) = await world.send(batch(2, _quarters(shown), reset_rows=[8]))
        assert told.duplicates == 17
        await judged(database_url)
        assert flags(database_url) == []
        assert await _imported(world) == [200, 157, 200, 200]


async def test_a_gap_is_flagged_until_what_is_late_has_come(database_url: str) -> None:
    truth = _quarters([100.0 + 50 * n for n in range(17)])
    async with metering_world(database_url) as world:
        await world.add_home()
        await world.send(batch(1, [*truth[:4], *truth[9:]]))
        await judged(database_url)
        assert flags(database_url) == [("gap", START + 3 * QUARTER)]
        await world.send(batch(2, truth[4:9]))
        await judged(database_url)
        assert flags(database_url) == []


async def test_more_than_rated_is_flagged_and_three_times_as_much_not_believed(
    database_url: str,
) -> None:
    """The home's connection is rated 10 kW, its battery 5 kW."""
    shown = [0.0, 500.0, 4_500.0, 5_000.0, 5_500.0]
    async with metering_world(database_url) as world:
        await world.add_home()
        await world.send(batch(1, _quarters(shown)))
        await judged(database_url)
        assert flags(database_url) == [("rate", START + QUARTER)]
        batteries = point("battery", "active_power_w")
        rows = samples(batteries, START, QUARTER, [5_000, 6_000, 5_000, 90_000])
        await world.send(batch(2, rows))
        await judged(database_url)
        found = [kind for kind, _ in flags(database_url)]
        latest = await world.metering.GetLatestReadings(
            metering_pb2.GetLatestReadingsRequest(points=[batteries])
        )
    assert sorted(found) == ["rate", "rate", "spike"]
    assert [reading.value for reading in latest.readings] == [5_000]


async def test_what_could_not_be_judged_before_a_restart_is_judged_after_it(
    database_url: str,
) -> None:
    async with metering_world(database_url) as world:
        await world.add_home()
        async with held_table(database_url, "metering", "reading_flags"):  # nobody judges
            await world.send(batch(1, _quarters([100.0, 150.0, 9e9, 200.0, 250.0])))
    async with metering_world(database_url):
        await judged(database_url)
    assert flags(database_url) == [("spike", START + 2 * QUARTER)]


async def test_readings_of_many_years_are_judged_as_they_come(database_url: str) -> None:
    old = samples(IMPORT, NOON - timedelta(days=3000), QUARTER, [1.0, 2.0, 9e9, 3.0, 4.0])
    async with metering_world(database_url) as world:
        await world.add_home()
        await world.send(batch(1, [*old, *_quarters([100.0, 150.0, 9e9, 200.0, 250.0])]))
        await judged(database_url)
        found = [kind for kind, _ in flags(database_url)]
    assert found.count("spike") == 2
