"""When something falls due, from PostgreSQL."""

from collections.abc import Collection
from datetime import datetime

from wattmesh_control.adapters.rows import device_id
from wattmesh_kernel.ids import DeviceId
from wattmesh_runtime.database import Database

_NEXT = """
SELECT min(instant) FROM (
    SELECT min(start_time) AS instant FROM proposals WHERE start_time > %(after)s
    UNION ALL SELECT min(end_time) FROM proposals WHERE end_time > %(after)s
    UNION ALL SELECT min(start_time) FROM limits WHERE start_time > %(after)s
    UNION ALL SELECT min(expire_time) FROM limits WHERE expire_time > %(after)s
    UNION ALL SELECT min(expire_time) FROM holds
        WHERE release_time IS NULL AND expire_time > %(after)s
    UNION ALL SELECT min(end_time) FROM commands WHERE close_time IS NULL AND end_time > %(after)s
    UNION ALL SELECT min(lease_expire_time) FROM commands
        WHERE close_time IS NULL AND lease_expire_time > %(after)s
) AS instants
"""

_DUE = """
SELECT device FROM proposals WHERE start_time > %(after)s AND start_time <= %(until)s
UNION SELECT device FROM proposals WHERE end_time > %(after)s AND end_time <= %(until)s
UNION SELECT subject FROM limits WHERE start_time > %(after)s AND start_time <= %(until)s
UNION SELECT subject FROM limits WHERE expire_time > %(after)s AND expire_time <= %(until)s
UNION SELECT device FROM proposals  -- of any site: what ended was about some of them
    WHERE start_time <= %(until)s AND end_time > %(until)s AND EXISTS (
        SELECT FROM holds
        WHERE release_time IS NULL AND expire_time > %(after)s AND expire_time <= %(until)s
    )
UNION SELECT device FROM commands
    WHERE close_time IS NULL AND end_time > %(after)s AND end_time <= %(until)s
UNION SELECT device FROM commands WHERE close_time IS NULL AND lease_expire_time <= %(until)s
"""

_ACTIVE = """
SELECT device FROM proposals WHERE end_time > %(now)s
UNION SELECT device FROM commands WHERE close_time IS NULL
"""

_ACTIVE_OF = """
SELECT device FROM proposals WHERE end_time > %(now)s AND device = ANY(%(devices)s)
UNION SELECT device FROM commands WHERE close_time IS NULL AND device = ANY(%(devices)s)
"""


class PostgresDueTimes:
    """DueTimes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def next(self, after: datetime) -> datetime | None:
        """Return the first instant after `after` at which anything begins or ends."""
        async with self._database.connection() as connection:
            row = await (await connection.execute(_NEXT, {"after": after})).fetchone()
        return None if row is None else row[0]

    async def due(self, after: datetime, until: datetime) -> list[DeviceId]:
        """Return the devices with such an instant in (after, until]."""
        return await self._devices(_DUE, {"after": after, "until": until})

    async def active(
        self, now: datetime, devices: Collection[DeviceId] | None = None
    ) -> list[DeviceId]:
        """Return the devices, among these or all, with a standing proposal or a live command."""
        if devices is None:
            return await self._devices(_ACTIVE, {"now": now})
        if not devices:
            return []
        names = [device.name for device in devices]
        return await self._devices(_ACTIVE_OF, {"now": now, "devices": names})

    async def _devices(self, query: str, values: dict[str, object]) -> list[DeviceId]:
        async with self._database.connection() as connection:
            rows = await (await connection.execute(query, values)).fetchall()
        return [device_id(row[0]) for row in rows]
