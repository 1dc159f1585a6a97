"""Demand-response events: limits, prices, and paid reductions against a baseline.

    reduction:  0 <= r[k] <= maximum z[k],  r[k] <= baseline[k] - net[k] + beyond[k] (1 - z[k])

paid by the kWh; z[k] is 0 where the site uses more than its baseline, which `beyond` then allows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

import numpy as np

from wattmesh_optimizer.domain.plan import CostCause, RequirementKind
from wattmesh_optimizer.domain.problem import DemandResponseEvent, EventPrice, PaidReduction
from wattmesh_optimizer.domain.site import PowerLimits
from wattmesh_optimizer.formulation.groups import limit_net, net_terms
from wattmesh_optimizer.formulation.model import Context, Indicator
from wattmesh_optimizer.formulation.network import Point, put_flow_in
from wattmesh_optimizer.formulation.program import INFINITY, Ints, Label
from wattmesh_optimizer.formulation.site import SiteModel
from wattmesh_optimizer.formulation.tariff import charge_direction


@dataclass(frozen=True, slots=True, eq=False)
class _During:
    """An event's intervals in this horizon and the sites it concerns."""

    intervals: Ints
    sites: Sequence[SiteModel]


def add_event(ctx: Context, event: DemandResponseEvent, sites: Sequence[SiteModel]) -> None:
    """Add an event, as far as it lies within the horizon."""
    touched = ctx.horizon.touched((event.range,))
    during = _During(np.flatnonzero(touched).astype(np.int32), sites)
    if not len(during.intervals):
        return
    match event.kind:
        case PowerLimits() as limits:
            point = Point(
                subject=event.id, site=None, kind=RequirementKind.EVENT_LIMIT, prefix="event_"
            )
            limit_net(ctx, point, limits, sites, during.intervals)
        case EventPrice() as price:
            _add_price(ctx, event.id, price, during)
        case PaidReduction() as reduction:
            _add_reduction(ctx, event.id, reduction, during)
        case _:
            assert_never(event.kind)


def _add_price(ctx: Context, event_id: str, price: EventPrice, during: _During) -> None:
    adder = np.zeros(ctx.count)
    adder[during.intervals] = 1.0
    cause = CostCause.DEMAND_RESPONSE
    for site in during.sites:
        imports, exports = price.import_adder_per_kwh, price.export_adder_per_kwh
        charge_direction(ctx, site.index, site.imports, imports * adder, cause, event_id)
        charge_direction(ctx, site.index, site.exports, -exports * adder, cause, event_id)


def _add_reduction(ctx: Context, event_id: str, reduction: PaidReduction, during: _During) -> None:
    program, intervals = ctx.program, during.intervals
    baseline = reduction.baseline_kw[intervals]
    low = np.sum([site.flow.low_kw for site in during.sites], axis=0)[intervals]
    high = np.sum([site.flow.high_kw for site in during.sites], axis=0)[intervals]
    most = np.maximum(0.0, baseline - low)
    if reduction.max_power_kw is not None:
        most = np.minimum(most, reduction.max_power_kw)
    reduced = program.columns(len(intervals), upper=most)
    cause = CostCause.DEMAND_RESPONSE
    program.charge(reduced, -reduction.price_per_kwh * ctx.hours, cause, event_id)
    beyond = np.maximum(0.0, high - baseline)
    rows = program.rows(-INFINITY, baseline + beyond, len(intervals))
    program.put(rows, reduced, 1.0)
    put_flow_in(ctx, rows, intervals, net_terms(ctx, during.sites), 1.0)
    program.label_rows(rows, intervals, Label(subject=event_id, constraint="baseline"))
    if beyond.any():
        taken = program.columns(len(intervals), upper=1.0)
        program.may_be_integer(taken)
        program.put(rows, taken, beyond)
        only = program.rows(-INFINITY, 0.0, len(intervals))
        program.put(only, reduced, 1.0)
        program.put(only, taken, -most)
        net = net_terms(ctx, during.sites)
        ctx.indicators.append(
            Indicator(columns=taken, intervals=intervals, terms=net, limit_kw=baseline)
        )
