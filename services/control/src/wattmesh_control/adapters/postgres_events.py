"""Device events in PostgreSQL."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from psycopg import AsyncConnection

from wattmesh_control.adapters.notice_codec import CHANNEL
from wattmesh_control.adapters.rows import Row, device_id
from wattmesh_control.app.effect_ports import EventQuery
from wattmesh_control.domain.device_event import DeviceEvent
from wattmesh_kernel.ids import CommandId
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.time import to_utc
from wattmesh_runtime.database import Database

_COLUMNS = "number, device, time, what, message, command, kind, value"

# Every process hears of it once it is committed, this one too: one way for all watchers. A payload
# is bounded at 8000 bytes.
_WRITE = """
WITH added AS (
    INSERT INTO device_events (device, time, what, message, command, kind, value)
    SELECT * FROM unnest(
        %s::text[], %s::timestamptz[], %s::text[], %s::text[],
        %s::text[], %s::text[], %s::double precision[]
    )
    RETURNING number
), parts AS (
    SELECT number, (row_number() OVER (ORDER BY number) - 1) / 300 AS part FROM added
)
SELECT pg_notify(%s, json_build_object('process', '', 'events', json_agg(number))::text)
FROM parts GROUP BY part
"""

_FIND = f"SELECT {_COLUMNS} FROM device_events WHERE number = ANY(%(numbers)s) ORDER BY number"

_PAGE = f"""
SELECT {_COLUMNS} FROM device_events
WHERE (%(device)s::text IS NULL OR device = %(device)s)
  AND (%(site)s::text IS NULL OR starts_with(device, %(site)s || '/'))
  AND (%(start)s::timestamptz IS NULL OR (time >= %(start)s AND time < %(end)s))
  AND (%(types)s::text[] IS NULL OR what = ANY(%(types)s))
  AND (%(before)s::bigint IS NULL OR number < %(before)s)
ORDER BY number DESC LIMIT %(size)s
"""


async def write(connection: AsyncConnection[Row], events: Sequence[DeviceEvent]) -> None:
    """Store events, and let every process hear of them."""
    columns: tuple[list[Any], ...] = (
        [each.device.name for each in events],
        [each.time for each in events],
        [str(each.what) for each in events],
        [each.message for each in events],
        [each.command and each.command.name for each in events],
        [each.kind and each.kind.value for each in events],
        [each.value for each in events],
    )
    await connection.execute(_WRITE, (*columns, CHANNEL))


class PostgresEventArchive:
    """EventArchive."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, numbers: Collection[int]) -> list[DeviceEvent]:
        """Return events by number, oldest first."""
        return await self._select(_FIND, {"numbers": list(numbers)})

    async def page(self, query: EventQuery, before: int | None, size: int) -> list[DeviceEvent]:
        """Return at most `size` events, newest first, numbered below `before`."""
        devices, span = query.devices, query.span
        values = {
            "device": devices.device and devices.device.name,
            "site": devices.site and devices.site.name,
            "start": span and span.start,
            "end": span and span.end,
            "types": [each.value for each in query.types] or None,
            "before": before,
            "size": size,
        }
        return await self._select(_PAGE, values)

    async def _select(self, query: str, values: Mapping[str, object]) -> list[DeviceEvent]:
        async with self._database.connection() as connection:
            cursor = await connection.execute(query, values)
            return [_event(row) for row in await cursor.fetchall()]


def _event(row: Row) -> DeviceEvent:
    number, device, time, what, message, command, kind, value = row
    return DeviceEvent(
        number=number,
        device=device_id(device),
        time=to_utc(time),
        what=what,
        message=message,
        command=None if command is None else CommandId.parse(command),
        kind=None if kind is None else SetpointKind(kind),
        value=value,
    )
