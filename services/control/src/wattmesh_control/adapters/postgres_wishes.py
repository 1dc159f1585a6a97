"""Wishes in PostgreSQL."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import dict_row

from wattmesh_control.domain.setpoint import SetpointKind
from wattmesh_control.domain.wish import Origin, Wish
from wattmesh_kernel.ids import DeviceId
from wattmesh_kernel.time import TimeRange, to_utc

_STANDING = "SELECT * FROM wishes WHERE device = ANY(%s) AND end_time > %s ORDER BY number"

_ADD = """
INSERT INTO wishes (origin, device, kind, owner, priority, source, request_id,
                    start_time, end_time, value, accept_time)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""

_REMOVE = "DELETE FROM wishes WHERE number = ANY(%s)"

_CUT = "UPDATE wishes SET end_time = %s WHERE number = %s"

_FORGET = "DELETE FROM wishes WHERE device = ANY(%s) AND end_time <= %s"


class PostgresWishes:
    """WishBook on a transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def standing(self, devices: Collection[DeviceId], now: datetime) -> list[Wish]:
        """Return the wishes of these devices that are not over at `now`."""
        cursor = self._connection.cursor(row_factory=dict_row)
        await cursor.execute(_STANDING, (_names(devices), now))
        return [_wish(row) for row in await cursor.fetchall()]

    async def add(self, wishes: Sequence[Wish]) -> None:
        """Store wishes, numbered in this order."""
        if wishes:
            await self._connection.cursor().executemany(_ADD, [_values(wish) for wish in wishes])

    async def remove(self, numbers: Collection[int]) -> None:
        """Withdraw wishes."""
        if numbers:
            await self._connection.execute(_REMOVE, (list(numbers),))

    async def cut(self, ends: Sequence[tuple[int, datetime]]) -> None:
        """Let wishes end earlier."""
        for number, end in ends:
            await self._connection.execute(_CUT, (end, number))

    async def forget(self, devices: Collection[DeviceId], now: datetime) -> None:
        """Delete the wishes of these devices that were over before `now`."""
        await self._connection.execute(_FORGET, (_names(devices), now))


def _names(devices: Collection[DeviceId]) -> list[str]:
    return [device.name for device in devices]


def _values(wish: Wish) -> tuple[object, ...]:
    return (
        *(wish.origin.value, wish.device.name, wish.kind.value, wish.owner, wish.priority),
        *(wish.source, wish.request_id, wish.span.start, wish.span.end, wish.value),
        wish.accept_time,
    )


def _wish(row: dict[str, Any]) -> Wish:
    return Wish(
        number=row["number"],
        origin=Origin(row["origin"]),
        device=DeviceId.parse(row["device"]),
        kind=SetpointKind(row["kind"]),
        owner=row["owner"],
        priority=row["priority"],
        source=row["source"],
        request_id=row["request_id"],
        span=TimeRange(row["start_time"], row["end_time"]),
        value=row["value"],
        accept_time=to_utc(row["accept_time"]),
    )
