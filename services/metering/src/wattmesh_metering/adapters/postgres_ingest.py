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
from wattmesh_metering.adapters.incoming import (
    COPY_INCOMING,
    COPY_NEW,
    INCOMING,
    INSERT_INCOMING,
    REVISE,
)
from wattmesh_metering.adapters.partitions import OpenPartitions
from wattmesh_metering.adapters.postgres_announcements import (
    CHANNEL,
    KEEPS_READINGS,
    PostgresAnnouncements,
)
from wattmesh_metering.adapters.postgres_rollups import outdate
from wattmesh_metering.adapters.receipts import MOST_FORMER_SOURCES, pack, receipts
from wattmesh_metering.app.ports import IngestTransaction, SourceCount
from wattmesh_metering.domain.arrivals import Touched
from wattmesh_metering.domain.readings import (
    Fate,
    Ints,
    RegisteredPoint,
    Rejection,
    Rows,
    from_microseconds,
)
from wattmesh_metering.domain.recent import RecentReadings
from wattmesh_metering.domain.rollups import PointDays
from wattmesh_runtime.database import Database

_LONGEST_POINT = 255
"""How much of a refused point's name is kept [characters]."""
MOST_REJECTED = 10_000
"""About how many refused readings of a source are kept, the newest; all are counted."""
_MOST_REJECTED_AT_ONCE = 1_000
"""How many of those of one commit are kept."""

_RESOLVE = "SELECT point_key, name FROM points WHERE name = ANY(%s) AND NOT removed"

_LOCK = f"""
SELECT name, source_key, {KEEPS_READINGS} FROM sources
WHERE name = ANY(%s) ORDER BY name FOR UPDATE
"""
_ADD = "INSERT INTO sources (name) SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING"

_INSERT_RESETS = """
INSERT INTO register_resets (point_key, measure_time)
SELECT * FROM unnest(%s::integer[], %s::timestamptz[])
ON CONFLICT DO NOTHING
"""
_ARRIVED = "INSERT INTO arrivals (commit_time, touched) VALUES (%s, %s) RETURNING arrival_key"

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
    committed here is heard of at once (`announcements`), as whoever sent it expects, and is at hand
    for whoever judges it (`recent`).
    """

    def __init__(
        self, database: Database, announcements: PostgresAnnouncements, recent: RecentReadings
    ) -> None:
        self._database = database
        self._announcements = announcements
        self._recent = recent
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
            opened = PostgresIngestTransaction(
                connection, keys, now, self._partitions, self._announcements
            )
            yield opened
        self._tell(opened)

    def _tell(self, done: "PostgresIngestTransaction") -> None:
        """Have those of this process know what is committed."""
        if done.others:
            self._recent.clear()
        elif done.arrival is not None and done.added is not None:
            self._recent.keep(done.arrival, done.added)
        self._announcements.hear(done.news, announced=done.others)


class PostgresIngestTransaction:
    """One group of batches on its way into the tables."""

    def __init__(
        self,
        connection: AsyncConnection,
        source_keys: Mapping[str, int],
        now: datetime,
        partitions: OpenPartitions,
        announcements: PostgresAnnouncements,
    ) -> None:
        self._announcements = announcements
        self._connection = connection
        self._partitions = partitions
        self._source_keys = source_keys
        self._now = now
        self.news = Rows.empty()
        """What stands since this transaction."""
        self.others = False
        """Whether others have been told of it."""
        self.arrival: int | None = None
        """The key under which it is to be judged."""
        self.added: Rows | None = None
        """All that it added, unless it changed something that was there."""

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
        if not (fates == Fate.REVISED).any():
            self.added = rows[fates == Fate.STORED]
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
            cursor = await self._connection.execute(_ARRIVED, (self._now, pack(of_keys)))
            (self.arrival,) = await cursor.fetchone() or (None,)

    async def outdate(self, late: PointDays) -> None:
        """Have roll-ups of past days be made again."""
        await outdate(self._connection, late)

    async def announce(self, rows: Rows) -> None:
        """Have every listener know new rows when this transaction is committed."""
        self.news = rows
        if len(rows) and await self._announcements.others(self._connection):
            self.others = True
            parameters = {"channel": CHANNEL, "data": columns.announced(rows)}
            await self._connection.execute(_ANNOUNCE, parameters)

    def _keys(self, sources: Sequence[str]) -> Ints:
        return np.array([self._source_keys[source] for source in sources], np.int64)

    async def _copy_new(self, data: bytes, rows: int) -> Ints | None:
        """Copy rows in; None, and nothing done, when one is there already."""
        try:
            async with self._connection.transaction():
                await self._copy(COPY_NEW, data)
        except UniqueViolation:
            return None
        return np.zeros(rows, np.int64)

    async def _insert_or_revise(self, data: bytes, rows: int) -> Ints:
        await self._connection.execute(INCOMING)
        await self._copy(COPY_INCOMING, data)
        fates: Ints = np.full(rows, Fate.DUPLICATE, np.int64)
        fates[await self._ordinals(INSERT_INCOMING)] = Fate.STORED
        fates[await self._ordinals(REVISE)] = Fate.REVISED
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
    found = await _locked(connection, names)
    if len(found) < len(names):
        await connection.execute(_ADD, ([name for name in names if name not in found],))
        found = await _locked(connection, names)
    return found


async def _locked(connection: AsyncConnection, names: Sequence[str]) -> dict[str, int]:
    cursor = await connection.execute(_LOCK, (names,))
    return {name: key for name, key, _ in await cursor.fetchall()}


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
