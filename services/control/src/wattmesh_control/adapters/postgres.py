"""Transactions on the schema `control`."""

import hashlib
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager

from psycopg import AsyncConnection

from wattmesh_control.adapters.postgres_commands import PostgresCommands
from wattmesh_control.adapters.postgres_limits import PostgresLimits
from wattmesh_control.adapters.postgres_requests import PostgresRequests
from wattmesh_control.adapters.postgres_wishes import PostgresWishes
from wattmesh_control.app.ports import DeviceEvent
from wattmesh_kernel.ids import DeviceId
from wattmesh_runtime.database import Database

_LOCK = "SELECT pg_advisory_xact_lock(key) FROM unnest(%s::bigint[]) AS keys (key)"

_NOTE = "INSERT INTO device_events (device, time, what, message) VALUES (%s, %s, %s, %s)"


class PostgresBooks:
    """Books: what one transaction reads and writes."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self.wishes = PostgresWishes(connection)
        self.commands = PostgresCommands(connection)
        self.limits = PostgresLimits(connection)
        self.requests = PostgresRequests(connection)

    async def lock(self, devices: Collection[DeviceId]) -> None:
        """Take the devices' locks, always in the same order."""
        keys = sorted(_key(device) for device in set(devices))
        await self._connection.execute(_LOCK, (keys,))

    async def note(self, events: Sequence[DeviceEvent]) -> None:
        """Store events."""
        if events:
            rows = [(each.device.name, each.time, each.what, each.message) for each in events]
            await self._connection.cursor().executemany(_NOTE, rows)


class PostgresLedger:
    """Ledger: opens transactions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[PostgresBooks]:
        """Yield books on one transaction."""
        async with self._database.transaction() as connection:
            yield PostgresBooks(connection)


def _key(device: DeviceId) -> int:
    digest = hashlib.sha256(f"wattmesh/control/{device.name}".encode()).digest()
    return int.from_bytes(digest[:8], signed=True)
