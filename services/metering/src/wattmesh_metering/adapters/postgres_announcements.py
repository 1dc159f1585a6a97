"""News by LISTEN and NOTIFY: every replica hears of what any of them keeps.

PostgreSQL delivers a notification once its transaction is committed, to whoever listens then. Newly
kept readings are in it, so nobody has to ask for them; of the site model only that it changed.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from datetime import timedelta

import numpy as np
from psycopg import AsyncConnection, Notify

from wattmesh_kernel.errors import Unavailable
from wattmesh_metering.adapters import revisions
from wattmesh_metering.adapters.columns import rows_from_announcement
from wattmesh_metering.adapters.postgres_ingest import CHANNEL
from wattmesh_metering.domain.newest import NewestReadings
from wattmesh_metering.domain.readings import Ints, Rows
from wattmesh_runtime.aio.backoff import Backoff
from wattmesh_runtime.aio.broadcast import Broadcast
from wattmesh_runtime.aio.losses import AWAY_OR_FULL, LossLog
from wattmesh_runtime.database import Database

log = logging.getLogger(__name__)

_MOST_UNREAD = 1000
"""How many announcements a watcher may be behind before it has to begin again."""

_LISTEN_SECONDS = 5.0
"""How long a new watcher waits for the connection that listens [s]."""


class PostgresAnnouncements:
    """Listens on one connection for all watchers of this process.

    Parameters: `model_changed` is told every new revision of the site model; `newest` hears of
    every reading while this process listens.
    """

    def __init__(
        self,
        database: Database,
        model_changed: Callable[[int], None],
        newest: NewestReadings | None = None,
    ) -> None:
        self._database = database
        self._model_changed = model_changed
        self._newest = newest or NewestReadings()
        self._listening = asyncio.Event()
        self._kept: Broadcast[Rows] = Broadcast(_MOST_UNREAD)
        self._loss = LossLog(log, "the connection that listens for readings")

    @asynccontextmanager
    async def subscribe(self, keys: Collection[int]) -> AsyncIterator[AsyncIterator[Rows]]:
        """Listen for newly kept rows of these points, from now on."""
        await self._wait_until_listening()
        own: Ints = np.array(list(keys), np.int64)
        with self._kept.watch(lambda rows: bool(np.isin(rows.keys, own).any())) as watcher:
            yield (rows[np.isin(rows.keys, own)] async for rows in watcher)

    async def run(self) -> None:
        """Listen for ever; say once when the database is lost and once when it is back."""
        backoff = Backoff(most_seconds=2.0)
        while True:
            try:
                async with self._database.connection() as connection:
                    self._loss.back()
                    backoff.reset()
                    await self._listen(connection)
            except AWAY_OR_FULL as error:
                self._loss.lost(error)
                await backoff.wait()

    async def _listen(self, connection: AsyncConnection) -> None:
        await connection.execute(f"LISTEN {CHANNEL}")
        await connection.execute(f"LISTEN {revisions.CHANNEL}")
        self._listening.set()
        self._newest.open()
        try:
            async for notification in connection.notifies():
                self._deliver(notification)
        finally:
            self._listening.clear()
            self._newest.close()
            self._kept.end(_lost())
            if not connection.closed:  # nobody shall inherit the LISTEN from the pool
                await connection.execute("UNLISTEN *")

    def _deliver(self, notification: Notify) -> None:
        if notification.channel == CHANNEL:
            rows = rows_from_announcement(notification.payload)
            self._newest.hear(rows)
            self._kept.publish(rows)
        else:
            self._model_changed(int(notification.payload))

    async def _wait_until_listening(self) -> None:
        try:
            async with asyncio.timeout(_LISTEN_SECONDS):
                await self._listening.wait()
        except TimeoutError as error:
            raise _lost() from error


def _lost() -> Unavailable:
    return Unavailable(
        "ANNOUNCEMENTS_LOST",
        "readings may have been missed: watch again",
        retry_after=timedelta(seconds=1),
    )
