"""Kept readings, for queries."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import numpy as np
from psycopg import AsyncConnection

from wattmesh_kernel.errors import NotFound
from wattmesh_kernel.ids import PointId
from wattmesh_metering.adapters import columns
from wattmesh_metering.domain.readings import (
    QUALITIES,
    History,
    Reading,
    RegisteredPoint,
    to_microseconds,
)
from wattmesh_metering.domain.selectors import PointSelector
from wattmesh_runtime.database import Database

_POINTS = """
SELECT points.point_key, points.name
FROM points JOIN devices ON devices.name = points.device
WHERE NOT points.removed
  AND (points.name = ANY(%s) OR points.device = ANY(%s) OR devices.site = ANY(%s))
ORDER BY points.name
"""

# Both aggregates see a point's rows in one order, whichever it is; numpy sorts faster.
_HISTORIES = """
SELECT point_key,
    string_agg(timestamptz_send(measure_time), ''),
    string_agg(float8send(value), '')
FROM readings
WHERE point_key = ANY(%s) AND measure_time BETWEEN %s AND %s
GROUP BY point_key
"""
_RESETS = """
SELECT point_key, measure_time
FROM register_resets WHERE point_key = ANY(%s) AND measure_time BETWEEN %s AND %s
"""

_LATEST = """
SELECT asked.point_key, newest.measure_time, newest.value, newest.quality
FROM unnest(%s::integer[]) WITH ORDINALITY AS asked (point_key, place)
CROSS JOIN LATERAL (
    SELECT measure_time, value, quality FROM readings
    WHERE readings.point_key = asked.point_key
    ORDER BY measure_time DESC LIMIT 1
) AS newest
ORDER BY asked.place
"""


class PostgresReadingStore:
    """Answers queries from the tables."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def points(self, selectors: Sequence[PointSelector]) -> Sequence[RegisteredPoint]:
        """Return the points of the selectors, each once."""
        names = [one.point.name for one in selectors if one.point]
        devices = [one.device.name for one in selectors if one.device and not one.point]
        sites = [one.site.name for one in selectors if not one.device]
        async with self._database.connection() as connection:
            cursor = await connection.execute(_POINTS, (names, devices, sites))
            found = [
                RegisteredPoint(key=key, id=PointId.parse(name))
                for key, name in await cursor.fetchall()
            ]
            chosen: dict[int, RegisteredPoint] = {}
            for selector in selectors:
                own = [point for point in found if _selects(selector, point.id)]
                if not own:
                    await _require_exists(connection, selector)
                chosen.update({point.key: point for point in own})
        return list(chosen.values())

    async def histories(
        self, keys: Collection[int], first: datetime, last: datetime
    ) -> Mapping[int, History]:
        """Return the readings of [first, last] of every key."""
        parameters = (list(keys), first, last)
        async with self._database.connection() as connection:
            cursor = connection.cursor(binary=True)
            await cursor.execute(_HISTORIES, parameters)
            rows = await cursor.fetchall()
            await cursor.execute(_RESETS, parameters)
            resets: dict[int, list[int]] = {}
            for key, time in await cursor.fetchall():
                resets.setdefault(key, []).append(to_microseconds(time))
        found = {key: _history(times, values, resets.get(key, ())) for key, times, values in rows}
        return {key: found.get(key, History.empty()) for key in keys}

    async def latest(self, points: Sequence[RegisteredPoint]) -> Sequence[Reading]:
        """Return the newest reading of each point that has one."""
        ids = {point.key: point.id for point in points}
        async with self._database.connection() as connection:
            cursor = await connection.execute(_LATEST, (list(ids),))
            return [
                Reading(point=ids[key], measure_time=time, value=value, quality=QUALITIES[quality])
                for key, time, value, quality in await cursor.fetchall()
            ]


def _selects(selector: PointSelector, point: PointId) -> bool:
    if selector.point:
        return point == selector.point
    return point.site == selector.site and selector.device in (None, point.device)


async def _require_exists(connection: AsyncConnection, selector: PointSelector) -> None:
    """Raise NotFound when a selector chose nothing since there is no such thing."""
    if selector.point:
        raise NotFound("POINT_NOT_FOUND", f"there is no {selector.point}")
    if selector.device:
        kind, name, query = "DEVICE", selector.device.name, "SELECT FROM devices WHERE name = %s"
    else:
        kind, name, query = "SITE", selector.site.name, "SELECT FROM sites WHERE name = %s"
    cursor = await connection.execute(query, (name,))
    if not cursor.rowcount:
        raise NotFound(f"{kind}_NOT_FOUND", f"there is no {name}")


def _history(times: bytes, values: bytes, resets_us: Sequence[int]) -> History:
    times_us = columns.times_from_send(times)
    order = np.argsort(times_us, kind="stable")
    return History(
        times_us=times_us[order],
        values=columns.floats_from_send(values)[order],
        resets_us=np.array(sorted(resets_us), np.int64),
    )
