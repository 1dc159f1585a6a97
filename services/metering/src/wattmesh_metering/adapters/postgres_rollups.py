"""Roll-ups of registers: made in turns, read by queries, outdated by whoever keeps late readings.

Who outdates days holds a lock together with others until the commit, who makes them holds it alone:
so nothing is made from readings beside which later ones are being committed.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
from psycopg import AsyncConnection

from wattmesh_kernel.quantities import Quality
from wattmesh_metering.adapters.arrays import IntArray, TimeArray, cursor_for_arrays
from wattmesh_metering.adapters.columns import ints_from_send
from wattmesh_metering.adapters.placed_histories import placed_histories
from wattmesh_metering.domain.readings import QUALITY_CODES, Floats, Ints
from wattmesh_metering.domain.rollups import (
    DAY_US,
    QUARTER_US,
    QUARTERS,
    PointDays,
    QuarterWorths,
    RolledDays,
    roll_up,
)
from wattmesh_runtime.database import Database

_DAYS_AT_ONCE = 500
_POINTS_AT_ONCE = 200
_LONGEST_PAST_DAYS = 3 * 366
"""How far back a point is rolled up that was there before roll-ups were [days]."""

_KEY = int.from_bytes(hashlib.sha256(b"wattmesh/rollups").digest()[:8], signed=True)
_ALONE = "SELECT pg_try_advisory_xact_lock(%s)"
_TOGETHER = "SELECT pg_advisory_xact_lock_shared(%s)"
_OUTDATE = """
INSERT INTO register_rollups (point_key, day, quarters)
SELECT point_key, day, NULL FROM unnest(%s::integer[], %s::integer[]) AS outdated (point_key, day)
ORDER BY point_key, day
ON CONFLICT (point_key, day) DO UPDATE SET quarters = NULL
WHERE register_rollups.quarters IS NOT NULL
"""
_RULE = "SELECT longest_gap_us FROM rollup_rule"
_RENEW = """
INSERT INTO rollup_rule (longest_gap_us) VALUES (%s)
ON CONFLICT (one) DO UPDATE SET longest_gap_us = excluded.longest_gap_us
"""
# A point's past begins with its first reading; each day that ends is another one.
_OPEN = f"""
WITH point AS (
    SELECT point_key, until_day FROM points LEFT JOIN rolled_points USING (point_key)
    WHERE kind = 'register' AND NOT removed AND (until_day IS NULL OR until_day < %(day)s)
    LIMIT {_POINTS_AT_ONCE}
), opened AS (
    INSERT INTO register_rollups (point_key, day)
    SELECT point_key, generate_series(begun.day, %(day)s)
    FROM point CROSS JOIN LATERAL (
        SELECT greatest(
            coalesce(until_day + 1, %(day)s - {_LONGEST_PAST_DAYS}),
            extract(epoch FROM measure_time)::bigint / 86400) AS day
        FROM readings WHERE readings.point_key = point.point_key ORDER BY measure_time LIMIT 1
    ) AS begun
    ON CONFLICT DO NOTHING
)
INSERT INTO rolled_points (point_key, until_day)
SELECT point_key, %(day)s FROM point
ON CONFLICT (point_key) DO UPDATE SET until_day = excluded.until_day
"""
_TO_MAKE = f"""
SELECT point_key, day FROM register_rollups
WHERE (quarters IS NULL OR worths IS NULL) AND day <= %s
ORDER BY point_key, day LIMIT {_DAYS_AT_ONCE}
"""
_READINGS = """
SELECT place, string_agg(timestamptz_send(measure_time), ''), string_agg(float8send(value), ''),
    string_agg(int2send(quality), '')
FROM unnest(%s::integer[], %s::integer[], %s::timestamptz[], %s::timestamptz[])
    AS asked (place, key, first, last)
CROSS JOIN LATERAL (
    SELECT measure_time, value, quality FROM readings
    WHERE point_key = asked.key AND measure_time BETWEEN asked.first AND asked.last
    OFFSET 0  -- looks each span up, however many rows the planner expects
) AS kept
GROUP BY place
"""
_MAKE = """
UPDATE register_rollups SET quarters = made.quarters, worths = made.worths
FROM unnest(%s::integer[], %s::integer[], %s::bytea[], %s::bytea[])
    AS made (point_key, day, quarters, worths)
WHERE register_rollups.point_key = made.point_key AND register_rollups.day = made.day
"""
_ROLLED = """
SELECT point_key, string_agg(int4send(day), '' ORDER BY day),
    string_agg(CASE quarters WHEN '' THEN %(unknown)s::bytea ELSE quarters END, '' ORDER BY day),
    string_agg(CASE worths WHEN '' THEN %(whole)s::bytea ELSE worths END, '' ORDER BY day)
        FILTER (WHERE %(worths)s)
FROM register_rollups
WHERE point_key = ANY(%(keys)s) AND day BETWEEN %(first)s AND %(last)s AND quarters IS NOT NULL
  AND (worths IS NOT NULL OR NOT %(worths)s)
  AND EXISTS (SELECT FROM rollup_rule WHERE longest_gap_us = %(longest_gap_us)s)
GROUP BY point_key
UNION ALL
SELECT point_key, NULL, NULL, NULL FROM eventful_points WHERE point_key = ANY(%(keys)s)
"""
_UNKNOWN = np.full(QUARTERS, np.nan, "<f8").tobytes()
_WORTHS = np.dtype([("covered_us", "<u4", QUARTERS), ("codes", "u1", QUARTERS)])


class PostgresRollups:
    """Makes roll-ups, some at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._opened_day: int | None = None

    async def turn(self, day: int, longest_gap_us: int) -> bool:
        """Make some roll-ups of days up to one [since 1970]; say whether there was anything."""
        async with self._database.transaction() as connection:
            cursor = await connection.execute(_ALONE, (_KEY,))
            if await cursor.fetchone() != (True,):
                return False
            await _keep_to(connection, longest_gap_us)
            opened = await self._open(connection, day)
            cursor = await connection.execute(_TO_MAKE, (day,))
            found = np.array(await cursor.fetchall(), np.int64).reshape(-1, 2)
            wanted = PointDays(keys=found[:, 0], days=found[:, 1])
            if len(wanted):
                await _make(connection, wanted, longest_gap_us)
        return bool(len(wanted) or opened)

    async def _open(self, connection: AsyncConnection, day: int) -> bool:
        """Have the days of some points be made that ended since this was done last."""
        if self._opened_day == day:
            return False
        opened = (await connection.execute(_OPEN, {"day": day})).rowcount
        if not opened:
            self._opened_day = day
        return opened > 0


async def _keep_to(connection: AsyncConnection, longest_gap_us: int) -> None:
    """Forget all roll-ups that were made with another longest gap."""
    kept = await (await connection.execute(_RULE)).fetchone()
    if kept != (longest_gap_us,):
        # Not TRUNCATE, for which a service's role has no right.
        await connection.execute("DELETE FROM register_rollups")
        await connection.execute("DELETE FROM rolled_points")
        await connection.execute(_RENEW, (longest_gap_us,))


async def outdate(connection: AsyncConnection, late: PointDays) -> None:
    """Have days be made again, once the transaction is committed."""
    if len(late):
        await connection.execute(_TOGETHER, (_KEY,))
        cursor = cursor_for_arrays(connection)
        await cursor.execute(_OUTDATE, (IntArray(late.keys), IntArray(late.days)))


async def read_rolled(
    connection: AsyncConnection,
    keys: Sequence[int],
    days: tuple[int, int],
    longest_gap_us: int,
    *,
    worths: bool,
) -> tuple[RolledDays, list[int]]:
    """Return what is rolled up from one day to another, and the points of which more is known.

    `worths`: with what it is worth.
    """
    cursor = cursor_for_arrays(connection)
    parameters = {
        "keys": IntArray(np.array(keys, np.int64)),
        "first": days[0],
        "last": days[1],
        "longest_gap_us": longest_gap_us,
        "unknown": _UNKNOWN,
        "worths": worths,
        "whole": _PACKED_WHOLE,
    }
    await cursor.execute(_ROLLED, parameters)
    rows = await cursor.fetchall()
    found = [row for row in rows if row[2] is not None]
    values = np.frombuffer(b"".join(row[2] for row in found), "<f8")
    rolled = RolledDays(
        keys=np.repeat([row[0] for row in found], [len(row[1]) // 4 for row in found]).astype(
            np.int64
        ),
        days=ints_from_send(b"".join(row[1] for row in found)),
        values=values.reshape(-1, QUARTERS),
        worths=_worths(b"".join(row[3] for row in found)) if worths else None,
    )
    return rolled, [row[0] for row in rows if row[2] is None]


async def _make(connection: AsyncConnection, wanted: PointDays, longest_gap_us: int) -> None:
    begins_us: Ints = wanted.days * DAY_US
    places: Ints = np.arange(len(wanted))
    cursor = cursor_for_arrays(connection)
    await cursor.execute(
        _READINGS,
        (
            *(IntArray(places), IntArray(wanted.keys)),
            *(
                TimeArray(begins_us - longest_gap_us),
                TimeArray(begins_us + DAY_US + longest_gap_us),
            ),
        ),
    )
    histories = placed_histories(len(wanted), await cursor.fetchall())
    made = roll_up(histories, PointDays(keys=places, days=wanted.days), longest_gap_us)
    assert made.worths is not None
    quarters = [_packed(row) for row in made.values]
    worths = [b"" if row == _PACKED_WHOLE else row for row in _packed_worths(made.worths)]
    await cursor.execute(_MAKE, (IntArray(wanted.keys), IntArray(wanted.days), quarters, worths))


def _packed(quarters: Floats) -> bytes:
    return b"" if np.isnan(quarters).all() else quarters.astype("<f8").tobytes()


def _packed_worths(worths: QuarterWorths) -> list[bytes]:
    rows = np.empty(len(worths.codes), _WORTHS)
    rows["covered_us"], rows["codes"] = worths.covered_us, worths.codes
    return [row.tobytes() for row in rows]


def _worths(packed: bytes) -> QuarterWorths:
    rows = np.frombuffer(packed, _WORTHS)
    return QuarterWorths(
        covered_us=rows["covered_us"].astype(np.int64), codes=rows["codes"].astype(np.int64)
    )


_PACKED_WHOLE = _packed_worths(
    QuarterWorths(
        covered_us=np.full((1, QUARTERS), QUARTER_US, np.int64),
        codes=np.full((1, QUARTERS), QUALITY_CODES[Quality.MEASURED], np.int64),
    )
)[0]
"""A day on which all is known from what was measured: it is kept as nothing."""
