"""Limits in PostgreSQL."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import dict_row

from wattmesh_control.domain.limits import Limit
from wattmesh_control.domain.setpoint import DeviceFilter
from wattmesh_kernel.ids import DeviceId, LimitId
from wattmesh_kernel.time import to_utc
from wattmesh_runtime.database import Database

_IN_FORCE = "SELECT * FROM limits WHERE device = ANY(%s) AND expire_time > %s ORDER BY name"

_PUT = """
INSERT INTO limits (name, device, site, owner, min_power_w, max_power_w, expire_time, reason)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (device, owner) DO UPDATE SET min_power_w = excluded.min_power_w,
    max_power_w = excluded.max_power_w, expire_time = excluded.expire_time,
    reason = excluded.reason
RETURNING name
"""

_REMOVE = "DELETE FROM limits WHERE name = %s"

_GET = "SELECT * FROM limits WHERE name = %s AND expire_time > %s"

_PAGE = """
SELECT * FROM limits
WHERE expire_time > %(now)s AND name > %(after)s
  AND (%(device)s::text IS NULL OR device = %(device)s)
  AND (%(site)s::text IS NULL OR site = %(site)s)
ORDER BY name LIMIT %(size)s
"""


class PostgresLimits:
    """LimitBook on a transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def in_force(self, devices: Collection[DeviceId], now: datetime) -> list[Limit]:
        """Return the limits of these devices that have not expired."""
        cursor = self._connection.cursor(row_factory=dict_row)
        await cursor.execute(_IN_FORCE, ([device.name for device in devices], now))
        return [_limit(row) for row in await cursor.fetchall()]

    async def put(self, limit: Limit) -> Limit:
        """Store a limit in place of its owner's on the device, whose name it keeps."""
        values = (
            *(limit.limit.name, limit.device.name, limit.device.site.name, limit.owner),
            *(limit.min_power_w, limit.max_power_w, limit.expire_time, limit.reason),
        )
        row = await (await self._connection.execute(_PUT, values)).fetchone()
        assert row is not None, "an upsert returns its name"
        return replace(limit, limit=LimitId.parse(row[0]))

    async def remove(self, limit: LimitId) -> None:
        """Withdraw a limit."""
        await self._connection.execute(_REMOVE, (limit.name,))


class PostgresLimitArchive:
    """LimitArchive: reads without locks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, limit: LimitId, now: datetime) -> Limit | None:
        """Return a limit in force."""
        async with self._database.connection() as connection:
            cursor = connection.cursor(row_factory=dict_row)
            await cursor.execute(_GET, (limit.name, now))
            row = await cursor.fetchone()
        return None if row is None else _limit(row)

    async def page(
        self, devices: DeviceFilter, now: datetime, after: str, size: int
    ) -> list[Limit]:
        """Return at most `size` limits in force, by name, named after `after`."""
        values = {
            "now": now,
            "after": after,
            "size": size,
            "device": devices.device and devices.device.name,
            "site": devices.site and devices.site.name,
        }
        async with self._database.connection() as connection:
            cursor = connection.cursor(row_factory=dict_row)
            await cursor.execute(_PAGE, values)
            return [_limit(row) for row in await cursor.fetchall()]


def _limit(row: dict[str, Any]) -> Limit:
    return Limit(
        limit=LimitId.parse(row["name"]),
        device=DeviceId.parse(row["device"]),
        owner=row["owner"],
        min_power_w=row["min_power_w"],
        max_power_w=row["max_power_w"],
        expire_time=to_utc(row["expire_time"]),
        reason=row["reason"],
    )
