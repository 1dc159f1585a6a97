"""A tariff's dynamic prices: published, and asked for as they were known."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import NotFound
from wattmesh_kernel.ids import TariffId
from wattmesh_kernel.series import Series
from wattmesh_kernel.tariff import EnergyDirection, Tariff
from wattmesh_kernel.time import TimeRange
from wattmesh_metering.app.ports import PriceBook, Tariffs
from wattmesh_metering.domain.checks import require
from wattmesh_metering.domain.prices import Publication, require_dynamic, with_prices


class TariffPrices:
    """Publishes prices and fills them in.

    Parameters: `future_tolerance` is how far ahead of the clock a publish time may be.
    """

    def __init__(
        self, tariffs: Tariffs, book: PriceBook, clock: Clock, future_tolerance: timedelta
    ) -> None:
        self._tariffs = tariffs
        self._book = book
        self._clock = clock
        self._future_tolerance = future_tolerance

    async def get(
        self, tariff: TariffId, span: TimeRange | None, known_by: datetime | None
    ) -> Tariff:
        """Return a tariff with the prices of `span` that were published by `known_by`.

        Error: NotFound.
        """
        found = await self._get(tariff)
        if span is None or span.empty:
            return found
        return with_prices(found, await self._book.published(tariff, span, known_by), span)

    async def publish(
        self,
        tariff: TariffId,
        publish_time: datetime | None,
        series: Sequence[tuple[EnergyDirection, Series]],
    ) -> int:
        """Publish prices; returns how many intervals were stored.

        Errors: NotFound; InvalidArgument when the tariff has no dynamic price in a direction or
        the publish time lies in the future.
        """
        now = self._clock.now()
        when = publish_time or now
        require(
            when <= now + self._future_tolerance,
            "INVALID_TIME",
            "prices cannot have been published in the future",
            "publish_time",
        )
        publication = Publication(tariff=tariff, publish_time=when, series=tuple(series))
        found = await self._get(tariff)
        for direction, _ in publication.series:
            require_dynamic(found, direction)
        await self._book.publish(publication)
        return len(publication.prices())

    async def _get(self, tariff: TariffId) -> Tariff:
        found = await self._tariffs.get(tariff.name)
        if found is None:
            raise NotFound("TARIFF_NOT_FOUND", f"there is no {tariff.name}")
        return found
