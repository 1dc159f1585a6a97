"""Lowering: a tariff over a span of time becomes plain arrays."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.tariff.calendar import (
    Floats,
    billing_periods,
    charge_periods,
    earlier_period_start,
)
from wattmesh_kernel.tariff.charges import ChargeInterval, EnergyDirection, FixedCharge
from wattmesh_kernel.tariff.lower_demand import grid_demands
from wattmesh_kernel.tariff.lower_rates import grid_tiers, price_components
from wattmesh_kernel.tariff.lowered import LoweredFixed, LoweredTariff, PriceComponent
from wattmesh_kernel.tariff.model import Tariff
from wattmesh_kernel.tariff.parts import Run, TariffPart, parts_of, runs_of
from wattmesh_kernel.tariff.samples import Samples, epochs_of
from wattmesh_kernel.tariff.state import BillingState
from wattmesh_kernel.time import TimeRange

_UNITS = {ChargeInterval.DAY: "d", ChargeInterval.BILLING_PERIOD: "period"}


def lower_tariff(
    tariff: Tariff,
    span: TimeRange,
    resolution: timedelta,
    zone: ZoneInfo,
    state: BillingState | None = None,
) -> LoweredTariff:
    """Return the tariff over the n intervals of `span`, as arrays; a pure function.

    `zone` is the site's: seasons, days, hours and billing periods follow it. `state` is what came
    before the span; None: nothing. An interval that straddles a price boundary has the mean price
    by time; it belongs to the billing period it starts in.

    A tariff that changes is the sum of its parts. Energy costs what holds at its time. What is due
    for a billing period (or day) is due for the share of its time in which it holds: fixed amounts,
    prices of demand, thresholds of tiers. A part has peaks and counts of its own. What a change
    leaves as it was goes on over it, with one peak.

    Errors: InvalidArgument when the span is not whole intervals of whole seconds, when intervals
    finer than a demand charge's averages do not add up to them, or when the state reaches into the
    span. Intervals coarser than the averages stand for each average within them.
    """
    state = state or BillingState(as_of=span.start)
    if state.as_of > span.start:
        raise InvalidArgument(
            "STATE_AHEAD",
            f"the billing state is of {state.as_of.isoformat()}, after the start of {span}",
            field="billing_state",
        )
    parts = parts_of(tariff)
    inside = [part for part in parts if part.touches(span)]
    samples = Samples.of(inside, span, resolution, zone)
    components = tuple(
        component
        for part in inside
        for component in price_components(part.terms, samples.during(part.range))
    )
    return LoweredTariff(
        currency_code=tariff.currency_code,
        start=span.start,
        resolution=resolution,
        import_price_per_kwh=_sum(components, EnergyDirection.IMPORT, samples),
        export_price_per_kwh=_sum(components, EnergyDirection.EXPORT, samples),
        import_limit_w=_limit_w(inside, EnergyDirection.IMPORT, samples),
        export_limit_w=_limit_w(inside, EnergyDirection.EXPORT, samples),
        components=components,
        tiers=tuple(grid_tiers(parts, span, samples, state)),
        demands=grid_demands(parts, span, samples, state),
        fixed=tuple(_fixed(parts, span, samples)),
        state=state,
        keep_peaks_from=_keep_peaks_from(parts, span.end, zone),
        keep_tiers_from=_keep_tiers_from(parts, span.end, zone),
    )


def _sum(
    components: tuple[PriceComponent, ...], direction: EnergyDirection, samples: Samples
) -> Floats:
    total = np.zeros(len(samples.starts_s))
    for component in components:
        if component.direction is direction:
            total += component.price_per_kwh
    return total


def _limit_w(parts: Sequence[TariffPart], direction: EnergyDirection, samples: Samples) -> Floats:
    """Return the strictest limit that holds anywhere within each interval."""
    limit_w = np.full(len(samples.starts_s), np.inf)
    for part in parts:
        during = samples.during(part.range)
        for limit in part.terms.power_limits:
            if limit.direction is direction:
                held = during.share(limit.window) > 0
                limit_w[held] = np.minimum(limit_w[held], limit.max_power_w)
    return limit_w


def _fixed(
    parts: Sequence[TariffPart], span: TimeRange, samples: Samples
) -> Iterator[LoweredFixed]:
    for run in runs_of(parts, lambda terms: terms.fixed_charges):
        if (held := run.within(span)) is not None:
            yield _fixed_charge(run, held, samples.during(run.range))


def _fixed_charge(run: Run[FixedCharge], held: TimeRange, samples: Samples) -> LoweredFixed:
    charge = run.charge
    periods = charge_periods(charge.interval, run.cycle, held, samples.zone)
    bounds = epochs_of([*(each.start for each in periods), periods[-1].end])
    edges = samples.edges_s.clip(*epochs_of([held.start, held.end]))
    passed = np.interp(edges, bounds, np.arange(len(bounds), dtype=np.float64))
    return LoweredFixed(
        name=charge.name,
        unit=_UNITS[charge.interval],
        units=np.diff(passed),
        amount=charge.amount,
        part=samples.part,
    )


def _keep_peaks_from(
    parts: Sequence[TariffPart], end: datetime, zone: ZoneInfo
) -> Mapping[str, datetime]:
    """Return, by demand charge, the start of the first period that still matters at `end`."""
    keep = dict[str, datetime]()
    for run in runs_of(parts, lambda terms: terms.demand_charges):
        charge = run.charge
        running = charge_periods(charge.interval, run.cycle, TimeRange(end, end), zone)[0].start
        lookback = charge.ratchet.lookback if charge.ratchet else 0
        since = earlier_period_start(charge.interval, run.cycle, running, lookback, zone)
        keep[charge.id] = min(since, keep.get(charge.id, since))
    return keep


def _keep_tiers_from(parts: Sequence[TariffPart], end: datetime, zone: ZoneInfo) -> datetime:
    cycles = dict.fromkeys(part.terms.billing_cycle for part in parts)
    return min(billing_periods(each, TimeRange(end, end), zone)[0].start for each in cycles)
