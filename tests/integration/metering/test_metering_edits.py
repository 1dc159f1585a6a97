"""Corrections, declared exchanges, judging again, and what was known then."""

from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import numpy as np
import psycopg
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
    some_device,
)
from tests.integration.metering.test_metering_validation import flags, judged
from wattmesh.metering.v1 import metering_pb2
from wattmesh.site.v1 import device_pb2, site_service_pb2
from wattmesh.type.v1 import quality_pb2
from wattmesh_contracts.values import (
    duration_to_proto,
    time_range_to_proto,
    timestamp_to_proto,
)
from wattmesh_kernel.time import TimeRange
from wattmesh_metering.app.edit_readings import FlagQuery
from wattmesh_metering.domain.paging import next_token

IMPORT = point("meter", "import_energy_wh")
POWER = point("meter", "active_power_w")
GRID = "sites/home-1/assets/grid"
START = NOON - 4 * HOUR
SPAN = TimeRange(START, NOON)
NAN = float("nan")


async def _energy(world: MeteringWorld, **fields: Any) -> metering_pb2.AssetEnergy:
    request = energy_request(GRID, span=SPAN)
    request.MergeFrom(metering_pb2.QueryEnergyRequest(**fields))
    return (await world.metering.QueryEnergy(request)).energies[0]


async def test_an_exchange_that_is_declared_leaves_nothing_unknown(database_url: str) -> None:
    """The old meter showed 90,370 when it was taken away, the new one 2."""
    shown = [90_000.0 + 50 * n for n in range(8)] + [32.0 + 50 * n for n in range(9)]
    async with metering_world(database_url) as world:
        await world.add_home()
        await world.send(batch(1, samples(IMPORT, START, QUARTER, shown)))
        await judged(database_url)
        exchange = metering_pb2.DeclareExchangeRequest(
            point=IMPORT,
            exchange_time=timestamp_to_proto(START + 7 * QUARTER + timedelta(minutes=6)),
            final_value=90_370,
            initial_value=2,
            reason="works order 4711",
        )
        for _ in range(2):  # a repeat changes nothing
            await world.metering.DeclareExchange(exchange)
            await judged(database_url)
            assert flags(database_url) == []
            assert list((await _energy(world)).import_energy_wh.values) == [200, 200, 200, 200]
    with psycopg.connect(database_url) as connection:
        edits = connection.execute("SELECT kind, reason FROM metering.reading_edits").fetchall()
    assert edits == [("exchange", "works order 4711")] * 2


async def test_a_correction_stands_and_a_bill_of_before_can_be_printed_again(
    database_url: str,
) -> None:
    truth = [100.0 + 50 * n for n in range(17)]
    async with metering_world(database_url) as world:
        await world.add_home()
        wrong = [*truth[:8], *(value + 30 for value in truth[8:])]
        await world.send(batch(1, samples(IMPORT, START, QUARTER, wrong)))
        await judged(database_url)
        billed_at = world.clock.now()
        world.clock.advance(24 * HOUR)
        answer = await world.metering.CorrectReadings(
            metering_pb2.CorrectReadingsRequest(
                point=IMPORT,
                measure_times=[timestamp_to_proto(START + n * QUARTER) for n in range(8, 17)],
                values=truth[8:],
                quality=quality_pb2.QUALITY_SUBSTITUTED,
                reason="read off the display by the customer",
            )
        )
        assert (answer.stored, answer.revised) == (0, 9)
        now = await _energy(world, include_quality=True)
        then = await _energy(world, known_time=timestamp_to_proto(billed_at), include_quality=True)
        before = await _energy(world, known_time=timestamp_to_proto(billed_at - HOUR))
    assert list(now.import_energy_wh.values) == [200, 200, 200, 200]
    assert list(now.qualities) == [1, 3, 3, 3]
    assert list(then.import_energy_wh.values) == [200, 230, 200, 200]
    assert list(then.qualities) == [1, 1, 1, 1]
    assert np.isnan(before.import_energy_wh.values).all()


async def test_how_much_of_a_value_is_covered_is_said_beside_it(database_url: str) -> None:
    rows = samples(IMPORT, START, QUARTER, [100.0 + 50 * n for n in range(17)])
    late = [row for row in rows if not START + HOUR < row[1] < START + HOUR + 4 * QUARTER]
    async with metering_world(database_url, longest_gap_seconds=1800) as world:
        await world.add_home()
        await world.send(batch(1, late))
        energy = await _energy(world, include_quality=True)
        series = await world.metering.QuerySeries(
            metering_pb2.QuerySeriesRequest(
                point=IMPORT,
                range=time_range_to_proto(SPAN),
                resolution=duration_to_proto(2 * HOUR),
                aggregation=metering_pb2.AGGREGATION_INCREASE,
                include_quality=True,
            )
        )
    assert list(energy.import_coverage_ratios) == [1, 0, 1, 1]
    assert list(energy.export_coverage_ratios) == [0, 0, 0, 0]
    assert list(energy.import_energy_wh.values) == pytest.approx([200, 200, 200, 200])
    assert list(series.coverage_ratios) == [0.5, 1]


async def test_days_and_months_follow_the_sites_clock(database_url: str) -> None:
    """Los Angeles set its clocks on 10 March 2024 at 2:00: a day of 23 h."""
    start = datetime(2024, 3, 1, 8, tzinfo=UTC)  # midnight there
    end = datetime(2024, 4, 1, 7, tzinfo=UTC)
    hours = (end - start) // HOUR
    rows = samples(IMPORT, start, HOUR, [10.0 * n for n in range(hours + 1)])
    async with metering_world(database_url) as world:
        await world.add_home()
        await world.send(batch(1, rows))
        found = {}
        for unit in (metering_pb2.CALENDAR_UNIT_DAY, metering_pb2.CALENDAR_UNIT_MONTH):
            request = metering_pb2.QueryEnergyRequest(
                assets=[GRID], range=time_range_to_proto(TimeRange(start, end)), calendar_unit=unit
            )
            found[unit] = (await world.metering.QueryEnergy(request)).energies[0]
        request.range.start_time.CopyFrom(timestamp_to_proto(start + HOUR))
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await world.metering.QueryEnergy(request)
    days = found[metering_pb2.CALENDAR_UNIT_DAY]
    assert list(days.import_energy_wh.values) == pytest.approx([240.0] * 9 + [230] + [240] * 21)
    assert len(days.bound_times) == 32
    month = found[metering_pb2.CALENDAR_UNIT_MONTH]
    assert list(month.import_energy_wh.values) == pytest.approx([10 * 743])
    assert "OFF_RASTER" in str(refused.value.trailing_metadata())


async def test_what_one_answer_does_not_bear_is_streamed_in_bounded_pieces(
    database_url: str,
) -> None:
    """An hourly year of 60 assets: more than a million values."""
    start = datetime(2023, 1, 1, tzinfo=UTC)
    span = TimeRange(start, start + 8760 * HOUR)
    rows = samples(IMPORT, start, 2 * HOUR, [20.0 * n for n in range(4381)])
    async with metering_world(database_url) as world:
        await world.add_home()
        await world.send(batch(1, rows))
        query = energy_request(*[GRID] * 60, span=span)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await world.metering.QueryEnergy(query)
        values: list[float] = []
        sizes = []
        stream = world.metering.StreamEnergy(metering_pb2.StreamEnergyRequest(query=query))
        async for piece in stream:
            sizes.append(piece.ByteSize())
            for energy in piece.energies:
                values += energy.import_energy_wh.values
    assert "RANGE_TOO_LONG" in str(refused.value.trailing_metadata())
    assert max(sizes) < 2**20
    assert len(values) == 8760 * 60
    assert np.allclose(values, 10.0)


async def test_judging_again_takes_a_new_rating_into_account_and_sees_what_shows_over_days(
    database_url: str,
) -> None:
    stuck = samples(POWER, NOON - 30 * HOUR, QUARTER, [421.5] * 60)
    async with metering_world(database_url) as world:
        await world.add_home()
        await world.send(batch(1, stuck))
        await judged(database_url)
        assert flags(database_url) == []
        replay = metering_pb2.ReplayValidationRequest(
            points=["sites/home-1/devices/-/points/-"],
            range=time_range_to_proto(TimeRange(NOON - 48 * HOUR, NOON)),
        )
        first = await world.metering.ReplayValidation(replay)
        second = await world.metering.ReplayValidation(replay)
        listed = await world.metering.ListReadingFlags(
            metering_pb2.ListReadingFlagsRequest(parent="sites/home-1/devices/-/points/-")
        )
    assert (first.raised, first.cleared) == (1, 0)
    assert (second.raised, second.cleared) == (0, 0)
    (flag,) = listed.flags
    assert flag.kind == metering_pb2.READING_FLAG_KIND_STUCK
    assert (flag.point, flag.excluded) == (POWER, False)


async def test_a_check_meter_with_swapped_directions_is_told_when_it_is_looked_for(
    database_url: str,
) -> None:
    drawn, fed = [100.0 * n for n in range(200)], [0.0] * 200
    function = device_pb2.DeviceFunction(asset=GRID, meter_role=device_pb2.METER_ROLE_CHECK)
    check = some_device(
        "sites/home-1/devices/check", ("import_energy_wh", "export_energy_wh"), function
    )
    start = NOON - 50 * HOUR
    async with metering_world(database_url) as world:
        await world.add_home()
        await world.sites.CreateDevice(site_service_pb2.CreateDeviceRequest(device=check))
        for sequence, (device, into, out) in enumerate(
            (("meter", drawn, fed), ("check", fed, drawn)), start=1
        ):
            rows = [
                *samples(point(device, "import_energy_wh"), start, QUARTER, into),
                *samples(point(device, "export_energy_wh"), start, QUARTER, out),
            ]
            await world.send(batch(sequence, rows))
        await judged(database_url)
        replay = metering_pb2.ReplayValidationRequest(
            points=["sites/home-1/devices/-/points/-"],
            range=time_range_to_proto(TimeRange(start, NOON)),
        )
        first = await world.metering.ReplayValidation(replay)
        second = await world.metering.ReplayValidation(replay)
    assert (first.raised, second.raised, second.cleared) == (2, 0, 0)
    assert [kind for kind, _ in flags(database_url)] == ["sign", "sign"]


async def test_flags_come_in_pages_and_cleared_ones_when_asked_for(database_url: str) -> None:
    values = [100.0, 9e9, 150.0, 9e9, 200.0, 9e9, 250.0]
    async with metering_world(database_url) as world:
        await world.add_home()
        rows = samples(IMPORT, START, QUARTER, values)
        await world.send(batch(1, [*rows[:3], *rows[5:]]))
        await judged(database_url)
        await world.send(batch(2, rows[3:5]))
        await judged(database_url)
        found: list[metering_pb2.ReadingFlag] = []
        token = ""
        while not found or token:
            page = await world.metering.ListReadingFlags(
                metering_pb2.ListReadingFlagsRequest(
                    parent=IMPORT, page_size=1, page_token=token, include_cleared=True
                )
            )
            found += page.flags
            token = page.next_page_token
    kinds = [(flag.kind, flag.HasField("clear_time")) for flag in found]
    assert kinds.count((metering_pb2.READING_FLAG_KIND_SPIKE, False)) == 3
    assert (metering_pb2.READING_FLAG_KIND_GAP, True) in kinds


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (
            metering_pb2.CorrectReadingsRequest(
                point=IMPORT, quality=quality_pb2.QUALITY_ESTIMATED
            ),
            "MISSING_FIELD",
        ),
        (metering_pb2.CorrectReadingsRequest(point=IMPORT, reason="x"), "MISSING_FIELD"),
        (
            metering_pb2.CorrectReadingsRequest(
                point=IMPORT,
                measure_times=[timestamp_to_proto(NOON)],
                values=[1.0],
                quality=quality_pb2.QUALITY_MEASURED,
                reason="x",
            ),
            "INVALID_VALUE",
        ),
        (metering_pb2.DeclareExchangeRequest(point=IMPORT, reason="x"), "MISSING_FIELD"),
        (
            metering_pb2.DeclareExchangeRequest(
                point=POWER, exchange_time=timestamp_to_proto(NOON), reason="x"
            ),
            "NO_REGISTER",
        ),
        (
            metering_pb2.DeclareExchangeRequest(
                point=point("meter", "export_energy_w"),
                exchange_time=timestamp_to_proto(NOON),
                reason="x",
            ),
            "POINT_NOT_FOUND",
        ),
        (
            metering_pb2.ListReadingFlagsRequest(
                parent=IMPORT, page_token=next_token(f"flags/{IMPORT}/{FlagQuery()}", "x")
            ),
            "INVALID_PAGE_TOKEN",
        ),
        (metering_pb2.ReplayValidationRequest(points=[IMPORT]), "MISSING_FIELD"),
    ],
)
async def test_an_edit_that_makes_no_sense_is_refused(
    database_url: str, request_: Any, reason: str
) -> None:
    name = type(request_).__name__.removesuffix("Request")
    async with metering_world(database_url) as world:
        await world.add_home()
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await getattr(world.metering, name)(request_)
    assert reason in str(refused.value.trailing_metadata())
