"""A tariff's dynamic prices: published, and asked for as they were known."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from wattmesh_kernel.checks import require
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import NotFound
from wattmesh_kernel.ids import TariffId
from wattmesh_kernel.series import Series
from wattmesh_kernel.tariff import EnergyDirection, Tariff
from wattmesh_kernel.time import TimeRange
from wattmesh_metering.app.ports import ModelListener, PriceBook, PricedTariff
from wattmesh_metering.domain.prices import Publication, require_dynamic, with_prices
from wattmesh_metering.domain.records import Record


@dataclass(frozen=True, kw_only=True, slots=True)
class TariffWithPrices:
    """A tariff as it is kept, and the same with published prices filled in."""

    record: Record
    tariff: Tariff


class TariffPrices:
    """Publishes prices and fills them in.

    Parameters: `future_tolerance` is how far ahead of the clock a publish time may be.
    """

    def __init__(
        self, book: PriceBook, listener: ModelListener, clock: Clock, future_tolerance: timedelta
    ) -> None:
        self._book = book
        self._listener = listener
        self._clock = clock
        self._future_tolerance = future_tolerance

    async def get(
        self, tariff: TariffId, span: TimeRange | None, known_by: datetime | None
    ) -> TariffWithPrices:
        """Return a tariff with the prices of `span` that were published by `known_by`.

        Error: NotFound.
        """
        span = None if span is None or span.empty else span
        found = await self._get(tariff, span, known_by)
        filled = found.tariff if span is None else with_prices(found.tariff, found.prices, span)
        return TariffWithPrices(record=found.record, tariff=filled)

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
        found = (await self._get(tariff, None, None)).tariff
        for direction, _ in publication.series:
            require_dynamic(found, direction)
        await self._book.publish(publication)
        await self._listener.catch_up()
        return len(publication.prices())

    async def _get(
        self, tariff: TariffId, span: TimeRange | None, known_by: datetime | None
    ) -> PricedTariff:
        found = await self._book.priced(tariff, span, known_by)
        if found is None:
            raise NotFound("TARIFF_NOT_FOUND", f"there is no {tariff.name}")
        return found
