"""Forgets gauges that are older than they are wanted; registers, of which bills are made, stay."""

import asyncio
import logging
from datetime import datetime, timedelta
from typing import Protocol

from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import Aborted
from wattmesh_runtime.aio.losses import PASSING, LossLog, retry

log = logging.getLogger(__name__)

_LOOK_SECONDS = 3600.0
"""How often it is looked for what became too old [s of the wall]."""
_REST_SECONDS = 10.0
"""Between two partitions everybody else has the database."""


class Retention(Protocol):
    """Where readings are kept."""

    async def forget_gauges(self, before: datetime, now: datetime) -> bool:
        """Forget those of one partition that ended before a time; False: there is none."""


class Retain:
    """Keeps gauges for so long; `keep` of zero: for ever."""

    def __init__(self, retention: Retention, clock: Clock, keep: timedelta) -> None:
        self._retention = retention
        self._clock = clock
        self._keep = keep

    async def run(self) -> None:
        """Forget for ever; a loss is logged once."""
        loss = LossLog(log, "the database of readings that are too old")
        while True:
            more = await retry(self.turn, loss, errors=(*PASSING, Aborted))
            await asyncio.sleep(_REST_SECONDS if more else _LOOK_SECONDS)

    async def turn(self) -> bool:
        """Forget one partition's; say whether there was one. Error: Unavailable."""
        if not self._keep:
            return False
        now = self._clock.now()
        return await self._retention.forget_gauges(now - self._keep, now)
