"""News of vehicles, as a test tells them."""

import asyncio
from collections.abc import AsyncIterator

from wattmesh_kernel.ids import SiteId


class FakeUsageChanges:
    """Yields each site that is told."""

    def __init__(self) -> None:
        self._told: asyncio.Queue[SiteId] = asyncio.Queue()

    def tell(self, site: SiteId) -> None:
        self._told.put_nowait(site)

    async def sites(self) -> AsyncIterator[SiteId]:
        while True:
            yield await self._told.get()
