"""Tells a watcher what is not over, then every change."""

import asyncio
from collections.abc import AsyncGenerator

from wattmesh_demandresponse.app.ports import Records
from wattmesh_demandresponse.domain.records import Changes, Parent

POLL_SECONDS = 0.5
"""How often changes are looked for [s of the wall]."""
HEARTBEAT_SECONDS = 3.0
"""How long a watcher hears nothing at most [s of the wall]."""


class WatchEvents:
    """Streams events and participations that are not over, then each change."""

    def __init__(self, records: Records, *, poll_seconds: float = POLL_SECONDS) -> None:
        self._records = records
        self._poll_seconds = poll_seconds

    async def run(self, parent: Parent) -> AsyncGenerator[Changes, None]:
        """Yield changes until the caller leaves; an empty one is a heartbeat."""
        changes = await self._records.since(-1, parent.programme)
        yield changes
        told = asyncio.get_running_loop().time()
        while True:
            await asyncio.sleep(self._poll_seconds)
            changes = await self._records.since(changes.revision, parent.programme)
            now = asyncio.get_running_loop().time()
            if changes.events or changes.participations or now - told >= HEARTBEAT_SECONDS:
                yield changes
                told = now
