"""Newly kept readings by LISTEN and NOTIFY: every replica hears of what any of them keeps.

PostgreSQL delivers a notification once its transaction is committed, to whoever listens then. The
readings themselves are in it, so nobody has to ask for them.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import timedelta

import numpy as np
from psycopg import AsyncConnection

from wattmesh_kernel.errors import Unavailable
from wattmesh_metering.adapters.columns import rows_from_announcement
from wattmesh_metering.adapters.postgres_ingest import CHANNEL
from wattmesh_metering.domain.readings import Ints, Rows
from wattmesh_runtime.database import Database

log = logging.getLogger(__name__)

_QUEUE_LENGTH = 1000
"""How many announcements a watcher may be behind before it has to begin again."""

_RETRY_SECONDS = 1.0
_LISTEN_SECONDS = 5.0
"""How long a new watcher waits for the connection that listens [s]."""


class _Subscription:
    def __init__(self, keys: Collection[int]) -> None:
        self._keys: Ints = np.array(list(keys), np.int64)
        self._queue: asyncio.Queue[Rows | None] = asyncio.Queue()

    def offer(self, rows: Rows) -> bool:
        """Queue the rows it asks for; False when it is too far behind."""
        own = rows[np.isin(rows.keys, self._keys)]
        if len(own):
            self._queue.put_nowait(own)
        return self._queue.qsize() <= _QUEUE_LENGTH

    def end(self) -> None:
        """Tell it that announcements are lost."""
        self._queue.put_nowait(None)

    async def rows(self) -> AsyncIterator[Rows]:
        while (rows := await self._queue.get()) is not None:
            yield rows
        raise _lost()


class PostgresAnnouncements:
    """Listens on one connection for all watchers of this process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._listening = asyncio.Event()
        self._subscriptions: set[_Subscription] = set()

    @asynccontextmanager
    async def subscribe(self, keys: Collection[int]) -> AsyncIterator[AsyncIterator[Rows]]:
        """Listen for newly kept rows of these points, from now on."""
        await self._wait_until_listening()
        subscription = _Subscription(keys)
        self._subscriptions.add(subscription)
        try:
            yield subscription.rows()
        finally:
            self._subscriptions.discard(subscription)

    async def run(self) -> None:
        """Listen for ever; say once when the database is lost and once when it is back."""
        lost = False
        while True:
            try:
                async with self._database.connection() as connection:
                    if lost:
                        log.info("listening for readings again")
                    lost = False
                    await self._listen(connection)
            except Unavailable as error:
                if not lost:
                    log.warning("cannot listen for readings: %s", error)
                lost = True
                await asyncio.sleep(_RETRY_SECONDS)

    async def _listen(self, connection: AsyncConnection) -> None:
        await connection.execute(f"LISTEN {CHANNEL}")
        self._listening.set()
        try:
            async for notification in connection.notifies():
                self._deliver(rows_from_announcement(notification.payload))
        finally:
            self._listening.clear()
            while self._subscriptions:
                self._subscriptions.pop().end()
            if not connection.closed:  # nobody shall inherit the LISTEN from the pool
                await connection.execute(f"UNLISTEN {CHANNEL}")

    async def _wait_until_listening(self) -> None:
        try:
            await asyncio.wait_for(self._listening.wait(), _LISTEN_SECONDS)
        except TimeoutError as error:
            raise _lost() from error

    def _deliver(self, rows: Rows) -> None:
        for subscription in tuple(self._subscriptions):
            if not subscription.offer(rows):
                self._subscriptions.discard(subscription)
                subscription.end()


def _lost() -> Unavailable:
    return Unavailable(
        "ANNOUNCEMENTS_LOST",
        "readings may have been missed: watch again",
        retry_after=timedelta(seconds=1),
    )
