"""What metering's queries take over many stored readings, as JSON.

    make bench-metering ARGUMENTS="--rows-stored 5000000,50000000"

Homes of nine points each, a reading every quarter of an hour, copied into the table as ingestion
does it; in each state of the database each query is asked through the real server. Times are of
the wall, in milliseconds, the median of several. `growth_exponents`: by which power of the rows
stored the time of the same question grows, by wall and by CPU (of metering, which is in this
process, and of the database), from the first state to the last. `hourly_of_all_assets` asks for the
time that the first state holds; `streamed` is all that there is.
"""

import argparse
import asyncio
import json
import math
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import psycopg

from tests.bench.metering_ingest_mesh import parent, tree_cpu
from tests.fakes.manual_clock import ManualClock
from tests.fakes.metering_world import MeteringWorld, energy_request, metering_world
from wattmesh.metering.v1 import metering_pb2
from wattmesh_contracts.values import duration_to_proto, time_range_to_proto
from wattmesh_kernel.time import TimeRange
from wattmesh_local.postgres import EmbeddedPostgres
from wattmesh_metering.adapters.columns import copy_data
from wattmesh_metering.domain.readings import Rows, to_microseconds

START = datetime(2023, 1, 1, tzinfo=UTC)
QUARTER_US = 900_000_000
_COPY = """
COPY metering.readings (point_key, source_key, quality, measure_time, value, received)
FROM STDIN (FORMAT BINARY)
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows-stored", default="5000000")
    parser.add_argument("--homes", type=int, default=200)
    parser.add_argument("--turns", type=int, default=5)
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(dir="/var/tmp") as folder,
        EmbeddedPostgres(Path(folder), durable=False, keep=False) as server,
    ):
        report = asyncio.run(_measure(server.url(), arguments))
    print(json.dumps({"bench": "metering"} | report))


async def _measure(url: str, arguments: argparse.Namespace) -> dict[str, object]:
    clock = ManualClock(datetime(2024, 6, 1, tzinfo=UTC))
    async with metering_world(url, clock) as world:
        for number in range(arguments.homes):
            await world.add_home(f"sites/home-{number}")
    sizes = sorted(int(each) for each in arguments.rows_stored.split(","))
    states: list[_State] = []
    first_times = max(2, sizes[0] // (9 * arguments.homes))
    times = 0
    for rows in sizes:
        began = time.perf_counter()
        times, before = max(2, rows // (9 * arguments.homes)), times
        _fill(url, before, times)
        copied = (times - before) * 9 * arguments.homes / (time.perf_counter() - began)
        async with metering_world(url, clock, database_statement_seconds=300) as world:
            began = time.perf_counter()
            days = await _rolled_up(url, arguments.homes)
            rolled = days * 96 / (time.perf_counter() - began)
            state = await _asked(world, url, arguments, (first_times, times))
        state.report |= {
            "copied_per_s": round(copied),
            "rolled_up_readings_per_s": round(rolled),
            "readings_of_a_point": times,
        }
        states.append(state)
        print(json.dumps({str(rows): state.report}), file=sys.stderr, flush=True)
    report: dict[str, object] = {
        "points": 9 * arguments.homes,
        "rows_stored": {str(rows): state.report for rows, state in zip(sizes, states, strict=True)},
    }
    if len(states) > 1:
        growth = math.log(sizes[-1] / sizes[0])
        report["growth_exponents"] = {
            what: {name: round(math.log(last[name] / first[name]) / growth, 2) for name in first}
            for what, first, last in (
                ("wall", states[0].wall_ms, states[-1].wall_ms),
                ("cpu", states[0].cpu_ms, states[-1].cpu_ms),
            )
        }
    return report


@dataclass(kw_only=True)
class _State:
    """What questions take in one state of the database."""

    wall_ms: dict[str, float]
    cpu_ms: dict[str, float]
    report: dict[str, object]


async def _asked(
    world: MeteringWorld, url: str, arguments: argparse.Namespace, times: tuple[int, int]
) -> _State:
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT pg_backend_pid()").fetchone()
    assert found is not None
    postmaster = parent(int(found[0]))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    wall_ms, cpu_ms = {}, {}
    for name, ask in _asks(world, arguments.homes, times[0]):
        wall_ms[name], cpu_ms[name] = await _median_ms(ask, arguments.turns, postmaster)
    values, seconds = await _streamed(world, arguments.homes, times[1])
    growth = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return _State(
        wall_ms=wall_ms,
        cpu_ms=cpu_ms,
        report={
            "ms": {name: round(took, 1) for name, took in wall_ms.items()},
            "cpu_ms": {name: round(took, 1) for name, took in cpu_ms.items()},
            "streamed_values": values,
            "streamed_values_per_s": round(values / seconds),
            "rss_growth_mb": round(growth / 1024, 1),
        },
    )


def _fill(url: str, first_time: int, times: int) -> None:
    """Copy readings of every point from one of its times on, until there are so many of each."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("TRUNCATE metering.rolled_points, metering.register_rollups")
        found = connection.execute("SELECT point_key FROM metering.points ORDER BY 1")
        keys = np.array([key for (key,) in found], np.int64)
        quarters = [START + step * timedelta(days=80) for step in range(2 + times // (80 * 96))]
        connection.execute("SELECT metering.open_partitions(%s::timestamptz[])", (quarters,))
        for first in range(first_time, times, 100):
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
    hourly = energy_request(
        *(f"{home}/assets/-" for home in homes),
        span=TimeRange(START, START + timedelta(hours=max(1, (times - 1) // 4))),
    )
    streamed = metering_pb2.StreamEnergyRequest(query=hourly)

    async def all_hours() -> None:
        async for _ in world.metering.StreamEnergy(streamed):
            pass

    return [
        ("latest_of_all_points", lambda: world.metering.GetLatestReadings(every_point)),
        (f"point_of_{days}_days", lambda: world.metering.QuerySeries(series)),
        ("ingest_statistics", lambda: world.metering.GetIngestStatistics(counts)),
        ("hourly_of_all_assets", all_hours),
    ]


async def _median_ms(
    ask: Callable[[], Awaitable[object]], turns: int, postmaster: int
) -> tuple[float, float]:
    """Return the median time on the wall of a question, and its mean CPU time [ms]."""
    await ask()
    took = []
    spent = time.process_time() + tree_cpu(postmaster)
    for _ in range(turns):
        began = time.perf_counter()
        await ask()
        took.append(time.perf_counter() - began)
    spent = time.process_time() + tree_cpu(postmaster) - spent
    return 1000 * statistics.median(took), max(0.1, 1000 * spent / turns)


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


if __name__ == "__main__":
    main()
