"""Queries that hang or flood cost neither ingestion nor other callers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
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
    metering_world,
    point,
    samples,
)
from wattmesh.metering.v1 import metering_pb2, metering_pb2_grpc
from wattmesh_contracts.values import duration_to_proto, time_range_to_proto
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.errors import error_from_rpc

POWER = point("meter", "active_power_w")
SERIES = metering_pb2.QuerySeriesRequest(
    point=POWER,
    range=time_range_to_proto(TimeRange(NOON - HOUR, NOON)),
    resolution=duration_to_proto(QUARTER),
    aggregation=metering_pb2.AGGREGATION_MEAN,
)
LATEST = metering_pb2.GetLatestReadingsRequest(points=[POWER])


@asynccontextmanager
async def hanging_series(database_url: str) -> AsyncIterator[None]:
    """Have whoever asks for a series wait, and nobody else: a table that only those read.

    They read it of points of which something is known beside their readings.
    """
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        await connection.execute(
            "INSERT INTO metering.eventful_points SELECT point_key FROM metering.points"
        )
    async with held_table(database_url, "metering", "register_resets"):
        yield


@asynccontextmanager
async def another_caller(
    world: MeteringWorld,
) -> AsyncIterator["metering_pb2_grpc.MeteringServiceAsyncStub"]:
    options = [("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.insecure_channel(world.target, options=options) as channel:
        yield metering_pb2_grpc.MeteringServiceStub(channel)


async def test_series_that_hang_leave_ingestion_and_other_callers_alone(
    database_url: str,
) -> None:
    async with metering_world(database_url) as world, another_caller(world) as other:
        await world.add_home()
        async with hanging_series(database_url):
            hanging = [asyncio.ensure_future(world.metering.QuerySeries(SERIES)) for _ in range(16)]
            await asyncio.sleep(0.2)
            (answer,) = await world.send(batch(1, samples(POWER, NOON - HOUR, QUARTER, [5.0])))
            latest = await other.GetLatestReadings(LATEST)
            assert not any(each.done() for each in hanging)
        series = await asyncio.gather(*hanging)

    assert answer.stored == 1
    assert [each.value for each in latest.readings] == [5.0]
    assert len(series) == 16


async def test_a_query_that_waits_for_a_lock_is_told_so_in_time(database_url: str) -> None:
    async with metering_world(database_url, database_lock_seconds=0.2) as world:
        await world.add_home()
        async with hanging_series(database_url):
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await world.metering.QuerySeries(SERIES, timeout=6)

    assert error_from_rpc(refused.value).reason == "DATABASE_CONFLICT"


async def test_a_point_of_which_nothing_is_known_is_answered_without_a_look_for_flags(
    database_url: str,
) -> None:
    spiky = point("inverter", "active_power_w")
    async with metering_world(database_url, database_lock_seconds=0.2) as world:
        await world.add_home()
        await world.send(batch(1, samples(POWER, NOON - HOUR, QUARTER, [5.0] * 5)))
        await world.send(batch(2, samples(spiky, NOON - HOUR, QUARTER, [5.0, 5.0, 9e4, 5.0, 5.0])))
        await eventually(lambda: _eventful(database_url))
        async with held_table(database_url, "metering", "reading_flags"):
            clean = await world.metering.QuerySeries(SERIES, timeout=6)
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await world.metering.QuerySeries(_series_of(spiky), timeout=6)

    assert list(clean.series.values) == [5.0] * 4
    assert error_from_rpc(refused.value).reason == "DATABASE_CONFLICT"


def _eventful(database_url: str) -> bool:
    """Return whether something is known of a point beside its readings."""
    with psycopg.connect(database_url) as connection:
        found = connection.execute("SELECT FROM metering.eventful_points").fetchone()
    return found is not None


def _series_of(name: str) -> metering_pb2.QuerySeriesRequest:
    request = metering_pb2.QuerySeriesRequest()
    request.CopyFrom(SERIES)
    request.point = name
    return request
