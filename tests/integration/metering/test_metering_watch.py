"""Watching readings, on one replica and across two."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import grpc
import psycopg
import pytest

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
from wattmesh.metering.v1 import metering_pb2
from wattmesh_kernel.time import EPOCH

POWER = point("meter", "active_power_w")
SOC = point("battery", "soc_ratio")
HOME = "sites/home-1/devices/-/points/-"


def _watch(world: MeteringWorld, *points: str) -> AsyncIterator[metering_pb2.WatchReadingsResponse]:
    stream = world.metering.WatchReadings(metering_pb2.WatchReadingsRequest(points=points))
    return aiter(stream)


def _values(answer: metering_pb2.WatchReadingsResponse) -> list[tuple[str, float]]:
    readings = sorted(answer.readings, key=lambda one: (one.measure_time.seconds, one.point))
    return [(reading.point, reading.value) for reading in readings]


async def test_a_watch_begins_with_the_newest_and_goes_on_with_the_new(database_url: str) -> None:
    async with metering_world(database_url) as world:
        await world.add_home()
        await world.send(batch(1, samples(POWER, NOON - HOUR, QUARTER, [1, 2])))
        stream = _watch(world, HOME)
        assert _values(await anext(stream)) == [(POWER, 2)]
        rows = [(POWER, NOON, 5.0), (SOC, NOON, 0.5), (POWER, NOON - QUARTER, 4.0)]
        await world.send(batch(2, rows))
        news = _values(await anext(stream))
        if news == [(POWER, 1)]:  # what was kept just before may be announced only now
            news = _values(await anext(stream))
        assert news == [(POWER, 4), (SOC, 0.5), (POWER, 5)]
        await world.send(batch(3, [*rows, (SOC, NOON - QUARTER, 0.25)]))
        assert _values(await anext(stream)) == [(SOC, 0.25)]


async def test_a_watch_tells_only_of_its_points(database_url: str) -> None:
    async with metering_world(database_url) as world:
        await world.add_home()
        stream = _watch(world, SOC)
        assert _values(await anext(stream)) == []
        await world.send(batch(1, [(POWER, NOON, 1.0)]))
        await world.send(batch(2, [(POWER, NOON - HOUR, 1.0), (SOC, NOON, 0.75)]))
        assert _values(await anext(stream)) == [(SOC, 0.75)]


async def test_a_watch_hears_of_what_another_replica_keeps(database_url: str) -> None:
    async with metering_world(database_url) as one, metering_world(database_url) as other:
        await one.add_home()
        stream = _watch(other, HOME)
        await anext(stream)
        times = [NOON - timedelta(seconds=n) for n in range(1000)]
        await one.send(batch(1, [(POWER, time, float(n)) for n, time in enumerate(times)]))
        told: dict[float, float] = {}
        while len(told) < 1000:
            for reading in (await anext(stream)).readings:
                told[reading.value] = reading.measure_time.ToDatetime(EPOCH.tzinfo).timestamp()
        assert told == {float(n): time.timestamp() for n, time in enumerate(times)}


async def test_a_replica_that_was_alone_tells_another_one_from_its_first_moment_on(
    database_url: str,
) -> None:
    async with metering_world(database_url) as one:
        await one.add_home()
        alone = _watch(one, POWER)
        await anext(alone)
        await one.send(batch(1, [(POWER, NOON - HOUR, 1.0)]))
        assert _values(await anext(alone)) == [(POWER, 1)]
        async with metering_world(database_url) as other:
            beside = _watch(other, POWER)
            assert _values(await anext(beside)) == [(POWER, 1)]
            await one.send(batch(2, [(POWER, NOON - QUARTER, 2.0)]))
            await other.send(batch(1, [(POWER, NOON, 3.0)]))
            for stream in (alone, beside):  # each of both, once
                assert _values(await anext(stream)) == [(POWER, 2)]
                assert _values(await anext(stream)) == [(POWER, 3)]
        await one.send(batch(3, [(POWER, NOON + QUARTER / 5, 4.0)]))
        assert _values(await anext(alone)) == [(POWER, 4)]


async def test_a_watch_that_may_have_missed_something_ends_and_can_begin_again(
    database_url: str,
) -> None:
    async with metering_world(database_url) as world:
        await world.add_home()
        stream = _watch(world, HOME)
        await anext(stream)
        with psycopg.connect(database_url) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity JOIN pg_locks USING (pid)"
                " WHERE locktype = 'advisory' AND objsubid = 2 AND datname = current_database()"
            )
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await anext(stream)
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        await world.send(batch(1, [(POWER, NOON, 7.0)]))
        again = _watch(world, HOME)
        assert _values(await asyncio.wait_for(anext(again), 10)) == [(POWER, 7)]


async def test_watching_what_is_not_there_is_refused(database_url: str) -> None:
    async with metering_world(database_url) as world:
        for name in (HOME, POWER, "sites/home-1/devices/meter/points/-"):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await anext(_watch(world, name))
            assert caught.value.code() is grpc.StatusCode.NOT_FOUND
