"""Substitutes stand in answers that ask for them, say so, and give way to what comes late."""

from datetime import datetime, timedelta

import numpy as np
import pytest

from tests.fakes.eventually import eventually
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
from tests.integration.metering.test_metering_validation import judged
from wattmesh.metering.v1 import metering_pb2
from wattmesh_contracts.values import (
    duration_to_proto,
    time_range_to_proto,
    timestamp_to_proto,
)
from wattmesh_kernel.time import TimeRange

IMPORT = point("meter", "import_energy_wh")
POWER = point("meter", "active_power_w")
START = NOON.replace(hour=0) - timedelta(days=15)  # a Friday
GONE = START + 7 * timedelta(days=1) + 6 * HOUR
BACK = GONE + 12 * HOUR
DAY = TimeRange(GONE - 6 * HOUR, GONE + 18 * HOUR)
WEEK = TimeRange(START + timedelta(days=4), START + timedelta(days=10))


def _drawn(moment: datetime) -> float:
    """What is drawn in the quarter of an hour from then on [Wh]."""
    return 10.0 + 40.0 * (8 <= moment.hour < 12)


def _rows() -> list[tuple[str, datetime, float]]:
    times = [START + step * QUARTER for step in range(15 * 96)]
    shown = np.concatenate([[5000.0], 5000.0 + np.cumsum([_drawn(each) for each in times])])
    powers = [4 * _drawn(each - QUARTER) for each in times]
    return [*samples(IMPORT, START, QUARTER, shown), *samples(POWER, START, QUARTER, powers)]


async def _energy(
    world: MeteringWorld, span: TimeRange, known: datetime | None = None, included: bool = True
) -> metering_pb2.AssetEnergy:
    request = energy_request("sites/home-1/assets/grid", span=span)
    request.include_quality = True
    request.include_substitutes = included
    if known is not None:
        request.known_time.CopyFrom(timestamp_to_proto(known))
    return (await world.metering.QueryEnergy(request)).energies[0]


async def _substituted(world: MeteringWorld) -> bool:
    listed = await world.metering.ListReadingFlags(
        metering_pb2.ListReadingFlagsRequest(parent="sites/home-1/devices/-/points/-")
    )
    same_day = metering_pb2.SUBSTITUTE_METHOD_SAME_DAY_TYPE
    return [each.substitute_method for each in listed.flags] == [same_day, same_day]


async def test_what_is_missing_is_substituted_where_asked_for_until_it_comes_late(
    database_url: str,
) -> None:
    rows = _rows()
    late = [row for row in rows if GONE < row[1] < BACK]
    truth = [
        sum(_drawn(GONE - 6 * HOUR + n * QUARTER) for n in range(4 * h, 4 * h + 4))
        for h in range(24)
    ]
    async with metering_world(database_url) as world:
        await world.add_home()
        await world.send(batch(1, [row for row in rows if row not in late]))
        await judged(database_url)
        before = world.clock.now()
        plain = await _energy(world, DAY, included=False)
        assert np.isnan(plain.import_energy_wh.values).sum() == 12
        await eventually(lambda: _substituted(world))

        for span, first in ((DAY, 0), (WEEK, 72)):  # read from readings, and from roll-ups
            put = await _energy(world, span)
            hours = slice(first, first + 24)
            assert list(put.import_energy_wh.values)[hours] == pytest.approx(truth)
            assert list(put.qualities)[hours] == [1] * 6 + [3] * 12 + [1] * 6
            assert list(put.import_coverage_ratios)[hours] == [1] * 6 + [0] * 12 + [1] * 6
        inside = await _energy(world, TimeRange(GONE + 5 * HOUR, GONE + 6 * HOUR))
        assert list(inside.import_energy_wh.values) == pytest.approx([truth[11]])
        powers = await world.metering.QuerySeries(
            metering_pb2.QuerySeriesRequest(
                point=POWER,
                range=time_range_to_proto(TimeRange(GONE + HOUR, GONE + 4 * HOUR)),
                resolution=duration_to_proto(HOUR),
                aggregation=metering_pb2.AGGREGATION_MEAN,
                include_quality=True,
                include_substitutes=True,
            )
        )
        assert list(powers.series.values) == pytest.approx(truth[7:10])
        assert list(powers.qualities) == [3, 3, 3]
        assert np.isnan((await _energy(world, DAY, before - HOUR)).import_energy_wh.values).all()

        world.clock.advance(HOUR)
        assert (
            await world.metering.ReplayValidation(
                metering_pb2.ReplayValidationRequest(
                    points=[IMPORT], range=time_range_to_proto(DAY)
                )
            )
        ).substituted == 0
        real = [
            (name, moment, value + 1 * (moment < GONE + 6 * HOUR)) for name, moment, value in late
        ]
        await world.send(batch(2, real))
        await judged(database_url)
        now = await _energy(world, DAY)
        assert list(now.qualities) == [1] * 24
        assert now.import_energy_wh.values[6] == pytest.approx(truth[6] + 1)
        then = await _energy(world, DAY, world.clock.now() - HOUR)
        assert list(then.import_energy_wh.values) == pytest.approx(truth)
        assert list(then.qualities) == [1] * 6 + [3] * 12 + [1] * 6
