"""Limits in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime

from psycopg import AsyncConnection, AsyncCursor

from wattmesh_control.adapters.rows import Row, device_id, utc
from wattmesh_control.app.draft import Draft
from wattmesh_control.domain.limits import Limit
from wattmesh_control.domain.setpoint import DeviceFilter
from wattmesh_kernel.ids import LimitId
from wattmesh_kernel.time import to_utc
from wattmesh_runtime.database import Database

_SELECT = """
SELECT name, subject, owner, min_power_w, max_power_w, start_time, expire_time, reason FROM limits
"""

_STANDING = f"{_SELECT} WHERE subject = ANY(%s) AND expire_time > %s ORDER BY name"

# An older one of the same owner that has expired gives its place, not its name.
_PUT = """
INSERT INTO limits (name, subject, site, owner, min_power_w, max_power_w,
                    start_time, expire_time, reason)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (subject, owner) DO UPDATE SET name = excluded.name,
    min_power_w = excluded.min_power_w, max_power_w = excluded.max_power_w,
    start_time = excluded.start_time, expire_time = excluded.expire_time, reason = excluded.reason
"""

_REMOVE = "DELETE FROM limits WHERE name = %s"

_GET = f"{_SELECT} WHERE name = %s AND expire_time > %s"

_PAGE = f"""
{_SELECT}
WHERE expire_time > %(now)s AND name > %(after)s
  AND (%(device)s::text IS NULL OR subject = %(device)s)
  AND (%(site)s::text IS NULL OR site = %(site)s)
ORDER BY name LIMIT %(size)s
"""


async def select_standing(
    connection: AsyncConnection[Row], devices: Sequence[str], now: datetime
) -> AsyncCursor[Row]:
    """Ask for the limits of devices that have not ended at `now`."""
    return await connection.execute(_STANDING, (devices, now))


async def fetch(cursor: AsyncCursor[Row]) -> list[Limit]:
    """Return the limits that were asked for."""
    return [_limit(row) for row in await cursor.fetchall()]


async def write(connection: AsyncConnection[Row], draft: Draft) -> None:
    """Write the limit that a draft sets, and remove the one that it withdraws."""
    if draft.limit is not None:
        await connection.execute(_PUT, _values(draft.limit))
    if draft.removed_limit is not None:
        await connection.execute(_REMOVE, (draft.removed_limit.name,))


class PostgresLimitArchive:
    """LimitArchive: reads without locks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, limit: LimitId, now: datetime) -> Limit | None:
        """Return a limit that has not ended."""
        async with self._database.connection() as connection:
            cursor = await connection.execute(_GET, (limit.name, now))
            return next(iter(await fetch(cursor)), None)

    async def page(
        self, devices: DeviceFilter, now: datetime, after: str, size: int
    ) -> list[Limit]:
        """Return at most `size` limits that have not ended, by name, named after `after`."""
        values = {
            "now": now,
            "after": after,
            "size": size,
            "device": devices.device and devices.device.name,
            "site": devices.site and devices.site.name,
        }
        async with self._database.connection() as connection:
            return await fetch(await connection.execute(_PAGE, values))


def _values(limit: Limit) -> tuple[object, ...]:
    return (
        *(limit.limit.name, limit.device.name, limit.device.site.name, limit.owner),
        *(limit.min_power_w, limit.max_power_w, limit.start_time, limit.expire_time),
        limit.reason,
    )


def _limit(row: Row) -> Limit:
    return Limit(
        limit=LimitId.parse(row[0]),
        device=device_id(row[1]),
        owner=row[2],
        min_power_w=row[3],
        max_power_w=row[4],
        start_time=utc(row[5]),
        expire_time=to_utc(row[6]),
        reason=row[7],
    )
