"""Limits in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString

from psycopg import AsyncConnection, AsyncCursor

from wattmesh_control.adapters.postgres_acknowledgements import with_acknowledgements
from wattmesh_control.adapters.rows import Row, record_of, records, utc
from wattmesh_control.app.draft import Draft
from wattmesh_control.domain.limits import Limit
from wattmesh_control.domain.setpoint import DeviceFilter
from wattmesh_control.domain.subject import NodeName, subject_of
from wattmesh_kernel.ids import DeviceId, GroupId, LimitId, SiteId
from wattmesh_kernel.time import to_utc
from wattmesh_runtime.database import Database

_COLUMNS = {
    "name": "text",
    "subject": "text",
    "site": "text",
    "owner": "text",
    "min_power_w": "double precision",
    "max_power_w": "double precision",
    "start_time": "timestamptz",
    "expire_time": "timestamptz",
    "reason": "text",
    "parent": "text",
    "min_phase_power_w": "double precision",
    "max_phase_power_w": "double precision",
}
_NAMES = ", ".join(_COLUMNS)

_OF_DEVICES = f"SELECT {_NAMES} FROM limits"
_OF_OTHERS = f"SELECT {_NAMES} FROM shared_limits"

_STANDING = f"{_OF_DEVICES} WHERE subject = ANY(%s) AND expire_time > %s ORDER BY name"

_SHARED_BY = f"""
{_OF_OTHERS} WHERE expire_time > %(now)s AND (subject = %(subject)s OR parent IN (
    SELECT name FROM shared_limits WHERE subject = %(subject)s AND parent IS NULL
)) ORDER BY name
"""

_SHARED = f"{_OF_OTHERS} WHERE expire_time > %s ORDER BY name"


def _put(table: LiteralString) -> LiteralString:
    """Return the statement that puts limits into a table.

    An older one of the same owner that has expired gives its place, not its name. Shares that have
    expired go on the way.
    """
    return f"""
WITH new AS (
    SELECT * FROM json_to_recordset(%s::json) AS new ({record_of(_COLUMNS)})
), over AS (
    DELETE FROM {table} USING new
    WHERE {table}.subject = new.subject AND {table}.parent IS NOT NULL
      AND {table}.expire_time <= %s AND {table}.owner <> new.owner
)
INSERT INTO {table} ({_NAMES}) SELECT {_NAMES} FROM new
ON CONFLICT (subject, owner) DO UPDATE SET name = excluded.name, parent = excluded.parent,
    min_power_w = excluded.min_power_w, max_power_w = excluded.max_power_w,
    start_time = excluded.start_time, expire_time = excluded.expire_time, reason = excluded.reason,
    min_phase_power_w = excluded.min_phase_power_w, max_phase_power_w = excluded.max_phase_power_w
"""


_PUT = _put("limits")
_PUT_SHARED = _put("shared_limits")

_REMOVE = "DELETE FROM limits WHERE name = ANY(%(names)s) OR parent = ANY(%(names)s)"
_REMOVE_SHARED = "DELETE FROM shared_limits WHERE name = ANY(%(names)s) OR parent = ANY(%(names)s)"

_EVERY = f"({_OF_DEVICES} UNION ALL {_OF_OTHERS}) AS every"

_GET = f"SELECT {_NAMES} FROM {_EVERY} WHERE name = %s AND parent IS NULL AND expire_time > %s"

_PAGE = f"""
SELECT {_NAMES} FROM {_EVERY}
WHERE expire_time > %(now)s AND name > %(after)s AND parent IS NULL
  AND (%(device)s::text IS NULL OR subject = %(device)s)
  AND (%(site)s::text IS NULL OR site = %(site)s)
ORDER BY name LIMIT %(size)s
"""


async def select_standing(
    connection: AsyncConnection[Row], devices: Sequence[str], now: datetime
) -> AsyncCursor[Row]:
    """Ask for the limits of devices that have not ended at `now`."""
    return await connection.execute(_STANDING, (devices, now))


async def select_shared(
    connection: AsyncConnection[Row], subject: str, now: datetime
) -> AsyncCursor[Row]:
    """Ask for the limits of a site or group that have not ended, and sites' shares of them."""
    return await connection.execute(_SHARED_BY, {"subject": subject, "now": now})


async def fetch(cursor: AsyncCursor[Row]) -> list[Limit]:
    """Return the limits that were asked for."""
    return [_limit(row) for row in await cursor.fetchall()]


async def write(connection: AsyncConnection[Row], draft: Draft) -> None:
    """Write the limits that a draft puts, and remove those that it withdraws."""
    if draft.removed_limits:
        gone = {"names": [each.name for each in draft.removed_limits]}
        await connection.execute(_REMOVE, gone)
        await connection.execute(_REMOVE_SHARED, gone)
    for statement, of_device in ((_PUT, True), (_PUT_SHARED, False)):
        new = [each for each in draft.put_limits if (each.device is not None) is of_device]
        if new:
            rows = records(list(_COLUMNS), map(_values, new))
            await connection.execute(statement, (rows, draft.now))


class PostgresLimitArchive:
    """LimitArchive: reads without locks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, limit: LimitId, now: datetime) -> Limit | None:
        """Return a limit that has not ended, with who acknowledged it."""
        async with self._database.connection_for_caller() as connection:
            found = await fetch(await connection.execute(_GET, (limit.name, now)))
            return next(iter(await with_acknowledgements(connection, found)), None)

    async def shared(self, now: datetime) -> list[Limit]:
        """Return all limits of sites and groups that have not ended, and sites' shares of them."""
        async with self._database.connection() as connection:
            return await fetch(await connection.execute(_SHARED, (now,)))

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
        async with self._database.connection_for_caller() as connection:
            found = await fetch(await connection.execute(_PAGE, values))
            return await with_acknowledgements(connection, found)


def _values(limit: Limit) -> tuple[object, ...]:
    match subject_of(limit.subject, "subject"):
        case DeviceId(site=site) | (SiteId() as site) | NodeName(owner=SiteId() as site):
            site_name = site.name
        case GroupId() | NodeName():
            site_name = ""
    return (
        *(limit.limit.name, limit.subject, site_name, limit.owner),
        *(limit.min_power_w, limit.max_power_w, limit.start_time, limit.expire_time),
        *(limit.reason, limit.parent and limit.parent.name),
        *(limit.min_phase_power_w, limit.max_phase_power_w),
    )


def _limit(row: Row) -> Limit:
    return Limit(
        limit=LimitId.parse(row[0]),
        subject=row[1],
        owner=row[3],
        min_power_w=row[4],
        max_power_w=row[5],
        start_time=utc(row[6]),
        expire_time=to_utc(row[7]),
        reason=row[8],
        parent=None if row[9] is None else LimitId.parse(row[9]),
        min_phase_power_w=row[10],
        max_phase_power_w=row[11],
    )
