"""Kept readings, for queries."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, LiteralString

import numpy as np
from psycopg import AsyncConnection

from wattmesh_metering.adapters import columns
from wattmesh_metering.adapters.reading_events import events_of, with_events
from wattmesh_metering.domain.histories import Histories
from wattmesh_metering.domain.readings import QUALITIES, Ints, Reading, RegisteredPoint
from wattmesh_runtime.aio.places import FairPlaces
from wattmesh_runtime.database import Database
from wattmesh_runtime.request_context import current_caller

# Both aggregates see a point's rows in one order, whichever it is; numpy sorts faster.
_COLUMNS = """
SELECT point_key,
    string_agg(timestamptz_send(measure_time), ''),
    string_agg(float8send(value), '')
"""
_HISTORIES = f"""
WITH asked AS (SELECT %s::integer[] AS keys, %s::timestamptz AS first, %s::timestamptz AS last)
{_COLUMNS}
FROM readings, asked
WHERE point_key = ANY(asked.keys) AND measure_time BETWEEN asked.first AND asked.last
GROUP BY point_key
"""
_HISTORIES_EACH = f"""
{_COLUMNS}
FROM unnest(%s::integer[], %s::timestamptz[], %s::timestamptz[]) AS asked (key, first, last)
JOIN readings ON point_key = asked.key AND measure_time BETWEEN asked.first AND asked.last
GROUP BY point_key
"""
_LATEST = """
SELECT asked.point_key, newest.measure_time, newest.value, newest.quality
FROM unnest(%s::integer[]) WITH ORDINALITY AS asked (point_key, place)
CROSS JOIN LATERAL (
    SELECT measure_time, value, quality FROM readings
    WHERE readings.point_key = asked.point_key AND NOT EXISTS (
        SELECT FROM reading_flags
        WHERE reading_flags.point_key = asked.point_key AND excludes AND clear_time IS NULL
          AND readings.measure_time BETWEEN start_time AND end_time)
    ORDER BY measure_time DESC LIMIT 1
) AS newest
ORDER BY asked.place
"""


class PostgresReadingStore:
    """Answers queries from the tables; callers take the connections in turn (`places`)."""

    def __init__(self, database: Database, places: FairPlaces) -> None:
        self._database = database
        self._places = places

    async def histories(self, keys: Sequence[int], first: datetime, last: datetime) -> Histories:
        """Return the readings of [first, last] of every key that are believed."""
        return await self._histories(_HISTORIES, (list(keys), first, last), keys, (first, last))

    async def histories_each(self, spans: Mapping[int, tuple[datetime, datetime]]) -> Histories:
        """Return the readings of every key that are believed, each of its own [first, last]."""
        if not spans:
            return _histories((), ())
        keys = list(spans)
        firsts, lasts = zip(*spans.values(), strict=True)
        parameters = (keys, list(firsts), list(lasts))
        reach = min(firsts), max(lasts)
        return await self._histories(_HISTORIES_EACH, parameters, keys, reach)

    async def latest(self, points: Sequence[RegisteredPoint]) -> Sequence[Reading]:
        """Return the newest reading of each point that has one."""
        ids = {point.key: point.id for point in points}
        async with self._connection() as connection:
            cursor = await connection.execute(_LATEST, (list(ids),))
            return [
                Reading(point=ids[key], measure_time=time, value=value, quality=QUALITIES[quality])
                for key, time, value, quality in await cursor.fetchall()
            ]

    async def _histories(
        self,
        query: LiteralString,
        parameters: Sequence[object],
        keys: Sequence[int],
        reach: tuple[datetime, datetime],
    ) -> Histories:
        async with self._connection() as connection:
            cursor = connection.cursor(binary=True)
            await cursor.execute(query, parameters)
            rows = await cursor.fetchall()
            events = await events_of(connection, keys, reach)
        return with_events(_histories(keys, rows), events)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AsyncConnection]:
        async with self._places.held(current_caller()), self._database.connection() as connection:
            yield connection


def _histories(keys: Sequence[int], rows: Sequence[tuple[Any, ...]]) -> Histories:
    """Return the histories of all keys out of the rows of those that have readings."""
    found = {key: (times, values) for key, times, values in rows}
    columns_of = [found.get(key, (b"", b"")) for key in keys]
    times_us = columns.times_from_send(b"".join(times for times, _ in columns_of))
    values = columns.floats_from_send(b"".join(values for _, values in columns_of))
    sizes = np.array([len(times) // 8 for times, _ in columns_of], np.int64)
    order = _order(times_us, np.repeat(np.arange(len(keys)), sizes))
    return Histories(
        keys=tuple(keys),
        ends=np.cumsum(sizes),
        times_us=times_us[order],
        values=values[order],
    )


def _order(times_us: Ints, owners: Ints) -> Ints | slice:
    """Return the order by owner and time; mostly the rows have it already."""
    ordered = (times_us[1:] >= times_us[:-1]) | (owners[1:] != owners[:-1])
    return slice(None) if ordered.all() else np.lexsort((times_us, owners))
