"""Watch every part of the mesh, each for itself: one that is away takes nothing from the others."""

import asyncio
import logging

from wattmesh_alerting.app.ports import Source
from wattmesh_alerting.domain.condition import News
from wattmesh_kernel.errors import WattmeshError
from wattmesh_runtime.aio.backoff import Backoff
from wattmesh_runtime.aio.losses import LossLog

log = logging.getLogger(__name__)

MOST_UNREAD = 100_000
"""News that may wait; sources wait when there are more."""


class WatchSources:
    """Puts all news into one queue.

    While a source is away what it last said stays: nobody knows better, and an alert that ends
    because its witness is gone would be the worst of all.
    """

    def __init__(self) -> None:
        self.news: asyncio.Queue[News] = asyncio.Queue(MOST_UNREAD)

    async def follow(self, source: Source) -> None:
        """Follow a source for ever."""
        loss, backoff = LossLog(log, source.name), Backoff(most_seconds=5.0)
        while True:
            try:
                async for news in source.news():
                    loss.back()
                    backoff.reset()
                    await self.news.put(news)
            except WattmeshError as error:
                loss.lost(error)
            except Exception as error:  # what nobody thought of, in one source's words
                if not loss.is_lost:
                    log.error("%s says what is not understood", source.name, exc_info=error)
                loss.lost(repr(error))
            await backoff.wait(None)

    def unread(self) -> list[News]:
        """Return all that has come, in order."""
        found = list[News]()
        while not self.news.empty():
            found.append(self.news.get_nowait())
        return found
