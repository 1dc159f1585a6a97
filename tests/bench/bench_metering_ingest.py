"""How fast readings get through metering's gRPC stream into PostgreSQL, beside a bare COPY.

Prints one line of JSON; rates are readings per second, the ratio is to the bare COPY of the same
rows into a table with the same key in the same run.
"""

import asyncio
import json
import os
import statistics
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import numpy as np
import psycopg
import pytest

from tests.fakes.metering_world import (
    MeteringWorld,
    energy_request,
    metering_world,
    some_device,
)
from wattmesh.metering.v1 import metering_pb2
from wattmesh.site.v1 import asset_pb2, device_pb2, site_pb2, site_service_pb2
from wattmesh.type.v1 import rating_pb2
from wattmesh_kernel.time import EPOCH, TimeRange
from wattmesh_metering.adapters.columns import copy_data
from wattmesh_metering.domain.readings import Rows

POINTS = 100
BATCH_ROWS = 10_000
BATCHES = int(os.environ.get("WATTMESH_BENCH_BATCHES", "20"))
ROUNDS = int(os.environ.get("WATTMESH_BENCH_ROUNDS", "3"))
QUARTER_US = 900_000_000
START = datetime(2024, 1, 1, tzinfo=UTC)
START_US = (START - EPOCH) // timedelta(microseconds=1)
BARE = """
CREATE TABLE bare (
    point_key integer NOT NULL, source_key smallint NOT NULL, quality smallint NOT NULL,
    measure_time timestamptz NOT NULL, value double precision NOT NULL, received bigint,
    PRIMARY KEY (point_key, measure_time) INCLUDE (value, quality))
"""


@pytest.mark.time_limit(400)
async def test_metering_ingest(database_url: str) -> None:
    async with metering_world(database_url) as world:
        gauges = await _add_points(world, "gauges", "active_power_w")
        registers = await _add_points(world, "registers", "import_energy_wh")
        rates: dict[str, list[float]] = {}
        for turn in range(ROUNDS):
            first = turn * BATCHES
            runs: dict[str, Callable[[], Awaitable[None]]] = {
                "bare_copy": partial(_bare_copy, database_url, first),
                "gauges": partial(_stream, world, gauges, first),
                "gauges_again": partial(_stream, world, gauges, first),
                "registers": partial(_stream, world, registers, first),
                "two_streams": partial(_two_streams, world, gauges, first),
            }
            for name, run in runs.items():
                rates.setdefault(name, []).append(await _rate(run))
        report: dict[str, object] = {
            f"{name}_per_s": round(statistics.median(found)) for name, found in rates.items()
        }
        bare = statistics.median(rates["bare_copy"])
        report |= {
            f"{name}_ratio": round(statistics.median(found) / bare, 3)
            for name, found in rates.items()
            if name != "bare_copy"
        }
    print(json.dumps({"bench": "metering_ingest", "rows": BATCHES * BATCH_ROWS} | report))


async def test_metering_query_energy(database_url: str) -> None:
    """25 assets of 9 sites, 5 weeks of quarters, hourly."""
    weeks, sites = 5, 9
    async with metering_world(database_url) as world:
        for number in range(1, sites + 1):
            await world.add_home(f"sites/home-{number}")
            await _fill(world, f"sites/home-{number}", weeks * 7 * 96 + 1)
        span = TimeRange(START, START + timedelta(weeks=weeks))
        assets = [
            f"sites/home-{number}/assets/{asset}"
            for number in range(1, sites + 1)
            for asset in ("load", "pv", "battery")
        ][:25]
        seconds = []
        for _ in range(5 * ROUNDS):
            began = time.perf_counter()
            answer = await world.metering.QueryEnergy(energy_request(*assets, span=span))
            seconds.append(time.perf_counter() - began)
        values = np.array([energy.import_energy_wh.values for energy in answer.energies])
        assert values.shape == (25, weeks * 168)
        assert not np.isnan(values).any()
    median_ms = 1000 * statistics.median(seconds)
    print(json.dumps({"bench": "metering_query_energy", "assets": 25, "ms": round(median_ms, 1)}))


@pytest.mark.time_limit(400)
async def test_metering_loop_queries(database_url: str) -> None:
    """What the loop asks for: 1,000 assets of 250 homes over 48 h, hourly; 1,000 newest readings.

    CPU is that of this process: server and client together, without the database.
    """
    homes = 250
    async with metering_world(database_url) as world:
        for number in range(1, homes + 1):
            await world.add_home(f"sites/home-{number}")
            await _fill(world, f"sites/home-{number}", 54 * 4 + 1)
        span = TimeRange(START + timedelta(hours=3), START + timedelta(hours=51))
        all_assets = [f"sites/home-{number}/assets/-" for number in range(1, homes + 1)]
        points = [
            f"sites/home-{number}/devices/{device}/points/{direction}_energy_wh"
            for number in range(1, homes + 1)
            for device in ("meter", "battery")
            for direction in ("import", "export")
        ]

        async def energy() -> None:
            answer = await world.metering.QueryEnergy(energy_request(*all_assets, span=span))
            assert len(answer.energies) == 4 * homes

        async def latest() -> None:
            request = metering_pb2.GetLatestReadingsRequest(points=points)
            answer = await world.metering.GetLatestReadings(request)
            assert len(answer.readings) == len(points)

        report = {"energy_cpu_ms": await _cpu_ms(energy), "latest_cpu_ms": await _cpu_ms(latest)}
    print(json.dumps({"bench": "metering_loop_queries", "assets": 4 * homes} | report))


async def _cpu_ms(run: Callable[[], Awaitable[None]]) -> float:
    """Return the CPU time of a call [ms], the median of several after a first one."""
    await run()
    spent = []
    for _ in range(2 * ROUNDS):
        began = time.process_time()
        await run()
        spent.append(time.process_time() - began)
    return round(1000 * statistics.median(spent), 1)


async def _rate(run: Callable[[], Awaitable[None]]) -> float:
    began = time.perf_counter()
    await run()
    return BATCHES * BATCH_ROWS / (time.perf_counter() - began)


async def _bare_copy(database_url: str, first: int) -> None:
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute("DROP TABLE IF EXISTS bare")
        await connection.execute(BARE)
        for number in range(first, first + BATCHES):
            keys, times_us, values = _rows(number)
            ones = np.ones(BATCH_ROWS, np.int64)
            rows = Rows(
                keys=keys + 1,
                times_us=times_us,
                values=values,
                qualities=ones,
                resets=np.zeros(BATCH_ROWS, np.bool_),
            )
            copying = connection.cursor().copy("COPY bare FROM STDIN (FORMAT BINARY)")
            async with copying as copy:
                await copy.write(copy_data(rows, ones, ones))


async def _stream(world: MeteringWorld, points: list[str], first: int) -> None:
    batches = [_batch(number, points) for number in range(first, first + BATCHES)]
    answers = await world.send(*batches, source="bench")
    assert sum(answer.stored + answer.duplicates for answer in answers) == BATCHES * BATCH_ROWS


async def _two_streams(world: MeteringWorld, points: list[str], first: int) -> None:
    later = 10_000 + first
    batches = [_batch(later + number, points) for number in range(BATCHES)]
    halves = batches[: BATCHES // 2], batches[BATCHES // 2 :]
    await asyncio.gather(*(world.send(*half, source=f"bench-{n}") for n, half in enumerate(halves)))


def _rows(number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Batch `number`: all points at each of consecutive times; values grow."""
    times = BATCH_ROWS // POINTS
    step = np.repeat(np.arange(times) + number * times, POINTS)
    keys = np.tile(np.arange(POINTS), times)
    return keys, START_US + step * 1_000_000, step * 1.5


def _batch(number: int, points: list[str]) -> metering_pb2.ReadingBatch:
    keys, times_us, values = _rows(number)
    return metering_pb2.ReadingBatch(
        sequence=number + 1,
        points=points,
        point_indices=keys,
        measure_times_us=times_us,
        values=values,
    )


async def _add_points(world: MeteringWorld, site: str, quantity: str) -> list[str]:
    """Add as many devices as points, each with one."""
    name = f"sites/{site}"
    asset = asset_pb2.Asset(name=f"{name}/assets/load", load=rating_pb2.LoadRating())
    await world.sites.CreateSite(
        site_service_pb2.CreateSiteRequest(
            site=site_pb2.Site(name=name, time_zone="UTC", currency_code="EUR")
        )
    )
    await world.sites.CreateAsset(site_service_pb2.CreateAssetRequest(asset=asset))
    points = []
    for number in range(POINTS):
        function = device_pb2.DeviceFunction(
            asset=asset.name, meter_role=device_pb2.METER_ROLE_PART
        )
        device = some_device(f"{name}/devices/m{number}", [quantity], function)
        points.append(device.points[0].name)
        await world.sites.CreateDevice(site_service_pb2.CreateDeviceRequest(device=device))
    return points


async def _fill(world: MeteringWorld, site: str, times: int) -> None:
    names = [
        f"{site}/devices/{device}/points/{direction}_energy_wh"
        for device, direction in (
            ("meter", "import"),
            ("meter", "export"),
            ("inverter", "export"),
            ("battery", "import"),
            ("battery", "export"),
        )
    ]
    step = np.repeat(np.arange(times), len(names))
    index = np.tile(np.arange(len(names)), times)
    rows = [slice(first, first + BATCH_ROWS) for first in range(0, len(step), BATCH_ROWS)]
    batches = [
        metering_pb2.ReadingBatch(
            sequence=number,
            points=names,
            point_indices=index[part],
            measure_times_us=START_US + step[part] * QUARTER_US,
            values=step[part] * 25.0,
        )
        for number, part in enumerate(rows, start=1)
    ]
    await world.send(*batches, source="bench")
