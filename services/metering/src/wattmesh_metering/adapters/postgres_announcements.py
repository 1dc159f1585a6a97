"""News by LISTEN and NOTIFY: every replica hears of what any of them keeps.

PostgreSQL delivers a notification once its transaction is committed, to whoever listens then. Newly
kept readings are in it, so nobody has to ask for them; of the site model only that it changed.

While nobody else listens, a process tells its own watchers by itself: to have the database send
readings back costs a third of what keeping them does. Who listens holds a lock that all can see.
Who keeps readings holds another one, together with others, from before it looks for listeners until
its commit; a new listener waits for all of those once, so that it misses nothing.
"""

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from datetime import timedelta

import numpy as np
from psycopg import AsyncConnection, Notify

from wattmesh_kernel.errors import Unavailable
from wattmesh_metering.adapters import revisions
from wattmesh_metering.adapters.columns import ANNOUNCED_ROWS, rows_from_announcement
from wattmesh_metering.domain.newest import NewestReadings
from wattmesh_metering.domain.readings import Ints, Rows
from wattmesh_metering.domain.recent import RecentReadings
from wattmesh_runtime.aio.backoff import Backoff
from wattmesh_runtime.aio.broadcast import Broadcast
from wattmesh_runtime.aio.losses import AWAY_OR_FULL, LossLog
from wattmesh_runtime.database import Database

log = logging.getLogger(__name__)

_MOST_UNREAD = 1000
"""How many announcements a watcher may be behind before it has to begin again."""

CHANNEL = "wattmesh_readings"
"""On which newly kept readings are announced."""

_KEYS = hashlib.sha256(b"wattmesh/listeners").digest()
_CLASS, _LISTENS, _KEEPS = (
    int.from_bytes(_KEYS[place : place + 4]) & 0x7FFFFFFF for place in (0, 4, 8)
)
KEEPS_READINGS = f"pg_advisory_xact_lock_shared({_CLASS}, {_KEEPS})"
"""Is held by whoever keeps readings, from before it looks for listeners until its commit."""
_LISTEN = f"SELECT pg_advisory_lock_shared({_CLASS}, {_LISTENS})"
_LOCKS = f"""
FROM pg_locks
WHERE locktype = 'advisory' AND classid = {_CLASS} AND objid = %s AND objsubid = 2
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
_OTHERS = f"SELECT EXISTS (SELECT {_LOCKS} AND pid <> %s)"
_KEEPING = f"SELECT virtualtransaction {_LOCKS}"
# Replicas of before hold no lock: what they said last was LISTEN.
_FORMER = f"""
SELECT EXISTS (
    SELECT FROM pg_stat_activity
    WHERE datname = current_database() AND query = 'LISTEN {revisions.CHANNEL}'
      AND pid <> pg_backend_pid())
"""
_MEET_SECONDS = 0.02
_LOOK_SECONDS = 15.0
"""How often it is looked for replicas of before [s of the wall]."""

_LISTEN_SECONDS = 10.0
"""How long a new watcher waits for the connection that listens [s]."""


class PostgresAnnouncements:
    """Listens on one connection for all watchers of this process.

    Parameters: `model_changed` is told every new revision of the site model; `newest` hears of
    every reading while this process listens; `recent` is forgotten as soon as others keep any.
    """

    def __init__(
        self,
        database: Database,
        model_changed: Callable[[int], None],
        newest: NewestReadings | None = None,
        recent: RecentReadings | None = None,
    ) -> None:
        self._recent = recent or RecentReadings(1)
        self._database = database
        self._model_changed = model_changed
        self._newest = newest or NewestReadings()
        self._listening = asyncio.Event()
        self._kept: Broadcast[Rows] = Broadcast(_MOST_UNREAD)
        self._loss = LossLog(log, "the connection that listens for readings")
        self._session = 0
        self._former = True

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

    async def others(self, connection: AsyncConnection) -> bool:
        """Return whether anybody else may listen, or keep readings without this process knowing.

        A transaction that keeps readings has to hold KEEPS_READINGS.
        """
        if self._former or not self._session:
            return True
        found = await (await connection.execute(_OTHERS, (_LISTENS, self._session))).fetchone()
        return found == (True,)

    def hear(self, rows: Rows, *, announced: bool) -> None:
        """Deliver what was committed here; what was announced comes to watchers by itself."""
        self._newest.hear(rows)
        if self._kept.watchers and not announced:
            for first in range(0, len(rows), ANNOUNCED_ROWS):
                self._kept.publish(rows[first : first + ANNOUNCED_ROWS])

    async def _listen(self, connection: AsyncConnection) -> None:
        await connection.execute(f"LISTEN {CHANNEL}")
        await connection.execute(f"LISTEN {revisions.CHANNEL}")
        try:
            await connection.execute(_LISTEN)
            await _meet(connection)
            self._session = connection.info.backend_pid
            self._listening.set()
            self._newest.open()
            while True:
                self._former = await self._are_former(connection)
                async for notification in connection.notifies(timeout=_LOOK_SECONDS):
                    self._deliver(notification)
        finally:
            self._session = 0
            self._recent.clear()
            self._listening.clear()
            self._newest.close()
            self._kept.end(_lost())
            if not connection.closed:  # nobody shall inherit the LISTEN from the pool
                await connection.execute("UNLISTEN *")
                await connection.execute("SELECT pg_advisory_unlock_all()")

    async def _are_former(self, connection: AsyncConnection) -> bool:
        return await (await connection.execute(_FORMER)).fetchone() == (True,)

    def _deliver(self, notification: Notify) -> None:
        if notification.channel == CHANNEL:
            self._recent.clear()
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


async def _meet(connection: AsyncConnection) -> None:
    """Wait until all are through that keep readings now, and may not have seen that we listen."""
    waiting = await _keeping(connection)
    while waiting:
        await asyncio.sleep(_MEET_SECONDS)
        waiting &= await _keeping(connection)


async def _keeping(connection: AsyncConnection) -> set[str]:
    cursor = await connection.execute(_KEEPING, (_KEEPS,))
    return {transaction for (transaction,) in await cursor.fetchall()}


def _lost() -> Unavailable:
    return Unavailable(
        "ANNOUNCEMENTS_LOST",
        "readings may have been missed: watch again",
        retry_after=timedelta(seconds=1),
    )
