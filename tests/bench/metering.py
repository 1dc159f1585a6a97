"""What metering's queries take over many stored readings, and what validation finds, as JSON.

    make bench-metering ARGUMENTS="--rows 5000000"

Homes of nine points each, a reading every quarter of an hour, copied into the table as ingestion
does it; then each query is asked through the real server. Times are of the wall, in milliseconds,
the median of several. Faults are put into a clean register of a year, one of each kind a week.
"""

import argparse
import asyncio
import json
import resource
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import psycopg

from tests.fakes.manual_clock import ManualClock
from tests.fakes.metering_world import MeteringWorld, energy_request, metering_world
from wattmesh.metering.v1 import metering_pb2
from wattmesh_contracts.values import duration_to_proto, time_range_to_proto
from wattmesh_kernel.time import TimeRange
from wattmesh_local.postgres import EmbeddedPostgres
from wattmesh_metering.adapters.columns import copy_data
from wattmesh_metering.domain.readings import Rows, to_microseconds
from wattmesh_metering.domain.vee.continuity import judge_register
from wattmesh_metering.domain.vee.flags import Evidence, FlagKind, Limits
from wattmesh_metering.domain.vee.gauges import gaps

START = datetime(2023, 1, 1, tzinfo=UTC)
QUARTER_US = 900_000_000
_COPY = """
COPY metering.readings (point_key, source_key, quality, measure_time, value, received)
FROM STDIN (FORMAT BINARY)
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--homes", type=int, default=200)
    parser.add_argument("--turns", type=int, default=5)
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(dir="/var/tmp") as folder,
        EmbeddedPostgres(Path(folder), durable=False, keep=False) as server,
    ):
        report = asyncio.run(_measure(server.url(), arguments))
    print(json.dumps({"bench": "metering"} | report | {"validation": found_faults()}))


async def _measure(url: str, arguments: argparse.Namespace) -> dict[str, object]:
    clock = ManualClock(datetime(2024, 6, 1, tzinfo=UTC))
    async with metering_world(url, clock) as world:
        for number in range(arguments.homes):
            await world.add_home(f"sites/home-{number}")
    began = time.perf_counter()
    times = _fill(url, arguments.rows)
    filled = time.perf_counter() - began
    async with metering_world(url, clock, database_statement_seconds=300) as world:
        began = time.perf_counter()
        days = await _rolled_up(url, arguments.homes)
        rolled = time.perf_counter() - began
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        asks = _asks(world, arguments.homes, times)
        took = {name: await _median_ms(ask, arguments.turns) for name, ask in asks}
        values, seconds = await _streamed(world, arguments.homes, times)
        growth = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {
        "rows": arguments.rows,
        "copied_per_s": round(arguments.rows / filled),
        "rolled_up_days": days,
        "rolled_up_readings_per_s": round(days * 96 / rolled),
        "points": 9 * arguments.homes,
        "readings_of_a_point": times,
        "ms": took,
        "streamed_values": values,
        "streamed_values_per_s": round(values / seconds),
        "rss_growth_mb": round(growth / 1024, 1),
    }


def _fill(url: str, rows: int) -> int:
    """Copy as many rows, the same times of every point; return how many times."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("TRUNCATE metering.rolled_points, metering.register_rollups")
        found = connection.execute("SELECT point_key FROM metering.points ORDER BY 1")
        keys = np.array([key for (key,) in found], np.int64)
        times = max(2, rows // len(keys))
        quarters = [START + step * timedelta(days=80) for step in range(1 + times // (80 * 96))]
        connection.execute("SELECT metering.open_partitions(%s::timestamptz[])", (quarters,))
        for first in range(0, times, 100):
            steps = np.arange(first, min(first + 100, times))
            size = len(steps) * len(keys)
            data = Rows(
                keys=np.tile(keys, len(steps)),
                times_us=to_microseconds(START) + np.repeat(steps, len(keys)) * QUARTER_US,
                values=(np.repeat(steps, len(keys)) * 25.0).astype(np.float64),
                qualities=np.ones(size, np.int64),
                resets=np.zeros(size, np.bool_),
            )
            with connection.cursor().copy(_COPY) as copy:
                copy.write(copy_data(data, np.ones(size, np.int64), np.ones(size, np.int64)))
        connection.execute("VACUUM ANALYZE metering.readings")
    return times


async def _rolled_up(url: str, homes: int) -> int:
    """Wait until all is rolled up; return how many days of points."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        while True:
            cursor = await connection.execute(
                "SELECT (SELECT count(*) FROM metering.rolled_points),"
                " count(*) FILTER (WHERE quarters IS NULL), count(*) FROM metering.register_rollups"
            )
            points, left, days = await cursor.fetchone() or (0, 0, 0)
            if points == 5 * homes and not left:  # of nine points, five are registers
                return int(days)
            await asyncio.sleep(0.5)


def _asks(
    world: MeteringWorld, count: int, times: int
) -> list[tuple[str, Callable[[], Awaitable[object]]]]:
    homes = [f"sites/home-{number}" for number in range(count)]
    days = max(1, min(365, times // 96))
    span = time_range_to_proto(TimeRange(START, START + days * timedelta(days=1)))
    every_point = metering_pb2.GetLatestReadingsRequest(
        points=[f"{home}/devices/-/points/-" for home in homes]
    )
    series = metering_pb2.QuerySeriesRequest(
        point=f"{homes[0]}/devices/meter/points/active_power_w",
        range=span,
        resolution=duration_to_proto(timedelta(minutes=15)),
        aggregation=metering_pb2.AGGREGATION_MEAN,
    )
    counts = metering_pb2.GetIngestStatisticsRequest()
    return [
        ("latest_of_all_points", lambda: world.metering.GetLatestReadings(every_point)),
        (f"point_of_{days}_days", lambda: world.metering.QuerySeries(series)),
        ("ingest_statistics", lambda: world.metering.GetIngestStatistics(counts)),
    ]


async def _median_ms(ask: Callable[[], Awaitable[object]], turns: int) -> float:
    await ask()
    took = []
    for _ in range(turns):
        began = time.perf_counter()
        await ask()
        took.append(time.perf_counter() - began)
    return round(1000 * statistics.median(took), 1)


async def _streamed(world: MeteringWorld, homes: int, times: int) -> tuple[int, float]:
    """Return how many hourly values of all assets were streamed, and in which time [s]."""
    span = TimeRange(START, START + timedelta(hours=max(1, (times - 1) // 4)))
    assets = [f"sites/home-{number}/assets/-" for number in range(homes)]
    query = metering_pb2.StreamEnergyRequest(query=energy_request(*assets, span=span))
    began, values = time.perf_counter(), 0
    async for piece in world.metering.StreamEnergy(query):
        for energy in piece.energies:
            values += len(energy.import_energy_wh.values) + len(energy.export_energy_wh.values)
    return values, time.perf_counter() - began


def found_faults(weeks: int = 52, seed: int = 7) -> dict[str, dict[str, float]]:
    """Return precision and recall of each flag for faults put into a clean register."""
    generator = np.random.default_rng(seed)
    size = weeks * 672
    clean = 9e7 + np.cumsum(generator.gamma(1.2, 200.0, size))
    times_us = np.arange(size) * QUARTER_US
    right, raised, put = (dict.fromkeys(FlagKind, 0) for _ in range(3))
    for place in range(300, size - 300, 672):
        for kind in (FlagKind.SPIKE, FlagKind.EXCHANGE, FlagKind.ROLLOVER, FlagKind.GAP):
            rows = slice(place - 200, place + 200)
            values, times = clean[rows].copy(), times_us[rows].copy()
            if kind is FlagKind.SPIKE:
                values[200] = generator.choice([0.0, 4.2e9, values[200] * 3])
            elif kind is FlagKind.EXCHANGE:
                values[200:] -= values[200] - generator.uniform(0, 50)
            elif kind is FlagKind.ROLLOVER:
                values += 2.0**32 - (values[199] + values[200]) / 2
                values[200:] -= 2.0**32
            else:
                values, times = (
                    np.delete(values, slice(200, 206)),
                    np.delete(times, slice(200, 206)),
                )
            limits = Limits(rated=20_000.0, interval_us=QUARTER_US)
            evidence = Evidence.of(times, values, np.empty(0, np.int64), limits)
            flags = [*judge_register(evidence), *gaps(evidence)]
            put[kind] += 1
            at = int(times_us[place])
            hit = [flag for flag in flags if flag.kind is kind and abs(flag.first_us - at) <= 1e9]
            right[kind] += bool(hit)
            for flag in flags:
                raised[flag.kind] += 1
    return {
        kind.value: {
            "precision": round(right[kind] / max(raised[kind], 1), 3),
            "recall": round(right[kind] / put[kind], 3),
        }
        for kind in FlagKind
        if put[kind]
    }


if __name__ == "__main__":
    main()
