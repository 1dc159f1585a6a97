"""Substitutes: made flag by flag in turns, and read by queries that ask for them."""

import hashlib
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from psycopg import AsyncConnection

from wattmesh_metering.app.substitute import Making, OpenFlag
from wattmesh_metering.domain.readings import from_microseconds, to_microseconds
from wattmesh_metering.domain.substitutes import Method, Substitute
from wattmesh_metering.domain.vee.flags import Flag, FlagKind
from wattmesh_metering.domain.vee.substituting import LONGEST_US
from wattmesh_runtime.database import Database

_FLAGS_AT_ONCE = 100
_LOCK_KEY = int.from_bytes(hashlib.sha256(b"wattmesh/substitutes").digest()[:8], signed=True)
_ALONE = "SELECT pg_try_advisory_xact_lock(%s)"
_WAIT = "SELECT pg_advisory_xact_lock(%s)"
_UNTIL = "SELECT coalesce((SELECT until_key FROM substituted_flags), 0)"
_DONE = """
INSERT INTO substituted_flags (until_key) VALUES (%s)
ON CONFLICT (one) DO UPDATE SET until_key = excluded.until_key
"""
_FLAG = "flag_key, point_key, kind, start_time, end_time, excludes, lift, message"
# Flags are raised one turn after the other, so none is committed later than one with a higher key.
_NEXT = f"""
SELECT {_FLAG}, clear_time IS NULL FROM reading_flags
WHERE flag_key > %s ORDER BY flag_key LIMIT {_FLAGS_AT_ONCE}
"""
_STANDING = f"""
SELECT {_FLAG}, true FROM reading_flags
WHERE point_key = ANY(%s) AND clear_time IS NULL AND end_time >= %s AND start_time <= %s
ORDER BY flag_key
"""
_LAST = """
SELECT point_key, start_time, end_time, method, register, step_us, substitutes, rise
FROM reading_substitutes WHERE flag_key = %s ORDER BY substitute_key DESC LIMIT 1
"""
_KEEP = """
INSERT INTO reading_substitutes (flag_key, point_key, start_time, end_time, method, register,
    step_us, substitutes, rise, make_time)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_READ = """
SELECT made.point_key, made.start_time, made.end_time, method, register, step_us, substitutes, rise
FROM reading_substitutes AS made JOIN reading_flags AS flags USING (flag_key)
WHERE made.point_key = ANY(%(keys)s)
  AND made.start_time BETWEEN %(begin)s AND %(last)s AND made.end_time >= %(first)s
  AND CASE WHEN %(known_by)s::timestamptz IS NULL THEN flags.clear_time IS NULL
      ELSE made.make_time <= %(known_by)s
          AND (flags.clear_time IS NULL OR flags.clear_time > %(known_by)s) END
ORDER BY substitute_key
"""


class PostgresSubstitutes:
    """Hands out flags for which substitutes are to be made, to one process at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Making]:
        """Take the flags that were raised since the last turn; they come again after an error."""
        async with self._database.transaction() as connection:
            cursor = await connection.execute(_ALONE, (_LOCK_KEY,))
            flags: list[OpenFlag] = []
            if await cursor.fetchone() == (True,):
                (until,) = await (await connection.execute(_UNTIL)).fetchone() or (0,)
                rows = await (await connection.execute(_NEXT, (until,))).fetchall()
                flags = [_open_flag(row) for row in rows]
            yield PostgresMaking(connection, flags)
            if flags:
                await connection.execute(_DONE, (flags[-1].flag_key,))

    @asynccontextmanager
    async def again(
        self, keys: Collection[int], first: datetime, last: datetime
    ) -> AsyncIterator[Making]:
        """Take all flags of points that hold somewhere in a span, once nobody else makes any."""
        async with self._database.transaction() as connection:
            await connection.execute(_WAIT, (_LOCK_KEY,))
            cursor = await connection.execute(_STANDING, (list(keys), first, last))
            yield PostgresMaking(connection, [_open_flag(row) for row in await cursor.fetchall()])


class PostgresMaking:
    """One turn in its transaction."""

    def __init__(self, connection: AsyncConnection, flags: Sequence[OpenFlag]) -> None:
        self._connection = connection
        self.flags = flags

    async def keep(self, flag_key: int, made: Substitute, now: datetime) -> bool:
        """Keep what is made for a flag, unless it is what stands already; say whether it is new."""
        last = await (await self._connection.execute(_LAST, (flag_key,))).fetchone()
        if last is not None and made.same(_substitute(last)):
            return False
        await self._connection.execute(
            _KEEP,
            (
                *(flag_key, made.key),
                *(from_microseconds(made.first_us), from_microseconds(made.last_us)),
                *(made.method.value, made.register, made.step_us),
                *(made.values.astype("<f8").tobytes(), made.rise, now),
            ),
        )
        return True


async def read_substitutes(
    connection: AsyncConnection,
    keys: Collection[int],
    span: tuple[datetime, datetime],
    known_by: datetime | None = None,
) -> list[Substitute]:
    """Return the substitutes of points in a span, as they were known at a time (None: now).

    In the order in which they were made.
    """
    parameters = {
        "keys": list(keys),
        "begin": span[0] - timedelta(microseconds=LONGEST_US),
        "first": span[0],
        "last": span[1],
        "known_by": known_by,
    }
    cursor = await connection.execute(_READ, parameters)
    return [_substitute(row) for row in await cursor.fetchall()]


def _open_flag(row: Sequence[Any]) -> OpenFlag:
    key, point_key, kind, first, last, excludes, lift, message, stands = row
    flag = Flag(
        kind=FlagKind(kind),
        first_us=to_microseconds(first),
        last_us=to_microseconds(last),
        message=message,
        excludes=excludes,
        lift=lift,
    )
    return OpenFlag(flag_key=key, point_key=point_key, flag=flag, stands=stands)


def _substitute(row: Sequence[Any]) -> Substitute:
    key, first, last, method, register, step_us, values, rise = row
    return Substitute(
        key=key,
        first_us=to_microseconds(first),
        last_us=to_microseconds(last),
        step_us=step_us,
        method=Method(method),
        values=np.frombuffer(values, "<f8"),
        register=register,
        rise=rise,
    )
