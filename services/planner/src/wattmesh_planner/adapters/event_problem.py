"""Events of demand response as a part of the optimizer's problem, and promises off its plan."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from wattmesh.optimizer.v1 import plan_pb2, problem_pb2
from wattmesh.type.v1 import time_range_pb2
from wattmesh_contracts.values import money_from_proto, time_range_to_proto
from wattmesh_kernel.money import Money
from wattmesh_kernel.series import Series
from wattmesh_kernel.tariff import lower_tariff
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.domain.events import (
    CONFIDENCE_RATIO,
    MEDIAN_RATIO,
    GridEvent,
    LimitTerms,
    PriceTerms,
    Promise,
    ReductionTerms,
    Values,
    runs,
)
from wattmesh_planner.domain.inputs import PlanInputs, SiteInputs

Flags = NDArray[np.bool_]

_ANY_W = 1e9
"""More than any site has [W]."""
_NOT_OWN = (plan_pb2.COST_CAUSE_DEMAND_RESPONSE, plan_pb2.COST_CAUSE_PENALTY)
_PART = "#"
"""Between an event's name and the number of one of its parts in the problem."""


def events_to_proto(inputs: PlanInputs) -> Iterator[problem_pb2.DemandResponseEvent]:
    """Yield what is asked, one message for each run of intervals in which it is the same.

    Where two of a kind pay or charge the same sites at a time, the one of the higher priority does.
    """
    taken: dict[tuple[type, str], Flags] = {}
    for event in inputs.events:
        for number, (sites, message) in enumerate(_messages(event, inputs, taken)):
            message.id = f"{event.id.name}{_PART}{number}"
            message.site_names.extend(sites)
            yield message


def promises_from_plans(
    plan: plan_pb2.Plan, without: plan_pb2.Plan, inputs: PlanInputs
) -> Iterator[Promise]:
    """Yield what a plan promises of events that have not begun, beside one `without` them all."""
    told = [each for each in inputs.events if each.span.start > inputs.issue_time]
    cost = _cost_beside(plan, without, len(told))
    for event in told:
        net_w, usual_w = _net_w(plan, event, inputs), _net_w(without, event, inputs)
        usual = event.on_steps(usual_w)
        if usual is None:  # the event goes on after the plan
            continue
        match event.terms:
            case ReductionTerms():
                committed = event.on_steps(_promised_w(plan, event, inputs))
                baseline = event.baseline_w
                usual = None if baseline is None else event.on_steps(baseline)
                ratio = CONFIDENCE_RATIO
            case _:
                committed, ratio = event.on_steps(net_w), MEDIAN_RATIO
        if committed is not None and usual is not None and np.isfinite([*committed, *usual]).all():
            yield Promise(
                event=event.id,
                baseline_w=usual,
                committed_w=committed,
                confidence_ratio=ratio,
                expected_cost=cost,
                expected_payment=_paid(plan, event, inputs),
            )


def _messages(
    event: GridEvent, inputs: PlanInputs, taken: dict[tuple[type, str], Flags]
) -> Iterator[tuple[Sequence[str], problem_pb2.DemandResponseEvent]]:
    target, resolution = inputs.target, inputs.resolution
    sites = _sites_of(event, inputs)
    names = [site.site.site.name for site in sites]
    match event.terms:
        case LimitTerms(max_import_w=imports, max_export_w=exports):
            message = problem_pb2.DemandResponseEvent(range=_within(event, target))
            message.limit.max_import_powers_w.extend(_bounds(event, imports, inputs))
            message.limit.max_export_powers_w.extend(_bounds(event, exports, inputs))
            yield names, message
        case PriceTerms() as terms:
            for site in sites:
                free = _free(taken, PriceTerms, site, event, inputs)
                yield from (
                    ([site.site.site.name], each)
                    for each in _prices(event, terms, site, inputs, free)
                )
        case ReductionTerms() as terms:
            free = np.logical_and.reduce(
                [_free(taken, ReductionTerms, site, event, inputs) for site in sites]
            )
            asked = event.at_most(terms.powers_w, target, resolution)
            most = _ANY_W if terms.most_power_w is None else min(terms.most_power_w, _ANY_W)
            asked = np.where(free, np.minimum(asked, most), np.nan)
            for span, most_w in runs(asked, target, resolution):
                yield names, _reduction(event, terms, span, most_w, sites, inputs)


def _reduction(
    event: GridEvent,
    terms: ReductionTerms,
    span: TimeRange,
    most_w: float,
    sites: Sequence[SiteInputs],
    inputs: PlanInputs,
) -> problem_pb2.DemandResponseEvent:
    assert event.baseline_w is not None, "events without a baseline are not planned"
    target, resolution = inputs.target, inputs.resolution
    baseline = event.mean_of(tuple(event.baseline_w.values.tolist()), target, resolution)
    message = problem_pb2.DemandResponseEvent(range=time_range_to_proto(span))
    message.paid_reduction.baseline_powers_w.extend(np.nan_to_num(baseline).tolist())
    message.paid_reduction.price_per_kwh = terms.price_per_kwh
    if most_w < _ANY_W:
        message.paid_reduction.max_power_w = most_w
    message.paid_reduction.confidence_ratio = CONFIDENCE_RATIO
    message.paid_reduction.power_deviation_w = _deviation_w(sites, span)
    return message


def _prices(
    event: GridEvent, terms: PriceTerms, site: SiteInputs, inputs: PlanInputs, free: Flags
) -> Iterator[problem_pb2.DemandResponseEvent]:
    target, resolution = inputs.target, inputs.resolution
    usual = _usual_prices(site, inputs)
    adders = []
    for prices, tariff in zip((terms.import_per_kwh, terms.export_per_kwh), usual, strict=True):
        adder = event.mean_of(prices, target, resolution) if prices else np.zeros(len(free))
        adders.append(adder - tariff if prices and not terms.additional else adder)
    known = free & np.isfinite(adders[0]) & np.isfinite(adders[1])
    both = list(zip(*(np.nan_to_num(each).tolist() for each in adders), strict=True))
    pairs = {pair: number for number, pair in enumerate(dict.fromkeys(both))}
    which = np.array([pairs[pair] for pair in both], dtype=float)
    for span, number in runs(np.where(known, which, np.nan), target, resolution):
        imported, exported = list(pairs)[int(number)]
        message = problem_pb2.DemandResponseEvent(range=time_range_to_proto(span))
        message.price.import_adder_per_kwh = imported
        message.price.export_adder_per_kwh = exported
        yield message


def _usual_prices(site: SiteInputs, inputs: PlanInputs) -> tuple[Values, Values]:
    """Return what energy costs and earns by the tariff; tiers apart."""
    nothing = np.zeros(inputs.target.count(inputs.resolution))
    if site.price is None:
        return nothing, nothing
    lowered = lower_tariff(
        *(site.price.tariff, inputs.target, inputs.resolution, site.site.site.zone),
        state=site.billing_state,
    )
    return np.nan_to_num(lowered.import_price_per_kwh), np.nan_to_num(lowered.export_price_per_kwh)


def _free(
    taken: dict[tuple[type, str], Flags],
    kind: type,
    site: SiteInputs,
    event: GridEvent,
    inputs: PlanInputs,
) -> Flags:
    """Return the intervals of an event that no other of its kind has; it has them from now on."""
    target, resolution = inputs.target, inputs.resolution
    key = (kind, site.site.site.name)
    before: Flags = taken.get(key, np.zeros(target.count(resolution), dtype=np.bool_))
    within: Flags = np.isfinite(event.mean_of((0.0,) * len(event.starts), target, resolution))
    taken[key] = before | within
    return within & ~before


def _bounds(event: GridEvent, values: tuple[float, ...], inputs: PlanInputs) -> list[float]:
    """Return a limit per interval; what lies outside of the event is not looked at."""
    if not values:
        return []
    bounds = event.at_most(values, inputs.target, inputs.resolution)
    return [float(each) for each in np.where(np.isfinite(bounds), bounds, max(values))]


def _within(event: GridEvent, target: TimeRange) -> time_range_pb2.TimeRange:
    common = event.span.intersect(target)
    assert common is not None, "events outside of the horizon are not planned"
    return time_range_to_proto(common)


def _sites_of(event: GridEvent, inputs: PlanInputs) -> list[SiteInputs]:
    return [
        site for site in inputs.sites if event.subject in (inputs.scope.name, site.site.site.name)
    ]


def _deviation_w(sites: Sequence[SiteInputs], span: TimeRange) -> float:
    """Return how far the summed power is off from its forecast, as if errors were independent."""
    variances = [
        float(np.nanmean(each.forecast.deviation_w.values) ** 2)
        for site in sites
        for each in site.assets
        if each.forecast is not None
        and each.forecast.deviation_w is not None
        and np.isfinite(each.forecast.deviation_w.values).any()
    ]
    return float(np.sqrt(sum(variances)))


def _net_w(plan: plan_pb2.Plan, event: GridEvent, inputs: PlanInputs) -> Series:
    names = {site.site.site.name for site in _sites_of(event, inputs)}
    net_w = np.zeros(inputs.target.count(inputs.resolution))
    for each in plan.sites:
        if each.site_name in names:
            net_w = net_w + np.array(each.import_powers_w) - np.array(each.export_powers_w)
    return Series(inputs.target.start, inputs.resolution, net_w)


def _promised_w(plan: plan_pb2.Plan, event: GridEvent, inputs: PlanInputs) -> Series:
    """Return what can be promised in each interval: planned, less what forecasts are off by."""
    safe = np.zeros(inputs.target.count(inputs.resolution))
    for each in plan.commitments:
        if _is_of(each.event_id, event):
            reduced = np.array(each.reduction_powers_w)
            within = reduced > 0
            if within.any():
                margin = max(0.0, float(reduced[within].min()) - each.committed_power_w)
                safe = np.maximum(safe, np.maximum(reduced - margin, 0.0))
    return Series(inputs.target.start, inputs.resolution, safe)


def _cost_beside(plan: plan_pb2.Plan, without: plan_pb2.Plan, events: int) -> Money | None:
    """Return what keeping an event costs beyond a plan without it; several share it alike."""
    if not events or not plan.HasField("total_cost") or not without.HasField("total_cost"):
        return None
    more = (_own_cost(plan) - _own_cost(without)) / events
    return Money(more, plan.total_cost.currency_code).rounded(4)


def _own_cost(plan: plan_pb2.Plan) -> Decimal:
    """Return what a plan costs but for what events pay, and prices of what it cannot meet."""
    costs = (money_from_proto(each.amount).amount for each in plan.costs if each.cause in _NOT_OWN)
    return money_from_proto(plan.total_cost).amount - sum(costs, Decimal(0))


def _paid(plan: plan_pb2.Plan, event: GridEvent, inputs: PlanInputs) -> Money | None:
    if not isinstance(event.terms, ReductionTerms) or not plan.HasField("total_cost"):
        return None
    hours = inputs.resolution.total_seconds() / 3600.0
    reduced_w = sum(
        sum(each.reduction_powers_w) for each in plan.commitments if _is_of(each.event_id, event)
    )
    paid = Decimal(repr(event.terms.price_per_kwh * reduced_w / 1000.0 * hours))
    return Money(paid, plan.total_cost.currency_code).rounded(4)


def _is_of(subject: str, event: GridEvent) -> bool:
    return subject.partition(_PART)[0] == event.id.name
