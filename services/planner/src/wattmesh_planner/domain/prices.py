"""What energy costs over a plan: published prices, and what is assumed until they are."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from wattmesh_kernel.series import Series
from wattmesh_kernel.sites import BatteryRating
from wattmesh_kernel.tariff import (
    EnergyRates,
    RealTimePrice,
    Tariff,
    lower_tariff,
    parts_of,
)
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.domain.facts import Assumed, Fact, Known, Missing, Reason, Topic, Why
from wattmesh_planner.domain.gaps import filled_from_before

PRICE_HISTORY = timedelta(days=7)
"""How far back prices are looked at to assume those that are not published yet."""
_CHANGES_PER_KWH = 200
"""So many changes of power by 1 kW count as much as a kWh, where a site says nothing of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PricedTariff:
    """A tariff with a price for every interval of a plan, and the edges of prices in it.

    `import_prices_per_kwh` and `export_prices_per_kwh` are by interval, NaN where one is missing.
    """

    tariff: Tariff
    lowest_import_price_per_kwh: float
    highest_import_price_per_kwh: float = 0.0
    highest_export_price_per_kwh: float = 0.0
    import_prices_per_kwh: tuple[float, ...] = ()
    export_prices_per_kwh: tuple[float, ...] = ()


def is_dynamic(tariff: Tariff) -> bool:
    """Return whether prices of the tariff are published interval by interval."""
    return any(
        rates.real_time is not None
        for terms in tariff.every_terms
        for rates in (terms.import_rates, terms.export_rates)
    )


def priced(
    tariff: Tariff, target: TimeRange, resolution: timedelta, zone: ZoneInfo, now: datetime
) -> Fact[PricedTariff]:
    """Return what energy costs over `target`.

    A real-time price that is not published yet is assumed to be that of the same time on the
    newest day before that has one, or else the mean of those known. With none known at all the
    price is missing: energy is not free. Of a tariff that changes this is so for the terms that
    hold in `target`.
    """
    held = [part.terms for part in parts_of(tariff) if part.touches(target)]
    found = [(terms, _filled(terms, target)) for terms in held]
    known_terms = [(terms, each) for terms, each in found if each is not None]
    if len(known_terms) < len(found):
        return Missing(why=Why(topic=Topic.TARIFF, reason=Reason.NOT_PUBLISHED))
    filled = tariff.with_terms(
        lambda terms: next((each.tariff for own, each in known_terms if own == terms), terms)
    )
    assumed = sum(each.assumed for _, each in known_terms)
    lowered = lower_tariff(filled, target, resolution, zone)
    prices = lowered.import_price_per_kwh
    known = prices[np.isfinite(prices)]
    if not known.size:
        return Missing(why=Why(topic=Topic.TARIFF, reason=Reason.INCOMPLETE))
    value = PricedTariff(
        tariff=filled,
        lowest_import_price_per_kwh=float(known.min()),
        highest_import_price_per_kwh=float(known.max()),
        highest_export_price_per_kwh=float(np.nanmax(lowered.export_price_per_kwh, initial=0.0)),
        import_prices_per_kwh=tuple(prices.tolist()),
        export_prices_per_kwh=tuple(lowered.export_price_per_kwh.tolist()),
    )
    return _fact(value, assumed, known.size < prices.size, held, now)


def terminal_value_per_kwh(rating: BatteryRating, lowest_import_price_per_kwh: float) -> float:
    """Return what a stored kWh is worth at the horizon's end [currency/kWh].

    It is what it will save at the cheapest price of the horizon after discharging: enough to keep
    surplus sun for the next day, too little to buy energy for the end of the horizon. At a lowest
    price of 0.22 and an efficiency of 0.95 it is 0.209.
    """
    return max(lowest_import_price_per_kwh, 0.0) * rating.discharge_efficiency_ratio


def tie_price_per_kw(price: PricedTariff | None) -> float:
    """Return what a change of power by 1 kW counts for a site alone [currency/kW].

    Under a time-of-use tariff many plans cost the same, and a solver stops at a corner: nothing,
    then everything in the last cheap hour. A two-hundredth of the mean price of a kWh decides
    between them and next to nothing else: at 0.28 a plan that changes by 2 kW less may cost 0.0028
    more, and no more.
    """
    known = [] if price is None else [p for p in price.import_prices_per_kwh if np.isfinite(p)]
    return max(float(np.mean(known)), 0.0) / _CHANGES_PER_KWH if known else 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class _FilledTerms:
    tariff: Tariff
    assumed: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _FilledRates:
    rates: EnergyRates
    assumed: int = 0


def _filled(terms: Tariff, target: TimeRange) -> _FilledTerms | None:
    """Return terms that know every price of `target`; None when of one nothing is known at all."""
    imports, exports = _rates(terms.import_rates, target), _rates(terms.export_rates, target)
    if imports is None or exports is None:
        return None
    return _FilledTerms(
        tariff=replace(terms, import_rates=imports.rates, export_rates=exports.rates),
        assumed=imports.assumed + exports.assumed,
    )


def _rates(rates: EnergyRates, target: TimeRange) -> _FilledRates | None:
    """Return rates that know every price of `target`; None when no price is known at all."""
    if rates.real_time is None:
        return _FilledRates(rates=rates)
    known = rates.real_time.published
    if known is None or not np.isfinite(known.values).any():
        return None
    wanted = known.window(_on_intervals_of(known, target))
    filled = filled_from_before(wanted, known)
    mean = float(np.nanmean(known.values))
    values = np.where(np.isfinite(filled.values), filled.values, mean)
    return _FilledRates(
        rates=_published(rates, rates.real_time, wanted.with_values(values)),
        assumed=int(np.isnan(wanted.values).sum()),
    )


def _published(rates: EnergyRates, price: RealTimePrice, published: Series) -> EnergyRates:
    return replace(rates, real_time=replace(price, published=published))


def _on_intervals_of(series: Series, span: TimeRange) -> TimeRange:
    """Return the whole intervals of a series that a span touches."""
    first = (span.start - series.start) // series.resolution
    end = -((series.start - span.end) // series.resolution)
    return TimeRange(
        series.start + first * series.resolution, series.start + end * series.resolution
    )


def _fact(
    value: PricedTariff, assumed: int, holes: bool, held: Sequence[Tariff], now: datetime
) -> Fact[PricedTariff]:
    if assumed:
        why = Why(
            topic=Topic.TARIFF,
            reason=Reason.NOT_PUBLISHED,
            detail=f"{assumed} prices as on earlier days",
        )
        return Assumed(value=value, why=why, age=_age(held, now))
    if holes:
        return Assumed(value=value, why=Why(topic=Topic.TARIFF, reason=Reason.INCOMPLETE))
    return Known(value=value)


def _age(held: Sequence[Tariff], now: datetime) -> timedelta:
    """Return how long ago the newest published price ended; 0 when it has not."""
    ends = [
        rates.real_time.published.start
        + (int(np.flatnonzero(np.isfinite(rates.real_time.published.values))[-1]) + 1)
        * rates.real_time.published.resolution
        for terms in held
        for rates in (terms.import_rates, terms.export_rates)
        if rates.real_time is not None and rates.real_time.published is not None
    ]
    return max(now - min(ends), timedelta(0))
