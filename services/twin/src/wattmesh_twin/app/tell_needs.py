"""People say which vehicles there are and, when they come, until when they stay.

Before a run charge points were those of somebody else, who charged at once: what he wrote down of
past visits is handed over, as is done where a site is taken over.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from types import MappingProxyType

from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import AssetId
from wattmesh_runtime.aio.losses import LossLog, retry
from wattmesh_twin.app.ports import UsageBoard
from wattmesh_twin.domain.charger import Visit, charged_at_once
from wattmesh_twin.domain.rooms import Comfort

_WHOLE = timedelta(hours=1)

_log = logging.getLogger(__name__)


class TellNeeds:
    """Says of each visit what its driver declares, at its arrival; many declare nothing."""

    def __init__(
        self,
        *,
        clock: Clock,
        board: UsageBoard,
        past: Mapping[AssetId, Sequence[Visit]],
        visits: Mapping[AssetId, Sequence[Visit]],
        comforts: Mapping[AssetId, Comfort] = MappingProxyType({}),
    ) -> None:
        self._clock = clock
        self._board = board
        self._past = past
        self._visits = visits
        self._comforts = comforts
        self._loss = LossLog(_log, "usage")

    async def run(self) -> None:
        """Say it for as long as there are visits."""
        for asset, comfort in self._comforts.items():
            await retry(partial(self._board.put_comfort, asset, comfort), self._loss)
        await retry(self._put_vehicles, self._loss)
        for asset, past in self._past.items():
            for visit in past:
                _, energies_wh = charged_at_once(visit, visit.vehicle.max_current_a, _WHOLE)
                put = partial(self._board.put_past, asset, visit, sum(energies_wh))
                await retry(put, self._loss)
        async with asyncio.TaskGroup() as group:
            for asset, visits in self._visits.items():
                group.create_task(self._declare(asset, visits))

    async def _put_vehicles(self) -> None:
        every = [each for visits in self._visits.values() for each in visits]
        for token, vehicle in {each.token: each.vehicle for each in every}.items():
            await self._board.put_vehicle(token, vehicle)

    async def _declare(self, asset: AssetId, visits: Sequence[Visit]) -> None:
        for visit in visits:
            declared, now = visit.declared_departure, self._clock.now()
            if declared is None or declared <= max(visit.arrival, now):
                continue
            await self._clock.sleep_until(visit.arrival)
            await retry(partial(self._board.declare, asset, visit), self._loss)
