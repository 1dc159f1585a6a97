"""What people change about readings, and the flags that they look at."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from psycopg import AsyncConnection

from wattmesh_metering.adapters.receipts import pack
from wattmesh_metering.app.edit_readings import Edit, Exchange, FlagQuery, KeptFlag
from wattmesh_metering.domain.arrivals import Touched
from wattmesh_metering.domain.readings import RegisteredPoint, to_microseconds
from wattmesh_metering.domain.substitutes import Method
from wattmesh_metering.domain.vee.flags import Flag, FlagKind
from wattmesh_runtime.database import Database

_NOTE = """
INSERT INTO reading_edits
    (kind, point_key, start_time, end_time, details, reason, caller, request_id, edit_time)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_DECLARE = """
INSERT INTO meter_exchanges
    (point_key, exchange_time, lift, final_value, initial_value, note, actor, declare_time)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (point_key, exchange_time) DO UPDATE SET
    lift = excluded.lift, final_value = excluded.final_value,
    initial_value = excluded.initial_value, note = excluded.note, actor = excluded.actor,
    declare_time = excluded.declare_time
"""
_ARRIVED = "INSERT INTO arrivals (commit_time, touched) VALUES (%s, %s)"
_FLAGS = """
SELECT flag_key, point_key, kind, start_time, end_time, excludes, lift, message,
    raise_time, clear_time,
    (SELECT method FROM reading_substitutes AS made WHERE made.flag_key = reading_flags.flag_key
     ORDER BY substitute_key DESC LIMIT 1)
FROM reading_flags
WHERE point_key = ANY(%(keys)s) AND flag_key > %(after)s
  AND (clear_time IS NULL OR %(cleared)s)
  AND (%(start)s::timestamptz IS NULL OR end_time >= %(start)s AND start_time < %(end)s)
ORDER BY flag_key LIMIT %(limit)s
"""


class PostgresEdits:
    """Edits in the tables."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def note(self, edit: Edit, now: datetime) -> None:
        """Keep who changes what."""
        async with self._database.connection() as connection:
            await _note(connection, edit, now)

    async def declare(self, exchange: Exchange, edit: Edit, now: datetime) -> None:
        """Keep an exchange, and have its point be judged."""
        values = (exchange.final_value, exchange.initial_value)
        async with self._database.transaction() as connection:
            await _note(connection, edit, now)
            await connection.execute(
                _DECLARE,
                (
                    *(edit.point.key, exchange.time, values[0] - values[1], *values),
                    *(edit.reason, edit.caller, now),
                ),
            )
            await connection.execute(_ARRIVED, (now, pack(_touched(edit.point, exchange.time))))

    async def flags(
        self, points: Sequence[RegisteredPoint], query: FlagQuery, after: int, limit: int
    ) -> Sequence[KeptFlag]:
        """Return flags in the order of their keys."""
        ids = {point.key: point.id for point in points}
        parameters = {
            "keys": list(ids),
            "after": after,
            "limit": limit,
            "cleared": query.cleared,
            "start": query.span.start if query.span else None,
            "end": query.span.end if query.span else None,
        }
        async with self._database.connection() as connection:
            cursor = await connection.execute(_FLAGS, parameters)
            rows = await cursor.fetchall()
        return [
            KeptFlag(
                key=row[0],
                point=ids[row[1]],
                flag=Flag(
                    kind=FlagKind(row[2]),
                    first_us=to_microseconds(row[3]),
                    last_us=to_microseconds(row[4]),
                    excludes=row[5],
                    lift=row[6],
                    message=row[7],
                ),
                raise_time=row[8],
                clear_time=row[9],
                substituted=None if row[10] is None else Method(row[10]),
            )
            for row in rows
        ]


async def _note(connection: AsyncConnection, edit: Edit, now: datetime) -> None:
    await connection.execute(
        _NOTE,
        (
            *(edit.kind, edit.point.key, *edit.span, edit.details, edit.reason),
            *(edit.caller, edit.request_id, now),
        ),
    )


def _touched(point: RegisteredPoint, moment: datetime) -> Touched:
    time_us = np.array([to_microseconds(moment)], np.int64)
    none = np.zeros(1, np.int64)
    return Touched(
        keys=none + point.key,
        sources=none,
        first_us=time_us,
        last_us=time_us,
        stored=none,
        telegrams=none,
    )
