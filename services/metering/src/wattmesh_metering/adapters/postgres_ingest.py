"""Where readings are kept: one transaction per group of batches."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

import numpy as np
from psycopg import AsyncConnection
from psycopg.errors import UniqueViolation

from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import PointId
from wattmesh_metering.adapters import columns
from wattmesh_metering.app.ports import IngestTransaction, SourceCount
from wattmesh_metering.domain.readings import (
    Ints,
    Mask,
    RegisteredPoint,
    Rejection,
    Rows,
    from_microseconds,
)
from wattmesh_runtime.database import Database

CHANNEL = "wattmesh_readings"
"""On which newly kept readings are announced."""

_LONGEST_POINT = 500
"""How much of a refused point's name is kept [characters]."""

_RESOLVE = "SELECT point_key, name FROM points WHERE name = ANY(%s) AND NOT removed"

_LOCK = "SELECT name, source_key FROM sources WHERE name = ANY(%s) ORDER BY name FOR UPDATE"
_ADD = "INSERT INTO sources (name) SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING"

_KEPT_AROUND = """
SELECT
    string_agg(int4send(around.point_key), ''),
    string_agg(timestamptz_send(kept.measure_time), ''),
    string_agg(float8send(kept.value), ''),
    string_agg(boolsend(resets.point_key IS NOT NULL), '')
FROM unnest(%s::integer[], %s::timestamptz[], %s::timestamptz[])
    AS around (point_key, first, last)
CROSS JOIN LATERAL (
    (SELECT measure_time, value FROM readings
     WHERE point_key = around.point_key AND measure_time < around.first
     ORDER BY measure_time DESC LIMIT 1)
    UNION ALL
    (SELECT measure_time, value FROM readings
     WHERE point_key = around.point_key
       AND measure_time BETWEEN around.first AND around.last)
    UNION ALL
    (SELECT measure_time, value FROM readings
     WHERE point_key = around.point_key AND measure_time > around.last
     ORDER BY measure_time LIMIT 1)
) AS kept
LEFT JOIN register_resets AS resets
    ON resets.point_key = around.point_key AND resets.measure_time = kept.measure_time
"""

_COPY = """
COPY {} (point_key, source_key, quality, measure_time, value) FROM STDIN (FORMAT BINARY)
"""
_COPY_NEW = _COPY.format("readings")
_COPY_INCOMING = _COPY.format("incoming").replace("value)", "value, ordinal)")

_INCOMING = """
CREATE TEMPORARY TABLE IF NOT EXISTS incoming
    (LIKE readings, ordinal integer NOT NULL) ON COMMIT DELETE ROWS
"""
_INSERT_INCOMING = """
WITH new AS (
    INSERT INTO readings (point_key, source_key, quality, measure_time, value)
    SELECT point_key, source_key, quality, measure_time, value
    FROM incoming ORDER BY point_key, measure_time
    ON CONFLICT DO NOTHING
    RETURNING point_key, measure_time
)
SELECT string_agg(int4send(ordinal), '')
FROM incoming LEFT JOIN new USING (point_key, measure_time)
WHERE new.point_key IS NULL
"""
_INSERT_RESETS = """
INSERT INTO register_resets (point_key, measure_time)
SELECT * FROM unnest(%s::integer[], %s::timestamptz[])
"""

_COUNT = """
UPDATE sources SET
    stored = stored + %s,
    duplicates = duplicates + %s,
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

_ANNOUNCE = "SELECT pg_notify(%s, payload) FROM unnest(%s::text[]) AS payload"


class PostgresIngestStore:
    """Resolves points and opens transactions.

    Points are remembered: one that is registered is never taken away from under its key.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, RegisteredPoint] = {}

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
    async def transaction(self, sources: Sequence[str]) -> AsyncIterator[IngestTransaction]:
        """Open a transaction that holds the rows of its sources.

        So two replicas never judge the registers of one source at once.
        """
        async with self._database.transaction() as connection:
            yield PostgresIngestTransaction(connection, await _lock(connection, sources))


class PostgresIngestTransaction:
    """One group of batches on its way into the tables."""

    def __init__(self, connection: AsyncConnection, source_keys: Mapping[str, int]) -> None:
        self._connection = connection
        self._source_keys = source_keys

    async def kept_around(self, candidates: Rows) -> Rows:
        """Return what is kept between and next to the candidates of each point."""
        order = np.lexsort((candidates.times_us, candidates.keys))
        keys, times_us = candidates.keys[order], candidates.times_us[order]
        changes = np.diff(keys) != 0
        first, last = np.append(True, changes), np.append(changes, True)
        cursor = self._connection.cursor(binary=True)
        await cursor.execute(
            _KEPT_AROUND,
            (keys[first].tolist(), _times(times_us[first]), _times(times_us[last])),
        )
        kept = await cursor.fetchone() or (None,) * 4
        found = columns.ints_from_send(kept[0])
        return Rows(
            keys=found,
            times_us=columns.times_from_send(kept[1]),
            values=columns.floats_from_send(kept[2]),
            qualities=np.zeros(len(found), np.int64),
            resets=columns.bools_from_send(kept[3]),
        )

    async def insert(self, rows: Rows, sources: Sequence[str], owners: Ints) -> Mask:
        """Keep rows; say which are new.

        Readings are almost always new, so they are copied straight in; only when one is not, that
        is undone and they go through a temporary table, at about half the speed.
        """
        source_keys = np.array([self._source_keys[source] for source in sources])[owners]
        try:
            async with self._connection.transaction():
                await self._copy(_COPY_NEW, columns.copy_data(rows, source_keys))
            new: Mask = np.ones(len(rows), np.bool_)
        except UniqueViolation:
            new = await self._insert_unless_kept(rows, source_keys)
        await self._insert_resets(rows[new & rows.resets])
        return new

    async def count(self, counts: Sequence[SourceCount], now: datetime) -> None:
        """Add to the sources' counts and keep what was refused."""
        for count in counts:
            source_key = self._source_keys[count.source]
            rejected = await self._reject(source_key, count.rejected, now)
            await self._connection.execute(
                _COUNT,
                (
                    *(count.stored, count.duplicates, rejected),
                    *(count.last_sequence, now, source_key),
                ),
            )

    async def announce(self, rows: Rows) -> None:
        """Notify every listener of new rows when this transaction is committed."""
        if payloads := list(columns.announcements(rows)):
            await self._connection.execute(_ANNOUNCE, (CHANNEL, payloads))

    async def _insert_unless_kept(self, rows: Rows, source_keys: Ints) -> Mask:
        await self._connection.execute(_INCOMING)
        await self._copy(_COPY_INCOMING, columns.copy_data(rows, source_keys, ordinals=True))
        cursor = self._connection.cursor(binary=True)
        await cursor.execute(_INSERT_INCOMING)
        (kept,) = await cursor.fetchone() or (None,)
        await self._connection.execute("TRUNCATE incoming")
        new: Mask = np.ones(len(rows), np.bool_)
        new[columns.ints_from_send(kept)] = False
        return new

    async def _insert_resets(self, rows: Rows) -> None:
        if len(rows):
            await self._connection.execute(
                _INSERT_RESETS, (rows.keys.tolist(), _times(rows.times_us))
            )

    async def _reject(self, source_key: int, rejected: Sequence[Rejection], now: datetime) -> int:
        """Keep refused readings; return how many were not kept before."""
        if not rejected:
            return 0
        cursor = await self._connection.execute(
            _REJECT,
            (
                source_key,
                now,
                [one.sequence for one in rejected],
                [one.row for one in rejected],
                [one.point.replace("\0", "")[:_LONGEST_POINT] for one in rejected],
                [one.time_us for one in rejected],
                [one.value for one in rejected],
                [one.reason.value for one in rejected],
                [one.message for one in rejected],
            ),
        )
        return cursor.rowcount

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


def _parsed(name: str) -> PointId | None:
    try:
        return PointId.parse(name)
    except InvalidArgument:
        return None


def _times(times_us: Ints) -> list[datetime]:
    return [from_microseconds(time_us) for time_us in times_us.tolist()]
