"""Readings through metering's gRPC stream beside a bare binary COPY of as many into the same table.

    make bench-ingest ARGUMENTS="--rows-stored 0,5000000 --turns 5"

Metering is a process of its own, as it is deployed, on a database of its own in which so many
readings are kept (`--rows-stored`, one after the other). In each state of it in short turns, one
after the other, so that both meet the same machine: a bare COPY of a batch after the other on one
connection, and the same number of readings of gauges and of registers on 1, 4 and 16 streams; all
of them new, in the order of time. Messages are made before the clock runs. `ingest_ratio` is
readings per second of ours by those of the bare COPY; `ingest_cpu_ratio` is CPU seconds of the bare
COPY (client and database) by ours (metering and database, judging and rolling up included; who
sends is left out, as the devices' side). Medians of the turns'
ratios. `validation_lag_p99_s`: at half of our median rate, how old the oldest reading is that is
not judged. `metering_rss_growth_mb`: by how much the most memory that metering held grew from the
first turns to the end.
"""

import argparse
import asyncio
import json
import statistics
import sys
import threading
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import numpy as np
import psycopg

from tests.bench.metering_ingest_mesh import KINDS, POINTS, Mesh, register, running
from wattmesh.metering.v1 import metering_pb2
from wattmesh_kernel.time import EPOCH
from wattmesh_metering.adapters.columns import copy_data
from wattmesh_metering.domain.readings import Rows

BATCH_ROWS = 10_000
STEP_US = 1_000_000
FIRST_BARE_KEY = 1_000_000
FIRST_FILLED_KEY = 2_000_000
FILLED_POINTS = 1_000
QUARTER = timedelta(minutes=15)
_COPY = """
COPY metering.readings (point_key, source_key, quality, measure_time, value, received)
FROM STDIN (FORMAT BINARY)
"""
_OLDEST = """
SELECT coalesce(extract(epoch FROM clock_timestamp() - min(commit_time)), 0)
FROM metering.arrivals
"""
_STREAM = "/wattmesh.metering.v1.MeteringService/Ingest"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """What a turn took: wall, and CPU of whoever writes and of the database [s]."""

    wall: float
    writer: float
    database: float

    @property
    def cpu(self) -> float:
        """Both together."""
        return self.writer + self.database


class Series:
    """Readings that grow in time, each batch the next one: what was never sent."""

    def __init__(self, begin: datetime, *, counts: bool) -> None:
        self._now_us = (begin - EPOCH) // timedelta(microseconds=1)
        self._counts = counts
        self._step = 0

    def next(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return places, times [us] and values of a batch: all points at one time after another."""
        times = BATCH_ROWS // POINTS
        steps = np.repeat(np.arange(times) + self._step, POINTS)
        self._step += times
        places = np.tile(np.arange(POINTS), times)
        values = 1e6 + steps * 1.5 if self._counts else 100.0 + steps % 50
        return places, self._now_us + steps * STEP_US, values


def message(sequence: int, names: Sequence[str], series: Series) -> bytes:
    """Return the next batch as it is on the wire."""
    places, times_us, values = series.next()
    batch = metering_pb2.ReadingBatch(
        sequence=sequence,
        points=names,
        point_indices=places.tolist(),
        measure_times_us=times_us.tolist(),
        values=values.tolist(),
    )
    return metering_pb2.IngestRequest(batch=batch).SerializeToString()


async def send(target: str, streams: Sequence[Sequence[bytes]], rate: float | None = None) -> int:
    """Send on as many streams at once; return how many readings were stored."""
    async with grpc.aio.insecure_channel(target) as channel:
        call: grpc.aio.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(_STREAM)
        pause = BATCH_ROWS * len(streams) / rate if rate else 0.0

        async def one(number: int, messages: Sequence[bytes]) -> int:
            async def requests() -> AsyncIterator[bytes]:
                hello = metering_pb2.IngestHello(source=f"gateways/bench-{number}")
                yield metering_pb2.IngestRequest(hello=hello).SerializeToString()
                for each in messages:
                    yield each
                    await asyncio.sleep(pause)

            stored = 0
            async for answer in call(requests()):
                stored += metering_pb2.IngestResponse.FromString(answer).stored
            return stored

        return sum(await asyncio.gather(*(one(*each) for each in enumerate(streams))))


class Turns:
    """Takes turns of both ways, and compares them."""

    def __init__(self, mesh: Mesh, points: dict[str, list[list[str]]], batches: int) -> None:
        self._mesh = mesh
        self._points = points
        self._batches = batches
        begin = datetime.now(UTC) - timedelta(hours=20)
        streams = len(points["gauges"])
        self._series = {
            f"{kind}-{number}": Series(begin, counts=kind == "registers")
            for kind in KINDS
            for number in range(streams)
        }
        self._bare = [Series(begin, counts=True) for _ in range(streams)]
        self._sequence = 0

    def rss_kb(self) -> int:
        """Return how much memory metering has at most held so far."""
        status = Path(f"/proc/{self._mesh.metering.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0])

    def bare(self, streams: int) -> Cost:
        """Copy as many batches like those of the streams, of points that nobody else has."""
        data = []
        for number in range(self._batches):
            places, times_us, values = self._bare[number % streams].next()
            data.append(
                Rows(
                    keys=places + FIRST_BARE_KEY + POINTS * (number % streams),
                    times_us=times_us,
                    values=values,
                    qualities=np.ones(BATCH_ROWS, np.int64),
                    resets=np.zeros(BATCH_ROWS, np.bool_),
                )
            )
        _, database = self._mesh.cpu()
        began, spent = time.perf_counter(), time.process_time()
        ones = np.ones(BATCH_ROWS, np.int64)
        with psycopg.connect(self._mesh.url, autocommit=True) as connection:
            for rows in data:
                with connection.cursor().copy(_COPY) as copy:
                    copy.write(copy_data(rows, ones, ones))
        wall, writer = time.perf_counter() - began, time.process_time() - spent
        return Cost(wall=wall, writer=writer, database=self._mesh.cpu()[1] - database)

    def ours(self, kind: str, streams: int) -> Cost:
        """Send as many batches; what is judged afterwards is in the CPU, not in the wall."""
        sent: list[list[bytes]] = [[] for _ in range(streams)]
        for number in range(self._batches):
            self._sequence += 1
            place = number % streams
            each = message(
                self._sequence, self._points[kind][place], self._series[f"{kind}-{place}"]
            )
            sent[place].append(each)
        metering, database = self._mesh.cpu()
        began = time.perf_counter()
        stored = asyncio.run(send(self._mesh.target, sent))
        wall = time.perf_counter() - began
        assert stored == self._batches * BATCH_ROWS, stored
        self.settle()
        after = self._mesh.cpu()
        return Cost(wall=wall, writer=after[0] - metering, database=after[1] - database)

    def lags(self, kind: str, rate: float, batches: int) -> list[float]:
        """Send at a rate [readings/s]; return how old the oldest was that was not judged [s].

        It is looked for every 50 ms while readings come.
        """
        sent = []
        for _ in range(batches):
            self._sequence += 1
            sent.append(message(self._sequence, self._points[kind][0], self._series[f"{kind}-0"]))
        found = []
        sending = threading.Thread(
            target=lambda: asyncio.run(send(self._mesh.target, [sent], rate))
        )
        sending.start()
        with psycopg.connect(self._mesh.url, autocommit=True) as connection:
            while sending.is_alive():
                (age,) = connection.execute(_OLDEST).fetchone() or (0.0,)
                found.append(max(0.0, float(age)))
                time.sleep(0.05)
        sending.join()
        self.settle()
        return found

    def settle(self) -> float:
        """Wait until all is judged; return how long that took [s]."""
        began = time.perf_counter()
        with psycopg.connect(self._mesh.url, autocommit=True) as connection:
            while connection.execute("SELECT FROM metering.arrivals LIMIT 1").fetchone():
                time.sleep(0.02)
        return time.perf_counter() - began


def fill(url: str, rows: int, first_key: int = FIRST_FILLED_KEY) -> None:
    """Keep so many readings of a thousand points, a quarter of an hour apart, up to yesterday."""
    times = rows // FILLED_POINTS
    first = datetime.now(UTC) - timedelta(days=2) - times * QUARTER
    months = [first + step * timedelta(days=30) for step in range(times // 2_880 + 3)]
    first_us = (first - EPOCH) // timedelta(microseconds=1)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT metering.open_partitions(%s::timestamptz[])", (months,))
        for begin in range(0, times, 100):
            steps = np.arange(begin, min(begin + 100, times))
            size = len(steps) * FILLED_POINTS
            data = Rows(
                keys=np.tile(np.arange(FILLED_POINTS), len(steps)) + first_key,
                times_us=first_us
                + np.repeat(steps, FILLED_POINTS) * (QUARTER // timedelta(microseconds=1)),
                values=(np.repeat(steps, FILLED_POINTS) * 25.0).astype(np.float64),
                qualities=np.ones(size, np.int64),
                resets=np.zeros(size, np.bool_),
            )
            ones = np.ones(size, np.int64)
            with connection.cursor().copy(_COPY) as copy:
                copy.write(copy_data(data, ones, ones))


def measure(mesh: Mesh, arguments: argparse.Namespace) -> dict[str, object]:
    """Take the turns in each state of the database; return the reports by rows stored."""
    streams_of_turns = [int(each) for each in arguments.streams.split(",")]
    points = asyncio.run(register(mesh.target, max(streams_of_turns)))
    turns = Turns(mesh, points, arguments.batches)
    reports: dict[str, object] = {}
    stored = 0
    for rows in sorted(int(each) for each in arguments.rows_stored.split(",")):
        fill(mesh.url, rows - stored, FIRST_FILLED_KEY + len(reports) * FILLED_POINTS)
        stored = rows
        reports[str(rows)] = _measured(turns, streams_of_turns, arguments)
        print(json.dumps({str(rows): reports[str(rows)]}), file=sys.stderr, flush=True)
    return {"rows_stored": reports}


def _measured(
    turns: Turns, streams_of_turns: Sequence[int], arguments: argparse.Namespace
) -> dict[str, object]:
    for kind in KINDS:  # what is remembered after the first time
        turns.ours(kind, max(streams_of_turns))
    turns.bare(max(streams_of_turns))
    print("warm", file=sys.stderr, flush=True)
    rss_kb = turns.rss_kb()
    walls: list[float] = []
    wall: dict[str, dict[int, list[float]]] = {}
    cpu: dict[str, dict[int, list[float]]] = {}
    parts: dict[str, list[tuple[float, float]]] = {}
    size = arguments.batches * BATCH_ROWS
    for _ in range(arguments.turns):
        for kind in KINDS:
            for streams in streams_of_turns:
                bare = turns.bare(streams)
                ours = turns.ours(kind, streams)
                walls.append(ours.wall)
                wall.setdefault(kind, {}).setdefault(streams, []).append(bare.wall / ours.wall)
                cpu.setdefault(kind, {}).setdefault(streams, []).append(bare.cpu / ours.cpu)
                for name, cost in (("bare", bare), (f"{kind} {streams}", ours)):
                    per_row = 1e6 * cost.writer / size, 1e6 * cost.database / size
                    parts.setdefault(name, []).append(per_row)
    rate = size / statistics.median(walls)
    lags = {kind: sorted(turns.lags(kind, rate / 2, 2 * arguments.batches)) for kind in KINDS}
    return {
        "readings_per_s": round(rate),
        "validation_lag_p99_s": {
            kind: round(found[len(found) * 99 // 100], 2) for kind, found in lags.items()
        },
        "metering_rss_growth_mb": round((turns.rss_kb() - rss_kb) / 1024, 1),
        "ingest_ratio": {kind: _medians(found) for kind, found in wall.items()},
        "ingest_cpu_ratio": {kind: _medians(found) for kind, found in cpu.items()},
        "cpu_us_per_reading": {
            name: {
                "writer": round(statistics.median(each[0] for each in found), 2),
                "database": round(statistics.median(each[1] for each in found), 2),
            }
            for name, found in parts.items()
        },
    }


def _medians(found: dict[int, list[float]]) -> dict[str, float]:
    return {str(streams): round(statistics.median(ratios), 3) for streams, ratios in found.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--rows-stored", default="0", help="readings that are there, e.g. 0,5000000"
    )
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--batches", type=int, default=16, help="of 10,000 readings, in a turn")
    parser.add_argument("--streams", default="1,4,16")
    parser.add_argument("--durable", action="store_true", help="wait for the disk")
    arguments = parser.parse_args()
    with running(arguments.durable) as mesh:
        report = measure(mesh, arguments)
    print(json.dumps({"bench": "metering_ingest"} | report))


if __name__ == "__main__":
    main()
