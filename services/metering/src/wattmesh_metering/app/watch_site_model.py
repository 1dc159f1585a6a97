"""Tells a watcher the site model, then every change of it."""

import asyncio
from collections.abc import AsyncGenerator

from wattmesh_kernel.sites import SiteModelChange
from wattmesh_metering.app.follow_site_model import FollowSiteModel
from wattmesh_metering.app.ports import ModelHistory
from wattmesh_metering.domain.known_model import change_of
from wattmesh_runtime.aio.broadcast import Watcher

HEARTBEAT_SECONDS = 3.0
"""How long a watcher hears nothing at most, while the model is known to be up to date [s]."""


class WatchSiteModel:
    """Streams what changed since a known revision, or everything, then each change.

    An empty change is a heartbeat. There is none while the database is away: then nobody knows
    whether something has changed, and the watcher shall see its picture grow old.
    """

    def __init__(self, follower: FollowSiteModel, history: ModelHistory) -> None:
        self._follower = follower
        self._history = history

    async def run(self, known_revision: int) -> AsyncGenerator[SiteModelChange, None]:
        """Yield changes until the caller leaves.

        Errors: Unavailable; ResourceExhausted `WATCHER_TOO_SLOW` for one that does not keep up.
        """
        with self._follower.changes.watch() as watcher:
            await self._follower.catch_up()
            first = await self._since(known_revision)
            yield first
            async for change in self._further(watcher, first.revision):
                yield change

    async def _since(self, known_revision: int) -> SiteModelChange:
        revision = self._follower.model.revision
        if known_revision == revision:
            return SiteModelChange(revision=revision)
        if not 0 < known_revision < revision:
            return self._follower.model.snapshot()
        news = await self._history.since(known_revision)
        return self._follower.model.snapshot() if news.whole else change_of(news)

    async def _further(
        self, watcher: Watcher[SiteModelChange], told: int
    ) -> AsyncGenerator[SiteModelChange, None]:
        while True:
            change = await _next(watcher)
            if change is not None and (change.snapshot or change.revision > told):
                told = change.revision
                yield change
            elif change is None and self._follower.confirmed:
                yield SiteModelChange(revision=told)


async def _next(watcher: Watcher[SiteModelChange]) -> SiteModelChange | None:
    try:
        async with asyncio.timeout(HEARTBEAT_SECONDS):
            return await anext(watcher)
    except TimeoutError:
        return None
