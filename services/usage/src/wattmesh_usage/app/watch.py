"""Tells a watcher what is needed, then every change of it."""

import asyncio
from collections.abc import AsyncGenerator

from wattmesh_usage.app.ports import Records
from wattmesh_usage.domain.records import Changes, Parent

POLL_SECONDS = 0.5
"""How often changes are looked for [s of the wall]."""
HEARTBEAT_SECONDS = 3.0
"""How long a watcher hears nothing at most [s of the wall]."""


class WatchUsage:
    """Streams what changed since a known revision, or everything that is open, then each change."""

    def __init__(self, records: Records, *, poll_seconds: float = POLL_SECONDS) -> None:
        self._records = records
        self._poll_seconds = poll_seconds

    async def run(self, parent: Parent, known_revision: int) -> AsyncGenerator[Changes, None]:
        """Yield changes until the caller leaves; an empty one is a heartbeat."""
        changes = await self._records.since(known_revision, parent)
        yield changes
        told = asyncio.get_running_loop().time()
        while True:
            await asyncio.sleep(self._poll_seconds)
            changes = await self._records.since(changes.revision, parent)
            now = asyncio.get_running_loop().time()
            if changes.records or changes.snapshot or now - told >= HEARTBEAT_SECONDS:
                yield changes
                told = now
