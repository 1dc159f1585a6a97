"""Queries through a real server and a real database."""

import math
import random
from datetime import datetime, timedelta

import grpc
import numpy as np
import pytest

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
from wattmesh.type.v1 import error_reason_pb2
from wattmesh_contracts.values import duration_to_proto, time_range_to_proto
from wattmesh_kernel.time import TimeRange

IMPORT = point("meter", "import_energy_wh")
EXPORT = point("meter", "export_energy_wh")
POWER = point("meter", "active_power_w")
SOC = point("battery", "soc_ratio")
MORNING = TimeRange(NOON - 4 * HOUR, NOON)
HOME = "sites/home-1"

NAN = math.nan


async def _series(
    world: MeteringWorld,
    name: str,
    aggregation: metering_pb2.Aggregation.ValueType,
    span: TimeRange = MORNING,
    resolution: timedelta = HOUR,
) -> list[float]:
    answer = await world.metering.QuerySeries(
        metering_pb2.QuerySeriesRequest(
            point=name,
            range=time_range_to_proto(span),
            resolution=duration_to_proto(resolution),
            aggregation=aggregation,
        )
    )
    assert answer.series.start_time.ToDatetime(NOON.tzinfo) == span.start
    return list(answer.series.values)


@pytest.mark.parametrize(
    ("aggregation", "expected"),
    [
        (metering_pb2.AGGREGATION_MEAN, [2.5, 6.5, NAN, 13.5]),
        (metering_pb2.AGGREGATION_MAX, [4, 8, NAN, 15]),
        (metering_pb2.AGGREGATION_COUNT, [4, 4, 0, 4]),
        (metering_pb2.AGGREGATION_LAST, [0, 4, 8, 8]),
    ],
)
async def test_a_reading_belongs_to_the_interval_that_it_ends(
    database_url: str, aggregation: metering_pb2.Aggregation.ValueType, expected: list[float]
) -> None:
    async with metering_world(database_url) as world:
        await world.add_home()
        rows = samples(POWER, MORNING.start, QUARTER, range(9))
        rows += samples(POWER, NOON - 3 * QUARTER, QUARTER, range(12, 16))
        await world.send(batch(1, rows))
        found = await _series(world, POWER, aggregation)
    assert found == pytest.approx(expected, nan_ok=True)


async def test_the_last_reading_stands_for_a_day_and_no_longer(database_url: str) -> None:
    async with metering_world(database_url) as world:
        await world.add_home()
        await world.send(batch(1, [(SOC, NOON - 26 * HOUR, 0.5)]))
        found = await _series(world, SOC, metering_pb2.AGGREGATION_LAST)
    assert found == pytest.approx([0.5, 0.5, 0.5, NAN], nan_ok=True)


async def test_registers_are_interpolated_at_bounds_but_not_over_long_gaps(
    database_url: str,
) -> None:
    rows = [
        (IMPORT, NOON - 230 * timedelta(minutes=1), 110.0),  # 8:10
        (IMPORT, NOON - 170 * timedelta(minutes=1), 170.0),  # 9:10
        (IMPORT, NOON, 340.0),
    ]
    async with metering_world(database_url) as world:
        await world.add_home()
        await world.send(batch(1, rows))
        found = await _series(world, IMPORT, metering_pb2.AGGREGATION_INCREASE)
        assert found == pytest.approx([NAN, 60, 60, 60], nan_ok=True)
    async with metering_world(database_url, longest_gap_seconds=2 * 3600) as world:
        found = await _series(world, IMPORT, metering_pb2.AGGREGATION_INCREASE)
        assert found == pytest.approx([NAN, NAN, NAN, NAN], nan_ok=True)
        whole = TimeRange(MORNING.start, NOON)
        found = await _series(world, IMPORT, metering_pb2.AGGREGATION_INCREASE, whole, 4 * HOUR)
        assert found == pytest.approx([NAN], nan_ok=True)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"range": TimeRange(NOON - HOUR, NOON + QUARTER)}, "OFF_RASTER"),
        ({"range": TimeRange(NOON, NOON)}, "EMPTY_RANGE"),
        ({"resolution": timedelta(0)}, "INVALID_RESOLUTION"),
        ({"resolution": timedelta(milliseconds=500)}, "INVALID_RESOLUTION"),
        (
            {"resolution": timedelta(seconds=1), "range": TimeRange(NOON - 300 * 24 * HOUR, NOON)},
            "",
        ),
        ({"aggregation": metering_pb2.AGGREGATION_UNSPECIFIED}, "MISSING_FIELD"),
        ({"aggregation": metering_pb2.AGGREGATION_INCREASE}, "NO_REGISTER"),
        ({"point": f"{HOME}/devices/-/points/-"}, "ONE_POINT"),
        ({"point": "nonsense"}, "INVALID_NAME"),
    ],
)
async def test_a_query_that_makes_no_sense_is_refused(
    database_url: str, change: dict[str, object], reason: str
) -> None:
    asked = {"point": POWER, "range": MORNING, "resolution": HOUR, "aggregation": 1} | change
    async with metering_world(database_url) as world:
        await world.add_home()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await world.metering.QuerySeries(
                metering_pb2.QuerySeriesRequest(
                    point=str(asked["point"]),
                    range=time_range_to_proto(asked["range"]),  # type: ignore[arg-type]
                    resolution=duration_to_proto(asked["resolution"]),  # type: ignore[arg-type]
                    aggregation=asked["aggregation"],  # type: ignore[arg-type]
                )
            )
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert reason in str(caught.value.trailing_metadata())


async def test_many_series_are_asked_at_once_and_each_is_answered_by_itself(
    database_url: str,
) -> None:
    def asked(
        name: str, aggregation: metering_pb2.Aggregation.ValueType, span: TimeRange = MORNING
    ) -> metering_pb2.QuerySeriesRequest:
        return metering_pb2.QuerySeriesRequest(
            point=name,
            range=time_range_to_proto(span),
            resolution=duration_to_proto(HOUR),
            aggregation=aggregation,
        )

    early, late = TimeRange(NOON - 4 * HOUR, NOON - 2 * HOUR), TimeRange(NOON - 2 * HOUR, NOON)
    async with metering_world(database_url) as world:
        await world.add_home()
        await world.send(batch(1, samples(POWER, MORNING.start, QUARTER, range(17))))
        await world.send(batch(2, samples(IMPORT, MORNING.start, QUARTER, range(0, 1700, 100))))
        await world.send(batch(3, samples(EXPORT, MORNING.start, QUARTER, range(0, 170, 10))))
        answer = await world.metering.BatchQuerySeries(
            metering_pb2.BatchQuerySeriesRequest(
                requests=[
                    asked(POWER, metering_pb2.AGGREGATION_MEAN),
                    asked(point("meter", "nothing"), metering_pb2.AGGREGATION_MEAN),
                    asked(POWER, metering_pb2.AGGREGATION_INCREASE),
                    asked(IMPORT, metering_pb2.AGGREGATION_INCREASE),
                    asked(EXPORT, metering_pb2.AGGREGATION_INCREASE, late),
                    asked(IMPORT, metering_pb2.AGGREGATION_INCREASE, early),
                    asked("nonsense", metering_pb2.AGGREGATION_MEAN),
                    asked(POWER, metering_pb2.AGGREGATION_MEAN, TimeRange(NOON - HOUR, NOON)),
                    asked(SOC, metering_pb2.AGGREGATION_LAST),
                ]
            )
        )
    found = [
        pytest.approx(list(each.series.values), nan_ok=True)
        if each.HasField("series")
        else error_reason_pb2.ErrorReason.Name(each.reason).removeprefix("ERROR_REASON_")
        for each in answer.answers
    ]
    assert found == [
        [2.5, 6.5, 10.5, 14.5],
        "POINT_NOT_FOUND",
        "NO_REGISTER",
        [400, 400, 400, 400],
        [40, 40],
        [400, 400],
        "INVALID_NAME",
        [14.5],
        [NAN] * 4,
    ]
    assert all(each.message for each in answer.answers if not each.HasField("series"))


@pytest.mark.parametrize(
    ("count", "days", "reason"),
    [(0, 1, "MISSING_FIELD"), (1_001, 1, "TOO_MANY_ITEMS"), (13, 1_000, "RANGE_TOO_LONG")],
)
async def test_more_series_than_one_answer_bears_are_refused(
    database_url: str, count: int, days: int, reason: str
) -> None:
    request = metering_pb2.QuerySeriesRequest(
        point=POWER,
        range=time_range_to_proto(TimeRange(NOON - days * 24 * HOUR, NOON)),
        resolution=duration_to_proto(QUARTER),
        aggregation=metering_pb2.AGGREGATION_MEAN,
    )
    async with metering_world(database_url) as world:
        await world.add_home()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await world.metering.BatchQuerySeries(
                metering_pb2.BatchQuerySeriesRequest(requests=[request] * count)
            )
    assert reason in str(caught.value.trailing_metadata())


async def _fill_home(
    world: MeteringWorld, site: str, increases: dict[tuple[str, str], list[float]], start: datetime
) -> None:
    rows = [
        row
        for (device, direction), energies in increases.items()
        for row in samples(
            point(device, f"{direction}_energy_wh", site),
            start,
            QUARTER,
            np.cumsum([1000.0, *energies]).tolist(),
        )
    ]
    random.Random(7).shuffle(rows)
    cut = len(rows) // 3
    for answer in await world.send(batch(1, rows[:cut]), batch(2, rows[cut:]), source=site):
        assert not answer.rejected


async def test_a_home_balances_whatever_its_registers_show(database_url: str) -> None:
    draw = random.Random(3)
    registers = {
        (device, direction): [draw.choice([0.0, draw.uniform(0, 2000)]) for _ in range(16)]
        for device, direction in (
            ("meter", "import"),
            ("meter", "export"),
            ("inverter", "export"),
            ("battery", "import"),
            ("battery", "export"),
        )
    }
    async with metering_world(database_url, balance_tolerance_wh=0) as world:
        await world.add_home()
        await _fill_home(world, HOME, registers, MORNING.start)
        answer = await world.metering.QueryEnergy(energy_request(f"{HOME}/assets/-", span=MORNING))
    names = [energy.asset for energy in answer.energies]
    assert names == [f"{HOME}/assets/{name}" for name in ("battery", "grid", "load", "pv")]
    assert [energy.derived for energy in answer.energies] == [False, False, True, False]
    battery, grid, load, pv = (
        np.array(energy.import_energy_wh.values) - np.array(energy.export_energy_wh.values)
        for energy in answer.energies
    )
    hourly = {key: np.array(values).reshape(4, 4).sum(axis=1) for key, values in registers.items()}
    assert grid == pytest.approx(hourly["meter", "import"] - hourly["meter", "export"])
    assert pv == pytest.approx(-hourly["inverter", "export"])
    assert load == pytest.approx(grid - pv - battery)
    for energy in answer.energies:
        assert min(energy.import_energy_wh.values) >= 0
        assert min(energy.export_energy_wh.values) >= 0


async def test_energies_come_in_the_order_asked_from_several_sites(database_url: str) -> None:
    async with metering_world(database_url) as world:
        for number in (1, 2):
            await world.add_home(f"sites/home-{number}")
            await _fill_home(
                world,
                f"sites/home-{number}",
                {("meter", "import"): [100.0 * number] * 16, ("meter", "export"): [0.0] * 16},
                MORNING.start,
            )
        asked = ["sites/home-2/assets/grid", "sites/home-1/assets/pv", "sites/home-1/assets/grid"]
        answer = await world.metering.QueryEnergy(energy_request(*asked, span=MORNING))
    assert [energy.asset for energy in answer.energies] == asked
    assert list(answer.energies[0].import_energy_wh.values) == pytest.approx([800] * 4)
    assert all(map(math.isnan, answer.energies[1].export_energy_wh.values))
    assert list(answer.energies[2].import_energy_wh.values) == pytest.approx([400] * 4)


async def test_energy_of_what_is_not_there_is_refused(database_url: str) -> None:
    async with metering_world(database_url) as world:
        await world.add_home()
        for name in (f"{HOME}/assets/sauna", "sites/home-9/assets/grid", "sites/home-9/assets/-"):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await world.metering.QueryEnergy(energy_request(name, span=MORNING))
            assert caught.value.code() is grpc.StatusCode.NOT_FOUND
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await world.metering.QueryEnergy(energy_request(span=MORNING))
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_the_newest_readings_come_for_the_points_that_have_one(database_url: str) -> None:
    async with metering_world(database_url) as world:
        await world.add_home()
        await world.send(
            batch(1, [(POWER, NOON, 2.0), (POWER, NOON - HOUR, 1.0), (SOC, NOON, 0.5)])
        )

        async def latest(*points: str) -> list[tuple[str, float]]:
            answer = await world.metering.GetLatestReadings(
                metering_pb2.GetLatestReadingsRequest(points=points)
            )
            return [(reading.point, reading.value) for reading in answer.readings]

        assert await latest(f"{HOME}/devices/-/points/-") == [(SOC, 0.5), (POWER, 2)]
        assert await latest(f"{HOME}/devices/meter/points/-") == [(POWER, 2)]
        assert await latest(POWER, IMPORT, SOC, POWER) == [(POWER, 2), (SOC, 0.5)]
