"""Energy rates over intervals: linear price components and tiers."""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from wattmesh_kernel.tariff.calendar import (
    Floats,
    billing_periods,
    day_number,
    epoch_s,
    season_mask,
    whole_seconds,
)
from wattmesh_kernel.tariff.charges import EnergyDirection
from wattmesh_kernel.tariff.lowered import ChargeCause, LoweredTier, PriceComponent
from wattmesh_kernel.tariff.model import Tariff
from wattmesh_kernel.tariff.parts import Run, TariffPart, runs_of
from wattmesh_kernel.tariff.rates import RealTimePrice, TieredRate
from wattmesh_kernel.tariff.samples import Samples, epochs_of
from wattmesh_kernel.tariff.state import BillingState
from wattmesh_kernel.time import TimeRange

_CAUSES = {
    EnergyDirection.IMPORT: ChargeCause.IMPORT_ENERGY,
    EnergyDirection.EXPORT: ChargeCause.EXPORT_ENERGY,
}


def price_components(tariff: Tariff, samples: Samples) -> tuple[PriceComponent, ...]:
    """Return every linear part of the prices of import and export."""
    return (
        *_rate_components(tariff, EnergyDirection.IMPORT, samples),
        *_rate_components(tariff, EnergyDirection.EXPORT, samples),
        *_coincident_components(tariff, samples),
    )


def _rate_components(
    tariff: Tariff, direction: EnergyDirection, samples: Samples
) -> Iterator[PriceComponent]:
    rates = tariff.rates(direction)
    if rates.base_per_kwh:
        held = samples.holding
        yield _energy(samples, direction, "Energy", held, rates.base_per_kwh * held)
    if rates.real_time is not None:
        values = _real_time(rates.real_time, samples)
        if samples.held is not None:
            values = np.where(samples.held, values, 0.0)
        price = samples.per_interval(values)
        yield _energy(samples, direction, "Real-time energy", samples.holding, price)
    yield from _tou_components(tariff, direction, samples)


def _energy(
    samples: Samples,
    direction: EnergyDirection,
    name: str,
    share: Floats,
    price_per_kwh: Floats,
) -> PriceComponent:
    return PriceComponent(
        cause=_CAUSES[direction],
        direction=direction,
        name=name,
        unit="kWh",
        units_per_kwh=share,
        price_per_kwh=price_per_kwh,
        part=samples.part,
    )


def _tou_components(
    tariff: Tariff, direction: EnergyDirection, samples: Samples
) -> Iterator[PriceComponent]:
    periods = tariff.rates(direction).tou_periods
    if not periods:
        return
    open_ = np.ones(len(samples.epochs), dtype=np.bool_)
    if samples.held is not None:
        open_ &= samples.held
    for period in periods:
        holds = open_ & samples.within(period.window)
        if holds.any():
            share = samples.per_interval(holds)
            yield _energy(samples, direction, period.name, share, period.price_per_kwh * share)
            open_ &= ~holds
    if open_.any():
        share = samples.per_interval(open_)
        price = np.where(share > 0, np.nan, 0.0)
        yield _energy(samples, direction, "No time-of-use period", share, price)


def _real_time(price: RealTimePrice, samples: Samples) -> Floats:
    values = np.full(len(samples.epochs), np.nan)
    if price.published is not None:
        resolution_s = whole_seconds(price.published.resolution)
        index = (samples.epochs - epoch_s(price.published.start)) // resolution_s
        inside = (index >= 0) & (index < len(price.published))
        values[inside] = price.published.values[index[inside]]
    values = price.multiplier * values + price.adder_per_kwh
    if price.minimum_per_kwh is not None:
        values = np.maximum(values, price.minimum_per_kwh)
    if price.maximum_per_kwh is not None:
        values = np.minimum(values, price.maximum_per_kwh)
    return values


def _coincident_components(tariff: Tariff, samples: Samples) -> Iterator[PriceComponent]:
    if not tariff.coincident_peak_charges:
        return
    starts, ends = samples.edges_s[:-1], samples.edges_s[1:]
    hours = samples.resolution_s / 3600
    for charge in tariff.coincident_peak_charges:
        kw_per_kwh = np.zeros(len(starts))
        for event in charge.events:
            first, last = epoch_s(event.start), epoch_s(event.end)
            held = event if samples.part is None else event.intersect(samples.part)
            if held is not None:
                overlap = np.minimum(ends, epoch_s(held.end))
                overlap -= np.maximum(starts, epoch_s(held.start))
                kw_per_kwh += np.maximum(overlap, 0) / (last - first) / hours
        if kw_per_kwh.any():
            yield PriceComponent(
                cause=ChargeCause.COINCIDENT_PEAK,
                direction=EnergyDirection.IMPORT,
                name=charge.name,
                unit="kW",
                units_per_kwh=kw_per_kwh,
                price_per_kwh=charge.price_per_kw * kw_per_kwh,
                part=samples.part,
            )


def grid_tiers(
    parts: Sequence[TariffPart], span: TimeRange, samples: Samples, state: BillingState
) -> Iterator[LoweredTier]:
    """Yield every tiered rate in every billing period of the span that it counts energy of."""
    for direction in EnergyDirection:
        for run in runs_of(parts, partial(_tiered_rates, direction)):
            if (held := run.within(span)) is not None:
                during = samples.during(run.range)
                yield from _tiers_of(run, direction, held, during, state)


def _tiered_rates(direction: EnergyDirection, terms: Tariff) -> tuple[TieredRate, ...]:
    return terms.rates(direction).tiered_rates


def _tiers_of(
    run: Run[TieredRate],
    direction: EnergyDirection,
    held: TimeRange,
    samples: Samples,
    state: BillingState,
) -> Iterator[LoweredTier]:
    share = samples.share(run.charge.window)
    for whole in billing_periods(run.cycle, held, samples.zone):
        period = run.held(whole)
        first, last = epochs_of([period.start, period.end])
        inside = (samples.starts_s >= first) & (samples.starts_s < last)
        counted = np.where(inside, share, 0.0)
        if counted.any():
            ratio = period.duration / whole.duration
            yield _grid_tier(run.charge, direction, period, ratio, counted, samples, state)


def _grid_tier(
    rate: TieredRate,
    direction: EnergyDirection,
    period: TimeRange,
    period_ratio: float,
    counted_ratio: Floats,
    samples: Samples,
    state: BillingState,
) -> LoweredTier:
    """Return a rate in a period, of which it holds in `period_ratio`."""
    days = _days_in_season(rate, period, samples)
    return LoweredTier(
        rate_id=rate.id,
        direction=direction,
        period=period,
        counted_ratio=counted_ratio,
        used_kwh=state.tier_usage_kwh(rate.id, period.start),
        from_kwh=np.array(
            [tier.from_kwh * period_ratio + tier.from_kwh_per_day * days for tier in rate.tiers]
        ),
        price_per_kwh=np.array([tier.price_per_kwh for tier in rate.tiers]),
        part=samples.part,
    )


def _days_in_season(rate: TieredRate, period: TimeRange, samples: Samples) -> int:
    first, last = (
        day_number(moment.astimezone(samples.zone).date()) for moment in (period.start, period.end)
    )
    days = np.arange(first, last, dtype=np.int64)
    seasons = rate.window.seasons
    return int(season_mask(days, seasons).sum()) if seasons else len(days)
