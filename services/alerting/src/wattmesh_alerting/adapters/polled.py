"""A source that is asked again and again."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from wattmesh_alerting.domain.condition import News


class PolledSource:
    """Source: asks every so many seconds of the wall."""

    def __init__(
        self, name: str, look: Callable[[], Awaitable[list[News]]], every_seconds: float
    ) -> None:
        self.name = name
        self._look = look
        self._every_seconds = every_seconds

    async def news(self) -> AsyncIterator[News]:
        """Yield what holds, again and again. Error: Unavailable."""
        while True:
            for each in await self._look():
                yield each
            await asyncio.sleep(self._every_seconds)
