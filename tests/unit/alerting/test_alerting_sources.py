"""Watching every part of the mesh: what one says takes nothing from the others."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from wattmesh_alerting.app.watch_sources import WatchSources
from wattmesh_alerting.domain.condition import Cleared, News
from wattmesh_alerting.domain.rules import Rule
from wattmesh_runtime.aio.tasks import BackgroundTasks

NEWS = Cleared(rule=Rule.DEVICE_OFFLINE, subject="d", since=datetime(2024, 5, 1, tzinfo=UTC))


class Poisoned:
    """Says what its reader never thought of."""

    name = "the poisoned source"

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def news(self) -> AsyncIterator[News]:
        self.asked.set()
        raise IndexError("no such column")
        yield NEWS


class Sound:
    """Speaks after the other has failed."""

    name = "the sound source"

    def __init__(self, after: asyncio.Event) -> None:
        self._after = after

    async def news(self) -> AsyncIterator[News]:
        await self._after.wait()
        yield NEWS
        await asyncio.Event().wait()


async def test_one_source_that_is_not_understood_ends_no_other() -> None:
    watch, poisoned = WatchSources(), Poisoned()
    async with asyncio.timeout(30), BackgroundTasks() as background:
        background.start(watch.follow(poisoned))
        background.start(watch.follow(Sound(poisoned.asked)))
        assert await watch.news.get() == NEWS
        poisoned.asked.clear()
        await poisoned.asked.wait()  # and it is asked again: it may be understood next time
