"""Where readings are kept: one transaction per group of batches."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import LiteralString

import numpy as np
from psycopg import AsyncConnection
from psycopg.errors import UniqueViolation

from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import PointId
from wattmesh_metering.adapters import columns
from wattmesh_metering.adapters.columns import ANNOUNCED_BYTES
from wattmesh_metering.adapters.partitions import OpenPartitions
from wattmesh_metering.adapters.postgres_rollups import outdate
from wattmesh_metering.adapters.receipts import MOST_FORMER_SOURCES, pack, receipts
from wattmesh_metering.app.ports import IngestTransaction, SourceCount
from wattmesh_metering.domain.arrivals import Touched
from wattmesh_metering.domain.newest import NewestReadings
from wattmesh_metering.domain.readings import (
    Fate,
    Ints,
    RegisteredPoint,
    Rejection,
    Rows,
    from_microseconds,
)
from wattmesh_metering.domain.rollups import PointDays
from wattmesh_runtime.database import Database

CHANNEL = "wattmesh_readings"
"""On which newly kept readings are announced."""

_LONGEST_POINT = 255
"""How much of a refused point's name is kept [characters]."""
MOST_REJECTED = 10_000
"""About how many refused readings of a source are kept, the newest; all are counted."""
_MOST_REJECTED_AT_ONCE = 1_000
"""How many of those of one commit are kept."""

_RESOLVE = "SELECT point_key, name FROM points WHERE name = ANY(%s) AND NOT removed"

_LOCK = "SELECT name, source_key FROM sources WHERE name = ANY(%s) ORDER BY name FOR UPDATE"
_ADD = "INSERT INTO sources (name) SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING"

_COPY = """
COPY {} (point_key, source_key, quality, measure_time, value, received) FROM STDIN (FORMAT BINARY)
"""
_COPY_NEW = _COPY.format("readings")
_COPY_INCOMING = _COPY.format("incoming").replace("received)", "received, ordinal)")

_INCOMING = """
CREATE TEMPORARY TABLE IF NOT EXISTS incoming
    (LIKE readings, ordinal integer NOT NULL) ON COMMIT DELETE ROWS
"""
_INSERT_INCOMING = """
WITH new AS (
    INSERT INTO readings (point_key, source_key, quality, measure_time, value, received)
    SELECT DISTINCT ON (point_key, measure_time)
        point_key, source_key, quality, measure_time, value, received
    FROM incoming ORDER BY point_key, measure_time, ordinal
    ON CONFLICT DO NOTHING
    RETURNING point_key, measure_time
)
SELECT string_agg(int4send(ordinal), '') FROM (
    SELECT min(ordinal) AS ordinal
    FROM incoming JOIN new USING (point_key, measure_time) GROUP BY point_key, measure_time
) AS firsts
"""
# What differs from all that was ever told of its key moves what stands into the past. It takes its
# place by INSERT: of columns, UPDATE unpacks all that there are, INSERT those of the key.
_REVISE = """
WITH told AS (
    SELECT DISTINCT ON (point_key, measure_time, value, quality) *
    FROM incoming ORDER BY point_key, measure_time, value, quality, ordinal
), revised AS MATERIALIZED (
    SELECT told.*, told.ordinal = max(told.ordinal) OVER (
        PARTITION BY told.point_key, told.measure_time) AS stands
    FROM told JOIN readings AS kept USING (point_key, measure_time)
    WHERE (told.value, told.quality) IS DISTINCT FROM (kept.value, kept.quality)
      AND NOT EXISTS (
        SELECT FROM superseded_readings AS past
        WHERE past.point_key = told.point_key AND past.measure_time = told.measure_time
          AND past.value = told.value AND past.quality = told.quality)
), past AS (
    INSERT INTO superseded_readings
        (point_key, measure_time, value, quality, source_key, received, until)
    SELECT kept.point_key, kept.measure_time, kept.value, kept.quality, kept.source_key,
        kept.received, revised.received
    FROM revised JOIN readings AS kept USING (point_key, measure_time) WHERE stands
    UNION ALL
    SELECT point_key, measure_time, value, quality, source_key, received, received
    FROM revised WHERE NOT stands
), present AS (
    INSERT INTO readings (point_key, source_key, quality, measure_time, value, received)
    SELECT point_key, source_key, quality, measure_time, value, received
    FROM revised WHERE stands
    ON CONFLICT (point_key, measure_time) DO UPDATE SET value = excluded.value,
        quality = excluded.quality, source_key = excluded.source_key, received = excluded.received
)
SELECT string_agg(int4send(ordinal), '') FROM revised
"""
_INSERT_RESETS = """
INSERT INTO register_resets (point_key, measure_time)
SELECT * FROM unnest(%s::integer[], %s::timestamptz[])
ON CONFLICT DO NOTHING
"""
_ARRIVED = "INSERT INTO arrivals (commit_time, touched) VALUES (%s, %s)"

_COUNT = """
UPDATE sources SET
    stored = stored + %s,
    duplicates = duplicates + %s,
    revised = revised + %s,
    rejected = rejected + %s,
    last_sequence = %s,
    last_commit_time = %s
WHERE source_key = %s
"""
_REJECT = """
INSERT INTO rejected_readings
    (source_key, sequence, row_index, point, measure_time_us, value, reason, message, reject_time)
SELECT %s, *, %s FROM unnest(
    %s::bigint[], %s::integer[], %s::text[], %s::bigint[], %s::float8[], %s::text[], %s::text[])
ON CONFLICT DO NOTHING
"""
_FORGET_REJECTED = """
DELETE FROM rejected_readings
WHERE source_key = %(source)s AND reject_time < (
    SELECT reject_time FROM rejected_readings WHERE source_key = %(source)s
    ORDER BY reject_time DESC OFFSET %(most)s LIMIT 1)
"""

# The database writes base64 faster than the driver quotes text.
_ANNOUNCE = f"""
SELECT pg_notify(
    %(channel)s, encode(substring(%(data)s::bytea FROM place + 1 FOR {ANNOUNCED_BYTES}), 'base64'))
FROM generate_series(0, octet_length(%(data)s::bytea) - 1, {ANNOUNCED_BYTES}) AS place
"""


class PostgresIngestStore:
    """Resolves points and opens transactions.

    Points are remembered: one that is registered is never taken away from under its key. What was
    committed here is heard of at once (`newest`), as whoever sent it expects.
    """

    def __init__(self, database: Database, newest: NewestReadings | None = None) -> None:
        self._database = database
        self._newest = newest or NewestReadings()
        self._known: dict[str, RegisteredPoint] = {}
        self._partitions = OpenPartitions(database)

    async def resolve(self, names: Collection[str]) -> Mapping[str, RegisteredPoint]:
        """Return the registered points among these names."""
        asked = {name: point for name in names - self._known.keys() if (point := _parsed(name))}
        if asked:
            async with self._database.connection() as connection:
                cursor = await connection.execute(_RESOLVE, (list(asked),))
                for key, name in await cursor.fetchall():
                    self._known[name] = RegisteredPoint(key=key, id=asked[name])
        return {name: self._known[name] for name in names if name in self._known}

    @asynccontextmanager
    async def transaction(
        self, sources: Sequence[str], now: datetime
    ) -> AsyncIterator[IngestTransaction]:
        """Open a transaction that holds the rows of its sources: their counts are written."""
        async with self._database.transaction() as connection:
            keys = await _lock(connection, sources)
            opened = PostgresIngestTransaction(connection, keys, now, self._partitions)
            yield opened
        self._newest.hear(opened.announced)


class PostgresIngestTransaction:
    """One group of batches on its way into the tables."""

    def __init__(
        self,
        connection: AsyncConnection,
        source_keys: Mapping[str, int],
        now: datetime,
        partitions: OpenPartitions,
    ) -> None:
        self._connection = connection
        self._partitions = partitions
        self._source_keys = source_keys
        self._now = now
        self.announced = Rows.empty()

    async def insert(self, rows: Rows, sources: Sequence[str], owners: Ints) -> Ints:
        """Keep rows; return their fates.

        Readings are almost always new, so they are copied straight in; only when one is not, that
        is undone and they go through a temporary table, at about half the speed.
        """
        await self._partitions.open(rows.times_us)
        source_keys = self._keys(sources)[owners]
        received = receipts(self._now, source_keys)
        former: Ints = np.where(source_keys > MOST_FORMER_SOURCES, 0, source_keys)
        fates = None
        if _each_key_once(rows):
            fates = await self._copy_new(columns.copy_data(rows, former, received), len(rows))
        if fates is None:
            data = columns.copy_data(rows, former, received, ordinals=True)
            fates = await self._insert_or_revise(data, len(rows))
        await self._insert_resets(rows[rows.resets])
        return fates

    async def count(self, counts: Sequence[SourceCount]) -> None:
        """Add to the sources' counts and keep what was refused."""
        for count in counts:
            source_key = self._source_keys[count.source]
            rejected = await self._reject(source_key, count.rejected)
            await self._connection.execute(
                _COUNT,
                (
                    *(count.stored, count.duplicates, count.revised, rejected),
                    *(count.last_sequence, self._now, source_key),
                ),
            )

    async def arrived(self, touched: Touched, sources: Sequence[str]) -> None:
        """Note what was touched, for whoever judges."""
        if len(touched):
            of_keys = replace(touched, sources=self._keys(sources)[touched.sources])
            await self._connection.execute(_ARRIVED, (self._now, pack(of_keys)))

    async def outdate(self, late: PointDays) -> None:
        """Have roll-ups of past days be made again."""
        await outdate(self._connection, late)

    async def announce(self, rows: Rows) -> None:
        """Notify every listener of new rows when this transaction is committed."""
        if len(rows):
            parameters = {"channel": CHANNEL, "data": columns.announced(rows)}
            await self._connection.execute(_ANNOUNCE, parameters)
            self.announced = rows

    def _keys(self, sources: Sequence[str]) -> Ints:
        return np.array([self._source_keys[source] for source in sources], np.int64)

    async def _copy_new(self, data: bytes, rows: int) -> Ints | None:
        """Copy rows in; None, and nothing done, when one is there already."""
        try:
            async with self._connection.transaction():
                await self._copy(_COPY_NEW, data)
        except UniqueViolation:
            return None
        return np.zeros(rows, np.int64)

    async def _insert_or_revise(self, data: bytes, rows: int) -> Ints:
        await self._connection.execute(_INCOMING)
        await self._copy(_COPY_INCOMING, data)
        fates: Ints = np.full(rows, Fate.DUPLICATE, np.int64)
        fates[await self._ordinals(_INSERT_INCOMING)] = Fate.STORED
        fates[await self._ordinals(_REVISE)] = Fate.REVISED
        await self._connection.execute("TRUNCATE incoming")
        return fates

    async def _ordinals(self, statement: LiteralString) -> Ints:
        cursor = self._connection.cursor(binary=True)
        await cursor.execute(statement)
        (found,) = await cursor.fetchone() or (None,)
        return columns.ints_from_send(found)

    async def _insert_resets(self, rows: Rows) -> None:
        if len(rows):
            await self._connection.execute(
                _INSERT_RESETS, (rows.keys.tolist(), _times(rows.times_us))
            )

    async def _reject(self, source_key: int, rejected: Sequence[Rejection]) -> int:
        """Keep refused readings, up to a bound; return how many were not kept before."""
        if not rejected:
            return 0
        kept = rejected[:_MOST_REJECTED_AT_ONCE]
        cursor = await self._connection.execute(
            _REJECT,
            (
                source_key,
                self._now,
                [one.sequence for one in kept],
                [one.row for one in kept],
                [one.point.replace("\0", "")[:_LONGEST_POINT] for one in kept],
                [one.time_us for one in kept],
                [one.value for one in kept],
                [one.reason.value for one in kept],
                [one.message for one in kept],
            ),
        )
        most = {"source": source_key, "most": MOST_REJECTED}
        await self._connection.execute(_FORGET_REJECTED, most)
        return cursor.rowcount + len(rejected) - len(kept)

    async def _copy(self, statement: str, data: bytes) -> None:
        async with self._connection.cursor().copy(statement) as copy:
            await copy.write(data)


async def _lock(connection: AsyncConnection, sources: Sequence[str]) -> dict[str, int]:
    """Lock the sources' rows, in one order for all, and return their keys."""
    names = sorted(sources)
    found: dict[str, int] = dict(await (await connection.execute(_LOCK, (names,))).fetchall())
    if len(found) < len(names):
        await connection.execute(_ADD, ([name for name in names if name not in found],))
        found = dict(await (await connection.execute(_LOCK, (names,))).fetchall())
    return found


def _each_key_once(rows: Rows) -> bool:
    same = (rows.keys[1:] == rows.keys[:-1]) & (rows.times_us[1:] == rows.times_us[:-1])
    return not same.any()


def _parsed(name: str) -> PointId | None:
    try:
        return PointId.parse(name)
    except InvalidArgument:
        return None


def _times(times_us: Ints) -> list[datetime]:
    return [from_microseconds(time_us) for time_us in times_us.tolist()]
