"""Keeps the roll-ups of registers up to date."""

import logging
from datetime import timedelta
from typing import Protocol

from wattmesh_kernel.clock import Clock
from wattmesh_metering.app.by_turns import ByTurns
from wattmesh_metering.domain.readings import to_microseconds
from wattmesh_metering.domain.rollups import LONGEST_GAP_US, last_closed_day
from wattmesh_runtime.aio.losses import LossLog

log = logging.getLogger(__name__)

_REST_RATIO = 4.0
"""After a turn, everybody else has the database for so much longer than it took: who imports
years of readings outdates the same days again and again."""
_POLL_SECONDS = 30.0
"""How often it is looked for days that have ended, or that other replicas outdated [s, wall]."""


class RollupStore(Protocol):
    """Where roll-ups are kept."""

    async def turn(self, day: int, longest_gap_us: int) -> bool:
        """Make some roll-ups of days up to one [since 1970]; say whether there was anything."""


class RollUp:
    """Rolls up days that are past, and those again for which readings came late."""

    def __init__(self, store: RollupStore, clock: Clock, longest_gap: timedelta) -> None:
        self._store = store
        self._clock = clock
        self._longest_gap_us = longest_gap // timedelta(microseconds=1)
        self._turns = ByTurns(poll_seconds=_POLL_SECONDS, rest_ratio=_REST_RATIO)

    def wake(self) -> None:
        """Take note that readings came late."""
        self._turns.wake()

    async def run(self) -> None:
        """Roll up for ever; a loss is logged once."""
        await self._turns.run(self.turn, LossLog(log, "the database of roll-ups"))

    async def turn(self) -> bool:
        """Roll up some days; say whether there was anything to do. Error: Unavailable."""
        if self._longest_gap_us > LONGEST_GAP_US:
            return False
        day = last_closed_day(to_microseconds(self._clock.now()))
        return await self._store.turn(day, self._longest_gap_us)
