"""Lowering: a tariff over a span of time becomes plain arrays."""

from collections.abc import Iterator, Mapping
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
from wattmesh_kernel.tariff.charges import ChargeInterval, EnergyDirection
from wattmesh_kernel.tariff.lower_demand import grid_demands
from wattmesh_kernel.tariff.lower_rates import grid_tiers, price_components
from wattmesh_kernel.tariff.lowered import LoweredFixed, LoweredTariff, PriceComponent
from wattmesh_kernel.tariff.model import Tariff
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
    samples = Samples.of(tariff, span, resolution, zone)
    components = price_components(tariff, samples)
    return LoweredTariff(
        currency_code=tariff.currency_code,
        start=span.start,
        resolution=resolution,
        import_price_per_kwh=_sum(components, EnergyDirection.IMPORT, samples),
        export_price_per_kwh=_sum(components, EnergyDirection.EXPORT, samples),
        import_limit_w=_limit_w(tariff, EnergyDirection.IMPORT, samples),
        export_limit_w=_limit_w(tariff, EnergyDirection.EXPORT, samples),
        components=components,
        tiers=tuple(grid_tiers(tariff, span, samples, state)),
        demands=grid_demands(tariff, span, samples, state),
        fixed=tuple(_fixed(tariff, span, samples)),
        state=state,
        keep_peaks_from=_keep_peaks_from(tariff, span.end, zone),
        keep_tiers_from=billing_periods(tariff.billing_cycle, TimeRange(span.end, span.end), zone)[
            0
        ].start,
    )


def _sum(
    components: tuple[PriceComponent, ...], direction: EnergyDirection, samples: Samples
) -> Floats:
    total = np.zeros(len(samples.starts_s))
    for component in components:
        if component.direction is direction:
            total += component.price_per_kwh
    return total


def _limit_w(tariff: Tariff, direction: EnergyDirection, samples: Samples) -> Floats:
    """Return the strictest limit that holds anywhere within each interval."""
    limit_w = np.full(len(samples.starts_s), np.inf)
    for limit in tariff.power_limits:
        if limit.direction is direction:
            held = samples.share(limit.window) > 0
            limit_w[held] = np.minimum(limit_w[held], limit.max_power_w)
    return limit_w


def _fixed(tariff: Tariff, span: TimeRange, samples: Samples) -> Iterator[LoweredFixed]:
    for charge in tariff.fixed_charges:
        periods = charge_periods(charge.interval, tariff.billing_cycle, span, samples.zone)
        bounds = epochs_of([*(each.start for each in periods), periods[-1].end])
        passed = np.interp(samples.edges_s, bounds, np.arange(len(bounds), dtype=np.float64))
        yield LoweredFixed(
            name=charge.name,
            unit=_UNITS[charge.interval],
            units=np.diff(passed),
            amount=charge.amount,
        )


def _keep_peaks_from(tariff: Tariff, end: datetime, zone: ZoneInfo) -> Mapping[str, datetime]:
    """Return, by demand charge, the start of the first period that still matters at `end`."""
    cycle = tariff.billing_cycle
    keep = {}
    for charge in tariff.demand_charges:
        running = charge_periods(charge.interval, cycle, TimeRange(end, end), zone)[0].start
        lookback = charge.ratchet.lookback if charge.ratchet else 0
        keep[charge.id] = earlier_period_start(charge.interval, cycle, running, lookback, zone)
    return keep
