"""Publish dynamic prices day by day, as they become known."""

import logging
from datetime import date, timedelta

from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import TariffId
from wattmesh_runtime.aio.losses import LossLog, retry
from wattmesh_twin.app.ports import PriceBoard
from wattmesh_twin.domain.tariff import DayAheadPrices

_log = logging.getLogger(__name__)


class PricePublication:
    """Publishes every local day from `first_day` on at its publication time, for ever."""

    def __init__(
        self,
        *,
        tariff: TariffId,
        prices: DayAheadPrices,
        first_day: date,
        board: PriceBoard,
        clock: Clock,
    ) -> None:
        self._tariff = tariff
        self._prices = prices
        self._next = first_day
        self._board = board
        self._clock = clock
        self._loss = LossLog(_log, "metering (prices)")

    async def run(self) -> None:
        """Publish what is known, and then every day what becomes known."""
        while True:
            await self.publish_known()
            await self._clock.sleep_until(self._prices.publish_time(self._next))

    async def publish_known(self) -> None:
        """Publish every day that is known and was not published yet."""
        await retry(self._publish_known, self._loss)

    async def _publish_known(self) -> None:
        while self._next <= self._prices.last_day():
            await self._board.publish(self._tariff, self._prices.day(self._next))
            self._next += timedelta(days=1)
