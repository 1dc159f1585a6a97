"""Holds in PostgreSQL."""

from collections.abc import Collection, Mapping
from datetime import datetime

from psycopg import AsyncConnection, AsyncCursor

from wattmesh_control.adapters.rows import Row, device_id, utc
from wattmesh_control.app.read_holds import DeviceWord, HoldRecord
from wattmesh_control.domain.hold import HeldSetpoint, Hold, HoldKind, Released
from wattmesh_kernel.ids import DeviceId, HoldId
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.time import to_utc
from wattmesh_runtime.database import Database

_SELECT = """
SELECT name, subject, kind, owner, reason, setpoint_kind, value, create_time, expire_time,
       release_time, release_owner, release_reason, number
FROM holds
"""

_IN_FORCE = f"""
{_SELECT} WHERE release_time IS NULL AND (expire_time IS NULL OR expire_time > %s) ORDER BY number
"""

# Whoever releases it first has released it.
_PUT = """
INSERT INTO holds (name, subject, kind, owner, reason, setpoint_kind, value, create_time,
                   expire_time, release_time, release_owner, release_reason)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (name) DO UPDATE SET release_time = excluded.release_time,
    release_owner = excluded.release_owner, release_reason = excluded.release_reason
WHERE holds.release_time IS NULL
"""

_GET = f"{_SELECT} WHERE name = %s"

_PAGE = f"""
{_SELECT}
WHERE (%(before)s::bigint IS NULL OR number < %(before)s)
  AND (%(subject)s::text IS NULL OR subject = %(subject)s)
  AND (%(ended)s OR (release_time IS NULL AND (expire_time IS NULL OR expire_time > %(now)s)))
ORDER BY number DESC LIMIT %(size)s
"""

# What a device may still do as it was told, and the last word on whether it answers.
_WORDS = """
SELECT devices.device, held.state, held.message, held.time, status.what, status.message, status.time
FROM unnest(%(devices)s::text[]) AS devices (device)
LEFT JOIN LATERAL (
    SELECT release_state AS state, release_message AS message, release_time AS time
    FROM commands WHERE commands.device = devices.device AND release_state = 'pending'
    UNION ALL
    SELECT 'live', '', create_time FROM commands
    WHERE commands.device = devices.device AND close_time IS NULL
    LIMIT 1
) AS held ON true
LEFT JOIN LATERAL (
    SELECT what, message, time FROM device_events
    WHERE device_events.device = devices.device AND what IN ('online', 'offline')
    ORDER BY time DESC LIMIT 1
) AS status ON true
"""


async def select_in_force(connection: AsyncConnection[Row], now: datetime) -> AsyncCursor[Row]:
    """Ask for the holds that are in force at `now`."""
    return await connection.execute(_IN_FORCE, (now,))


async def fetch(cursor: AsyncCursor[Row]) -> list[Hold]:
    """Return the holds that were asked for."""
    return [_hold(row) for row in await cursor.fetchall()]


async def write(connection: AsyncConnection[Row], hold: Hold) -> None:
    """Write a hold, or that it was released."""
    await connection.execute(_PUT, _values(hold))


class PostgresHoldArchive:
    """HoldArchive: reads without locks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, hold: HoldId) -> Hold | None:
        """Return a hold."""
        async with self._database.connection_for_caller() as connection:
            return next(iter(await fetch(await connection.execute(_GET, (hold.name,)))), None)

    async def page(
        self, subject: str | None, now: datetime, before: int | None, size: int, *, ended: bool
    ) -> list[HoldRecord]:
        """Return at most `size` holds, newest first, numbered below `before`."""
        values: Mapping[str, object] = {
            "subject": subject,
            "now": now,
            "before": before,
            "size": size,
            "ended": ended,
        }
        async with self._database.connection_for_caller() as connection:
            rows = await (await connection.execute(_PAGE, values)).fetchall()
        return [HoldRecord(number=row[-1], hold=_hold(row)) for row in rows]

    async def words(self, devices: Collection[DeviceId]) -> dict[DeviceId, DeviceWord]:
        """Return what is known of devices that are to be in their safe states."""
        names = [device.name for device in devices]
        async with self._database.connection() as connection:
            rows = await (await connection.execute(_WORDS, {"devices": names})).fetchall()
        return {device_id(row[0]): _word(row) for row in rows}


def _word(row: Row) -> DeviceWord:
    _, state, message, time, status, status_message, status_time = row
    lost = status == "offline"
    return DeviceWord(
        pending=state is not None,
        lost=lost,
        message=message or (status_message if lost else "") or "",
        time=utc(time if state is not None else status_time),
    )


def _values(hold: Hold) -> tuple[object, ...]:
    setpoint, released = hold.setpoint, hold.released
    return (
        *(hold.hold.name, hold.subject, hold.kind.value, hold.owner, hold.reason),
        *((None, None) if setpoint is None else (setpoint.kind.value, setpoint.value)),
        *(hold.create_time, hold.expire_time),
        *((None, None, None) if released is None else _released(released)),
    )


def _released(released: Released) -> tuple[object, ...]:
    return (released.time, released.owner, released.reason)


def _hold(row: Row) -> Hold:
    kind, value, release_time = row[5], row[6], row[9]
    return Hold(
        hold=HoldId.parse(row[0]),
        subject=row[1],
        kind=HoldKind(row[2]),
        owner=row[3],
        reason=row[4],
        setpoint=None if kind is None else HeldSetpoint(kind=SetpointKind(kind), value=value),
        create_time=to_utc(row[7]),
        expire_time=utc(row[8]),
        released=(
            None
            if release_time is None
            else Released(time=to_utc(release_time), owner=row[10], reason=row[11])
        ),
    )
