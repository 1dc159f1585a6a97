"""The published tariff, and what of its prices is known when."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import TariffId
from wattmesh_kernel.series import Series
from wattmesh_kernel.tariff import EnergyRates, RealTimePrice, Tariff, tariff_from_hourly_prices
from wattmesh_kernel.time import TimeRange, local_day
from wattmesh_twin.domain.dataset import EnergyPrices
from wattmesh_twin.domain.measured import LookAhead

PUBLICATION = time(16)
"""Local time at which dynamic prices of the next local day are published."""


def published_tariff(prices: EnergyPrices, zone: ZoneInfo) -> Tariff:
    """Return the tariff that says what the prices say.

    One price for all times is a base price. Hourly prices of which each (month, weekday or
    weekend, local hour) has one are a time-of-use tariff, known in advance as a whole; others are a
    dynamic one, whose prices come day by day (`DayAheadPrices`).
    """
    export = EnergyRates(base_per_kwh=prices.export_per_kwh)
    each = prices.import_per_kwh
    if isinstance(each, Series):
        tariff = tariff_from_hourly_prices(
            prices.tariff, prices.currency_code, _local(each, zone), export
        )
        rates = tariff.import_rates if tariff else EnergyRates(real_time=RealTimePrice())
    else:
        rates = EnergyRates(base_per_kwh=each)
    return Tariff(
        id=prices.tariff,
        display_name=prices.display_name,
        currency_code=prices.currency_code,
        import_rates=rates,
        export_rates=export,
    )


def flat_tariff(published: Tariff, prices: EnergyPrices) -> Tariff | None:
    """Return another contract to compare with, at the mean price of all hours; None for one price.

    Nobody pays by it. Its id is `{tariff}-flat`.
    """
    each = prices.import_per_kwh
    if not isinstance(each, Series):
        return None
    return replace(
        published,
        id=TariffId(f"{prices.tariff.segment}-flat"),
        display_name="Flat rate",
        import_rates=EnergyRates(base_per_kwh=round(float(np.nanmean(each.values)), 4)),
    )


def _local(series: Series, zone: ZoneInfo) -> Iterator[tuple[datetime, float]]:
    for moment, price in zip(series.times(), series.values.tolist(), strict=True):
        yield moment.astimezone(zone), price


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedDay:
    """The prices [currency/kWh] of one local day, and when they became known."""

    day: date
    publish_time: datetime
    prices: Series


class DayAheadPrices:
    """Dynamic prices, of which each local day is known from 16:00 of the local day before."""

    def __init__(self, prices: Series, zone: ZoneInfo, clock: Clock) -> None:
        self._prices = prices
        self._zone = zone
        self._clock = clock

    def day(self, day: date) -> PublishedDay:
        """Return the prices of a local day; LookAhead when they are not published yet."""
        published, now = self.publish_time(day), self._clock.now()
        if now < published:
            raise LookAhead(published, now)
        span = local_day(day, self._zone)
        return PublishedDay(day=day, publish_time=published, prices=self._prices.window(span))

    def publish_time(self, day: date) -> datetime:
        """Return when the prices of a local day become known."""
        return datetime.combine(day - timedelta(days=1), PUBLICATION, self._zone)

    def last_day(self) -> date:
        """Return the last local day whose prices are known now."""
        local = self._clock.now().astimezone(self._zone)
        return local.date() + timedelta(days=1 if local.time() >= PUBLICATION else 0)

    def span(self) -> TimeRange:
        """Return the time for which there are prices at all."""
        return self._prices.range
