"""The line between processes of control, in memory."""

import asyncio
from collections.abc import AsyncIterator

from wattmesh_control.app.ports import Gap, Notice


class FakeNotices:
    """Notices: what was told is in `told`; `hear` lets one in."""

    def __init__(self) -> None:
        self.told = list[Notice]()
        self._heard: asyncio.Queue[Notice | Gap] = asyncio.Queue()

    def tell(self, notice: Notice) -> None:
        self.told.append(notice)

    def hear(self, notice: Notice | Gap) -> None:
        """Let something be heard."""
        self._heard.put_nowait(notice)

    async def heard(self) -> AsyncIterator[Notice | Gap]:
        while True:
            yield await self._heard.get()
