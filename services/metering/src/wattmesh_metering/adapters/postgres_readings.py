"""Kept readings, for queries."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

import numpy as np
from psycopg import AsyncConnection

from wattmesh_metering.adapters import columns
from wattmesh_metering.adapters.arrays import IntArray, TimeArray, cursor_for_arrays
from wattmesh_metering.adapters.postgres_rollups import read_rolled
from wattmesh_metering.adapters.postgres_substitutes import read_substitutes
from wattmesh_metering.adapters.reading_events import ReadingEvent, events_of, with_events
from wattmesh_metering.adapters.receipts import first_after
from wattmesh_metering.app.ports import NOW, View
from wattmesh_metering.domain.histories import Histories
from wattmesh_metering.domain.newest import NewestReadings, keys_of
from wattmesh_metering.domain.readings import (
    Floats,
    Ints,
    Newest,
    RegisteredPoint,
    from_microseconds,
    to_microseconds,
)
from wattmesh_metering.domain.rollups import DAY_US, missing, with_rolled
from wattmesh_metering.domain.substitutes import Substitute, reach_of, with_substitutes
from wattmesh_runtime.aio.places import FairPlaces
from wattmesh_runtime.database import Database
from wattmesh_runtime.request_context import current_caller

# All aggregates see a point's rows in one order, whichever it is; numpy sorts faster. The same
# statement names those points, without readings, of which there is more to be known.
_TIMES_AND_VALUES = """
SELECT point_key,
    string_agg(timestamptz_send(measure_time), ''),
    string_agg(float8send(value), '')
"""
_QUALITIES = ", string_agg(int2send(quality), '')"
_EVENTFUL = """
UNION ALL
SELECT point_key, NULL, NULL{more} FROM eventful_points WHERE point_key = ANY(%(keys)s)
"""
_ASKED = """
unnest(%(keys)s::integer[], %(firsts)s::timestamptz[], %(lasts)s::timestamptz[])
    AS asked (key, first, last)
"""
_ONE_SPAN = """
FROM readings
WHERE point_key = ANY(%(keys)s) AND measure_time BETWEEN %(first)s AND %(last)s
GROUP BY point_key
"""
# OFFSET 0 has each span looked up: by what the planner expects of one it might read all there is.
_OWN_SPANS = f"""
FROM {_ASKED} CROSS JOIN LATERAL (
    SELECT point_key, measure_time, value, quality FROM readings
    WHERE point_key = asked.key AND measure_time BETWEEN asked.first AND asked.last
    OFFSET 0
) AS kept
GROUP BY point_key
"""
# What stood at a time: what had come by then, and was not superseded by then.
_OWN_SPANS_THEN = f"""
FROM {_ASKED} CROSS JOIN LATERAL (
    SELECT point_key, measure_time, value, quality FROM readings
    WHERE point_key = asked.key AND measure_time BETWEEN asked.first AND asked.last
      AND coalesce(received, 0) < %(after)s
    UNION ALL
    SELECT point_key, measure_time, value, quality FROM superseded_readings
    WHERE point_key = asked.key AND measure_time BETWEEN asked.first AND asked.last
      AND coalesce(received, 0) < %(after)s AND until >= %(after)s
    OFFSET 0
) AS stood
GROUP BY point_key
"""

_FIRSTS = """
SELECT asked.key, oldest.measure_time
FROM unnest(%s::integer[]) AS asked (key) CROSS JOIN LATERAL (
    SELECT measure_time FROM readings WHERE readings.point_key = asked.key
    ORDER BY measure_time LIMIT 1
) AS oldest
"""


def _statements(rows: LiteralString) -> Mapping[bool, LiteralString]:
    """Return the statement that reads rows without and with their qualities."""
    return {
        False: _TIMES_AND_VALUES + rows + _EVENTFUL.replace("{more}", ""),
        True: _TIMES_AND_VALUES + _QUALITIES + rows + _EVENTFUL.replace("{more}", ", NULL"),
    }


_READ_ONE_SPAN = _statements(_ONE_SPAN)
_READ_OWN_SPANS = _statements(_OWN_SPANS)
_READ_OWN_SPANS_THEN = _statements(_OWN_SPANS_THEN)
_LATEST = """
SELECT string_agg(int4send(place), ''), string_agg(timestamptz_send(measure_time), ''),
    string_agg(float8send(value), ''), string_agg(int2send(quality), '')
FROM (
    SELECT asked.place::integer, newest.*
    FROM unnest(%s::integer[]) WITH ORDINALITY AS asked (key, place)
    LEFT JOIN eventful_points AS eventful ON eventful.point_key = asked.key
    CROSS JOIN LATERAL (
        SELECT measure_time, value, quality FROM readings
        WHERE readings.point_key = asked.key AND (eventful.point_key IS NULL OR NOT EXISTS (
            SELECT FROM reading_flags
            WHERE reading_flags.point_key = asked.key AND excludes AND clear_time IS NULL
              AND readings.measure_time BETWEEN start_time AND end_time))
        ORDER BY measure_time DESC LIMIT 1
    ) AS newest
) AS found
"""
_EVENTFUL_OF = """
SELECT string_agg(int4send(point_key), '') FROM eventful_points WHERE point_key = ANY(%s)
"""


class PostgresReadingStore:
    """Answers queries from the tables; callers take the connections in turn (`places`).

    The newest readings are looked up in memory (`newest`) where they are known there.
    """

    def __init__(
        self, database: Database, places: FairPlaces, newest: NewestReadings | None = None
    ) -> None:
        self._database = database
        self._places = places
        self._newest = newest or NewestReadings()

    async def histories(
        self, keys: Sequence[int], first: datetime, last: datetime, view: View = NOW
    ) -> Histories:
        """Return the readings of [first, last] of every key that are believed."""
        if view.known_by is not None or view.substitutes:
            return await self.histories_each(dict.fromkeys(keys, (first, last)), view)
        parameters = {"keys": _keys(keys), "first": first, "last": last}
        return await self._histories(
            _READ_ONE_SPAN[view.qualities], parameters, _Reach(keys, first, last), view
        )

    async def histories_each(
        self, spans: Mapping[int, tuple[datetime, datetime]], view: View = NOW
    ) -> Histories:
        """Return the readings of every key that are believed, each of its own [first, last]."""
        if not spans:
            return _histories((), {})
        substitutes: Sequence[Substitute] = ()
        if view.substitutes:
            reach = (
                min(first for first, _ in spans.values()),
                max(last for _, last in spans.values()),
            )
            async with self._connection() as connection:
                substitutes = await read_substitutes(connection, list(spans), reach, view.known_by)
            spans = {**spans, **_reaching(spans, substitutes)}
        found = await self._histories_each(spans, view)
        return with_substitutes(found, substitutes)

    async def _histories_each(
        self, spans: Mapping[int, tuple[datetime, datetime]], view: View
    ) -> Histories:
        keys = list(spans)
        firsts, lasts = zip(*spans.values(), strict=True)
        parameters: dict[str, object] = {
            "keys": _keys(keys),
            "firsts": _times(firsts),
            "lasts": _times(lasts),
        }
        statements = _READ_OWN_SPANS
        if view.known_by is not None:
            statements = _READ_OWN_SPANS_THEN
            parameters["after"] = first_after(view.known_by)
        reach = _Reach(keys, min(firsts), max(lasts))
        return await self._histories(statements[view.qualities], parameters, reach, view)

    async def registers(
        self,
        keys: Collection[int],
        rollable: Collection[int],
        span_us: tuple[int, int],
        longest_gap_us: int,
        view: View = NOW,
    ) -> Histories:
        """Return what registers need to be known at quarters: roll-ups, and readings elsewhere."""
        qualities = view.qualities
        days = span_us[0] // DAY_US, span_us[1] // DAY_US
        reach = (
            from_microseconds(span_us[0] - longest_gap_us),
            from_microseconds(span_us[1] + longest_gap_us),
        )
        async with self._connection() as connection:
            rolled, eventful = await read_rolled(
                connection, list(keys), days, longest_gap_us, worths=qualities
            )
            events: Sequence[ReadingEvent] = ()
            if eventful:
                events = await events_of(connection, eventful, reach)
            substitutes: Sequence[Substitute] = ()
            if view.substitutes:
                substitutes = await read_substitutes(connection, list(keys), reach)
            reaches = reach_of(substitutes)
            rolled = rolled.of({*rollable} - {event.key for event in events} - reaches.keys())
            spans = [
                _reaching_us(span, reaches)
                for span in missing(list(keys), rolled, span_us, longest_gap_us)
            ]
            found = await _read_spans(connection, spans, qualities=qualities)
        read = _histories(list(keys), found)
        known = with_events(with_rolled(read, rolled, days, longest_gap_us), events)
        return with_substitutes(known, substitutes)

    async def firsts_us(self, keys: Collection[int]) -> Mapping[int, int]:
        """Return when the oldest reading of each point was measured [us since 1970], if any was."""
        async with self._connection() as connection:
            cursor = cursor_for_arrays(connection)
            await cursor.execute(_FIRSTS, (_keys(keys),))
            return {key: to_microseconds(first) for key, first in await cursor.fetchall()}

    async def latest(self, points: Sequence[RegisteredPoint]) -> Newest:
        """Return the newest reading of each point that has one.

        Of points to which something ever happened, flags have a say: the database is asked.
        """
        keys = keys_of(points)
        life = self._newest.life
        async with self._connection() as connection:
            cursor = cursor_for_arrays(connection)
            await cursor.execute(_EVENTFUL_OF, (IntArray(keys),))
            (eventful,) = await cursor.fetchone() or (None,)
            asked = np.isin(keys, columns.ints_from_send(eventful))
            plain = ~asked & ~self._newest.known(keys)
            asked |= plain
            places, times_us, values, qualities = await _read_latest(
                connection, keys, np.flatnonzero(asked)
            )
        fills = plain[places]
        self._newest.fill(
            life, keys[places[fills]], (times_us[fills], values[fills], qualities[fills])
        )
        remembered = np.flatnonzero(~asked)
        kept = self._newest.of(keys[remembered])
        places = np.concatenate([places, remembered])
        order = np.argsort(places)
        return Newest(
            points=[points[place] for place in places[order].tolist()],
            times_us=np.concatenate([times_us, kept[0]])[order],
            values=np.concatenate([values, kept[1]])[order],
            qualities=np.concatenate([qualities, kept[2]])[order],
        )

    async def _histories(
        self,
        statement: LiteralString,
        parameters: Mapping[str, object],
        reach: "_Reach",
        view: View,
    ) -> Histories:
        events: Sequence[ReadingEvent] = ()
        async with self._connection() as connection:
            cursor = cursor_for_arrays(connection)
            await cursor.execute(statement, parameters)
            rows = await cursor.fetchall()
            if eventful := [row[0] for row in rows if row[1] is None]:
                span = (reach.first, reach.last)
                events = await events_of(connection, eventful, span, view.known_by)
        found = {row[0]: row[1:] for row in rows if row[1] is not None}
        return with_events(_histories(reach.keys, found), events)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AsyncConnection]:
        async with self._places.held(current_caller()), self._database.connection() as connection:
            yield connection


async def _read_latest(
    connection: AsyncConnection, keys: Ints, places: Ints
) -> tuple[Ints, Ints, Floats, Ints]:
    """Return the newest readings of the points at some places: place, time, value, quality."""
    rows: Sequence[bytes | None] = (None,) * 4
    if len(places):
        cursor = cursor_for_arrays(connection)
        await cursor.execute(_LATEST, (IntArray(keys[places]),))
        rows = await cursor.fetchone() or rows
    return (
        places[columns.ints_from_send(rows[0]) - 1],
        columns.times_from_send(rows[1]),
        columns.floats_from_send(rows[2]),
        columns.smallints_from_send(rows[3]),
    )


async def _read_spans(
    connection: AsyncConnection, spans: Sequence[tuple[int, int, int]], *, qualities: bool
) -> dict[int, Sequence[Any]]:
    """Return the readings of spans (point, first and last time), which do not overlap."""
    if not spans:
        return {}
    asked = np.array(spans, np.int64)
    parameters = {
        "keys": IntArray(asked[:, 0]),
        "firsts": TimeArray(asked[:, 1]),
        "lasts": TimeArray(asked[:, 2]),
    }
    cursor = cursor_for_arrays(connection)
    columns_ = _TIMES_AND_VALUES + _QUALITIES if qualities else _TIMES_AND_VALUES
    await cursor.execute(columns_ + _OWN_SPANS, parameters)
    return {row[0]: row[1:] for row in await cursor.fetchall()}


def _reaching(
    spans: Mapping[int, tuple[datetime, datetime]], substitutes: Sequence[Substitute]
) -> dict[int, tuple[datetime, datetime]]:
    """Return the spans that hold the readings beside substitutes, too."""
    return {
        key: (
            min(spans[key][0], from_microseconds(first_us)),
            max(spans[key][1], from_microseconds(last_us)),
        )
        for key, (first_us, last_us) in reach_of(substitutes).items()
    }


def _reaching_us(
    span: tuple[int, int, int], reaches: Mapping[int, tuple[int, int]]
) -> tuple[int, int, int]:
    key, first_us, last_us = span
    reach = reaches.get(key, (first_us, last_us))
    return key, min(first_us, reach[0]), max(last_us, reach[1])


@dataclass(frozen=True, slots=True)
class _Reach:
    """Of which points, and between which times, something is asked."""

    keys: Sequence[int]
    first: datetime
    last: datetime


def _histories(keys: Sequence[int], found: Mapping[int, Sequence[Any]]) -> Histories:
    """Return the histories of all keys out of the columns of those that have readings."""
    of_keys = [found[key] for key in keys if key in found]
    times_us = columns.times_from_send(b"".join(row[0] for row in of_keys))
    values = columns.floats_from_send(b"".join(row[1] for row in of_keys))
    sizes = np.array([len(found[key][0]) // 8 if key in found else 0 for key in keys], np.int64)
    order = _order(times_us, np.repeat(np.arange(len(keys)), sizes))
    qualities = None
    if of_keys and len(of_keys[0]) > 2:
        qualities = columns.smallints_from_send(b"".join(row[2] for row in of_keys))[order]
    return Histories(
        keys=tuple(keys),
        ends=np.cumsum(sizes),
        times_us=times_us[order],
        values=values[order],
        qualities=qualities,
    )


def _keys(keys: Collection[int]) -> IntArray:
    return IntArray(np.fromiter(keys, np.int64, len(keys)))


def _times(moments: Sequence[datetime]) -> TimeArray:
    return TimeArray(np.fromiter(map(to_microseconds, moments), np.int64, len(moments)))


def _order(times_us: Ints, owners: Ints) -> Ints | slice:
    """Return the order by owner and time; mostly the rows have it already."""
    ordered = (times_us[1:] >= times_us[:-1]) | (owners[1:] != owners[:-1])
    return slice(None) if ordered.all() else np.lexsort((times_us, owners))
