"""Published prices of a tariff: what was known when."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from wattmesh_kernel.checks import require
from wattmesh_kernel.ids import TariffId
from wattmesh_kernel.series import Series
from wattmesh_kernel.sites import PublishedPrices
from wattmesh_kernel.tariff import EnergyDirection, EnergyRates, Tariff
from wattmesh_kernel.time import TimeRange, floor_time

LONGEST_PRICE_INTERVAL = timedelta(days=1)
"""Longest interval a published price may hold for."""

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedPrice:
    """A price [currency/kWh] for [start_time, start_time + resolution), known from publish_time."""

    direction: EnergyDirection
    start_time: datetime
    resolution: timedelta
    publish_time: datetime
    price_per_kwh: float


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Publication:
    """Prices of a tariff that become known together.

    Error: InvalidArgument when no series is given, a price is infinite, or a series is off the
    UTC raster of its resolution or coarser than a day.
    """

    tariff: TariffId
    publish_time: datetime
    series: tuple[tuple[EnergyDirection, Series], ...]

    def __post_init__(self) -> None:
        require(bool(self.series), "NO_PRICES", "no prices are given", "import_price_per_kwh")
        for direction, series in self.series:
            field = f"{direction.value}_price_per_kwh"
            require(
                not bool(np.isinf(series.values).any()),
                "INVALID_PRICE",
                "a price is finite, or NaN where there is none",
                field,
            )
            require(
                series.resolution <= LONGEST_PRICE_INTERVAL
                and floor_time(series.start, series.resolution) == series.start,
                "OFF_RASTER",
                "prices hold for at most a day and lie on the UTC raster of their resolution",
                field,
            )

    def prices(self) -> list[PublishedPrice]:
        """Return every price; NaN is skipped."""
        return [
            PublishedPrice(
                direction=direction,
                start_time=start,
                resolution=series.resolution,
                publish_time=self.publish_time,
                price_per_kwh=value,
            )
            for direction, series in self.series
            for start, value in zip(series.times(), series.values.tolist(), strict=True)
            if not math.isnan(value)
        ]

    @property
    def published(self) -> PublishedPrices:
        """The range of all prices, for those who hold older ones."""
        spans = [series.range for _, series in self.series]
        span = TimeRange(min(each.start for each in spans), max(each.end for each in spans))
        return PublishedPrices(tariff=self.tariff, span=span)


def require_dynamic(tariff: Tariff, direction: EnergyDirection) -> None:
    """Raise InvalidArgument unless the tariff ever has a published price in this direction."""
    require(
        any(terms.rates(direction).real_time is not None for terms in tariff.every_terms),
        "NOT_DYNAMIC",
        f"the {direction.value} price of {tariff.id} is not published",
        f"{direction.value}_price_per_kwh",
    )


def without_prices(tariff: Tariff) -> Tariff:
    """Return the tariff without published prices."""
    return _with_published(tariff, dict.fromkeys(EnergyDirection))


def with_prices(tariff: Tariff, prices: Sequence[PublishedPrice], span: TimeRange) -> Tariff:
    """Return the tariff with the prices of `span` filled in, where its rates are dynamic.

    A later publication replaces an earlier one for its interval; a direction without any price in
    the span has no series.
    """
    return _with_published(
        tariff,
        {
            direction: price_series([p for p in prices if p.direction is direction], span)
            for direction in EnergyDirection
        },
    )


def price_series(prices: Sequence[PublishedPrice], span: TimeRange) -> Series | None:
    """Return the newest price of every interval of `span`, NaN where none is published.

    The resolution is the finest on which all prices hold. None when there is no price.
    """
    if not prices:
        return None
    resolution = _common_resolution(price.resolution for price in prices)
    start = floor_time(span.start, resolution)
    series = Series.filled(TimeRange(start, span.end), resolution, math.nan)
    values = series.values.copy()
    for price in sorted(prices, key=lambda price: price.publish_time):
        first = (price.start_time - start) // resolution
        last = first + price.resolution // resolution
        values[max(first, 0) : max(last, 0)] = price.price_per_kwh
    return series.with_values(values)


def _common_resolution(resolutions: Iterable[timedelta]) -> timedelta:
    return math.gcd(*{each // _MICROSECOND for each in resolutions}) * _MICROSECOND


def _with_published(tariff: Tariff, published: dict[EnergyDirection, Series | None]) -> Tariff:
    def filled(terms: Tariff, direction: EnergyDirection) -> EnergyRates:
        rates = terms.rates(direction)
        if rates.real_time is None:
            return rates
        real_time = replace(rates.real_time, published=published[direction])
        return replace(rates, real_time=real_time)

    return tariff.with_terms(
        lambda terms: replace(
            terms,
            import_rates=filled(terms, EnergyDirection.IMPORT),
            export_rates=filled(terms, EnergyDirection.EXPORT),
        )
    )
