"""Keeps the whole site model in memory as others change it, and tells whoever watches."""

import asyncio
import logging
from collections.abc import Callable
from typing import TypeVar

from wattmesh_kernel.errors import NotFound
from wattmesh_metering.app.ports import ModelHistory
from wattmesh_metering.domain.known_model import KnownModel
from wattmesh_metering.domain.records import ModelChange
from wattmesh_runtime.aio.broadcast import Broadcast
from wattmesh_runtime.aio.losses import LossLog, retry

log = logging.getLogger(__name__)

T = TypeVar("T")

POLL_SECONDS = 0.5
"""How often the newest revision is looked up when no notice comes [s of the wall]."""

CONFIRMED_SECONDS = 5.0
"""How long the model counts as up to date since the last look [s of the wall]."""


class FollowSiteModel:
    """The one follower of a process: `model` is at most half a second behind what is committed.

    A change is noticed by a notice of the database (`notice`), and by a look at the newest
    revision for when notices are lost.
    """

    def __init__(
        self, history: ModelHistory, *, confirmed_seconds: float = CONFIRMED_SECONDS
    ) -> None:
        self.model = KnownModel()
        self.changes: Broadcast[ModelChange] = Broadcast()
        self._history = history
        self._alone = asyncio.Lock()
        self._notice = asyncio.Event()
        self._confirmed_seconds = confirmed_seconds
        self._looked = -confirmed_seconds

    @property
    def confirmed(self) -> bool:
        """Whether the model was seen to be up to date a short while ago."""
        return asyncio.get_running_loop().time() - self._looked < self._confirmed_seconds

    def notice(self, revision: int) -> None:
        """Take note that there is such a revision."""
        if revision > self.model.revision:
            self._notice.set()

    async def catch_up(self) -> None:
        """Hear of everything that is committed. Error: Unavailable."""
        async with self._alone:
            started = asyncio.get_running_loop().time()
            news = await self._history.since(self.model.revision)
            if news.whole or news.revision != self.model.revision:
                self.changes.publish(self.model.apply(news))
            self._looked = started

    async def find(self, look_up: Callable[[KnownModel], T]) -> T:
        """Return what is looked up in the model; what is not there yet may have come just now.

        Errors: NotFound; Unavailable.
        """
        try:
            return look_up(self.model)
        except NotFound:
            await self.catch_up()
            return look_up(self.model)

    async def run(self) -> None:
        """Follow for ever; a loss is logged once."""
        loss = LossLog(log, "the site model's database")
        while True:
            self._notice.clear()
            await retry(self.catch_up, loss)
            try:
                async with asyncio.timeout(POLL_SECONDS):
                    await self._notice.wait()
            except TimeoutError:
                pass
