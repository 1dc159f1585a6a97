"""Tells a watcher the site model, then every change of it."""

import asyncio
from collections.abc import AsyncGenerator

from wattmesh_metering.app.follow_site_model import FollowSiteModel
from wattmesh_metering.app.ports import ModelHistory
from wattmesh_metering.domain.known_model import change_of
from wattmesh_metering.domain.records import ModelChange
from wattmesh_runtime.aio.broadcast import Watcher

HEARTBEAT_SECONDS = 3.0
"""How long a watcher hears nothing at most, while the model is known to be up to date [s]."""


class WatchSiteModel:
    """Streams what changed since a known revision, or everything, then each change.

    An empty change is a heartbeat. There is none while the database is away: then nobody knows
    whether something has changed, and the watcher shall see its picture grow old.
    """

    def __init__(
        self,
        follower: FollowSiteModel,
        history: ModelHistory,
        *,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
    ) -> None:
        self._follower = follower
        self._history = history
        self._heartbeat_seconds = heartbeat_seconds

    async def run(self, known_revision: int) -> AsyncGenerator[ModelChange, None]:
        """Yield changes until the caller leaves.

        Errors: Unavailable; ResourceExhausted `WATCHER_TOO_SLOW` for one that does not keep up.
        """
        with self._follower.changes.watch() as watcher:
            await self._follower.catch_up()
            first = await self._since(known_revision)
            yield first
            async for change in self._further(watcher, first.revision):
                yield change

    async def _since(self, known_revision: int) -> ModelChange:
        revision = self._follower.model.revision
        if known_revision == revision:
            return ModelChange(revision=revision)
        if not 0 < known_revision < revision:
            return self._follower.model.snapshot()
        news = await self._history.since(known_revision)
        return self._follower.model.snapshot() if news.whole else change_of(news)

    async def _further(
        self, watcher: Watcher[ModelChange], told: int
    ) -> AsyncGenerator[ModelChange, None]:
        while True:
            change = await self._next(watcher)
            if change is not None and _is_news(change, told):
                told = change.revision
                yield change
            elif change is None and self._follower.confirmed:
                yield ModelChange(revision=told)

    async def _next(self, watcher: Watcher[ModelChange]) -> ModelChange | None:
        try:
            async with asyncio.timeout(self._heartbeat_seconds):
                return await anext(watcher)
        except TimeoutError:
            return None


def _is_news(change: ModelChange, told: int) -> bool:
    """Return whether a watcher has not heard it; of a restored database it hears an older one."""
    return change.revision > told or (change.snapshot and change.revision < told)
