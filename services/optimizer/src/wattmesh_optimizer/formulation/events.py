"""Demand-response events: limits, prices, and paid reductions against a baseline.

    reduction:  r[k] <= maximum[k],  r[k] <= baseline[k] - net[k]
    payment:    0 <= paid <= before + sum(r) x hours + short (1 - z),  paid <= most z

r[k] is negative where the site uses more than its baseline. The event's net is paid, and z is 0
where that is below 0; a net that cannot be is priced without paid and z.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

import numpy as np

from wattmesh_optimizer.domain.plan import CostCause, RequirementKind
from wattmesh_optimizer.domain.problem import DemandResponseEvent, EventPrice, PaidReduction
from wattmesh_optimizer.domain.site import PowerLimits
from wattmesh_optimizer.formulation.groups import limit_net, net_terms
from wattmesh_optimizer.formulation.model import Context, Exchanging, Indicator
from wattmesh_optimizer.formulation.network import Point, put_flow_in
from wattmesh_optimizer.formulation.program import INFINITY, Ints, Label
from wattmesh_optimizer.formulation.site import SiteModel
from wattmesh_optimizer.formulation.tariff import charge_direction


@dataclass(frozen=True, slots=True, eq=False)
class _During:
    """An event's intervals in this horizon and the sites it concerns."""

    intervals: Ints
    sites: Sequence[Exchanging]


def add_event(ctx: Context, event: DemandResponseEvent, sites: Sequence[SiteModel]) -> None:
    """Add an event, as far as it lies within the horizon."""
    match event.kind:
        case EventPrice() as price:
            _add_price(ctx, event, price, sites)
        case PowerLimits() | PaidReduction() as summed:
            add_summed_event(ctx, event, summed, sites)
        case _:
            assert_never(event.kind)


def add_summed_event(
    ctx: Context,
    event: DemandResponseEvent,
    kind: PowerLimits | PaidReduction,
    sites: Sequence[Exchanging],
) -> None:
    """Add an event of this kind: it concerns nothing but the sum of what sites exchange."""
    during = _During(_intervals(ctx, event), sites)
    if not len(during.intervals):
        return
    match kind:
        case PowerLimits() as limits:
            point = Point(
                subject=event.id, site=None, kind=RequirementKind.EVENT_LIMIT, prefix="event_"
            )
            limit_net(ctx, point, limits, sites, during.intervals)
        case PaidReduction() as reduction:
            _add_reduction(ctx, event.id, reduction, during)
        case _:
            assert_never(kind)


def _intervals(ctx: Context, event: DemandResponseEvent) -> Ints:
    return np.flatnonzero(ctx.horizon.touched((event.range,))).astype(np.int32)


def _add_price(
    ctx: Context, event: DemandResponseEvent, price: EventPrice, sites: Sequence[SiteModel]
) -> None:
    adder = np.zeros(ctx.count)
    adder[_intervals(ctx, event)] = 1.0
    cause, event_id = CostCause.DEMAND_RESPONSE, event.id
    for site in sites:
        imports, exports = price.import_adder_per_kwh, price.export_adder_per_kwh
        charge_direction(ctx, site.index, site.imports, imports * adder, cause, event_id)
        charge_direction(ctx, site.index, site.exports, -exports * adder, cause, event_id)


def _add_reduction(ctx: Context, event_id: str, reduction: PaidReduction, during: _During) -> None:
    program, intervals = ctx.program, during.intervals
    baseline = reduction.baseline_kw[intervals]
    low = np.sum([site.flow.low_kw for site in during.sites], axis=0)[intervals]
    high = np.sum([site.flow.high_kw for site in during.sites], axis=0)[intervals]
    most = np.minimum(np.maximum(baseline - low, 0.0), reduction.most_kw(ctx.count)[intervals])
    least = np.minimum(baseline - high, 0.0)
    reduced = program.columns(len(intervals), lower=least, upper=most)
    rows = program.rows(-INFINITY, baseline, len(intervals))
    program.put(rows, reduced, 1.0)
    put_flow_in(ctx, rows, intervals, net_terms(ctx, during.sites), 1.0)
    program.label_rows(rows, intervals, Label(subject=event_id, constraint="baseline"))
    lowest_kwh = reduction.delivered_kwh + float(least.sum()) * ctx.hours
    highest_kwh = reduction.delivered_kwh + float(most.sum()) * ctx.hours
    price = reduction.price_per_kwh
    if lowest_kwh >= 0.0:
        program.charge(reduced, -price * ctx.hours, CostCause.DEMAND_RESPONSE, event_id)
        return
    program.constant(price * max(0.0, reduction.delivered_kwh), CostCause.DEMAND_RESPONSE, event_id)
    if highest_kwh > 0.0:
        paid = _net_that_is_paid(ctx, reduced, reduction.delivered_kwh, (lowest_kwh, highest_kwh))
        program.charge(paid, -price, CostCause.DEMAND_RESPONSE, event_id)


def _net_that_is_paid(
    ctx: Context, reduced: Ints, before_kwh: float, bounds_kwh: tuple[float, float]
) -> Ints:
    """Add the column of what is paid [kWh]: the net of an event, or 0 where that is negative."""
    program, (lowest_kwh, highest_kwh) = ctx.program, bounds_kwh
    paid = program.columns(1, upper=highest_kwh)
    counts = program.columns(1, upper=1.0)
    program.may_be_integer(counts)
    net = program.rows(-INFINITY, before_kwh - lowest_kwh, 1)
    program.put(net, paid, 1.0)
    program.put(np.repeat(net, len(reduced)), reduced, -ctx.hours)
    program.put(net, counts, -lowest_kwh)
    only = program.rows(-INFINITY, 0.0, 1)
    program.put(only, paid, 1.0)
    program.put(only, counts, -highest_kwh)
    ctx.indicators.append(Indicator(column=counts, summed=reduced, least=-before_kwh / ctx.hours))
    return paid
