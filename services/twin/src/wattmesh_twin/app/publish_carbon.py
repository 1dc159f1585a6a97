"""Publish the grid's measured carbon intensity as time passes."""

import logging
from datetime import datetime

from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import ZoneId
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.aio.losses import LossLog, retry
from wattmesh_twin.app.ports import CarbonBoard
from wattmesh_twin.domain.measured import MeasuredSeries

_log = logging.getLogger(__name__)


class CarbonPublication:
    """Publishes the history from `first` on, then each interval after it has ended, for ever."""

    def __init__(
        self,
        *,
        zone: ZoneId,
        source: str,
        intensity: MeasuredSeries,
        first: datetime,
        board: CarbonBoard,
        clock: Clock,
    ) -> None:
        self._zone = zone
        self._source = source
        self._intensity = intensity
        self._next = first
        self._board = board
        self._clock = clock
        self._loss = LossLog(_log, "the carbon service")

    async def run(self) -> None:
        """Publish what has been measured, and then every interval what was measured in it."""
        while self._next < self._intensity.end:
            await self.publish_known()
            await self._clock.sleep_until(self._next + self._intensity.resolution)

    async def publish_known(self) -> None:
        """Publish every interval that has ended and was not published yet."""
        await retry(self._publish_ended, self._loss)

    async def _publish_ended(self) -> None:
        resolution = self._intensity.resolution
        now = min(self._clock.now(), self._intensity.end)
        end = self._next + (now - self._next) // resolution * resolution
        if end > self._next:
            ended = self._intensity.history(TimeRange(self._next, end))
            await self._board.publish_average(self._zone, self._source, ended)
            self._next = end
