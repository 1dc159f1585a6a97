"""What a plan promises of events, read off it and off the plan that there would be without them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from statistics import NormalDist

import numpy as np

from wattmesh.optimizer.v1 import plan_pb2
from wattmesh_contracts.values import money_from_proto
from wattmesh_kernel.money import Money
from wattmesh_kernel.series import Series
from wattmesh_kernel.sites import BatteryRating
from wattmesh_planner.adapters.event_problem import PART, deviations_w, sites_of
from wattmesh_planner.adapters.group_reserves import divided_anew, holdings, is_groups
from wattmesh_planner.adapters.reserve_problem import availability_pay, held_w
from wattmesh_planner.domain.events import (
    CONFIDENCE_RATIO,
    MEDIAN_RATIO,
    GridEvent,
    Promise,
    ReductionTerms,
    ReserveTerms,
    Values,
)
from wattmesh_planner.domain.inputs import PlanInputs

_NOT_OWN = (
    plan_pb2.COST_CAUSE_DEMAND_RESPONSE,
    plan_pb2.COST_CAUSE_RESERVE,
    plan_pb2.COST_CAUSE_PENALTY,
)
_W_PER_KW = 1000.0


def promises_from_plans(
    plan: plan_pb2.Plan, without: plan_pb2.Plan, inputs: PlanInputs
) -> Iterator[Promise]:
    """Yield what a plan promises of events that have not begun, beside one `without` them all."""
    told = [each for each in inputs.events if each.span.start > inputs.issue_time]
    cost = _cost_beside(plan, without, len(told))
    for event in told:
        promise = _promise(event, plan, without, inputs)
        if promise is not None:
            yield replace(promise, expected_cost=cost)
    for event in inputs.events:
        if event not in told and is_groups(event) and isinstance(event.terms, ReserveTerms):
            yield divided_anew(event, plan, inputs)


def _promise(
    event: GridEvent, plan: plan_pb2.Plan, without: plan_pb2.Plan, inputs: PlanInputs
) -> Promise | None:
    """Return what is promised of one event, but for its cost; None: it goes on after the plan."""
    net = event.on_steps(_net_w(plan, event, inputs))
    usual = event.on_steps(_net_w(without, event, inputs))
    if net is None or usual is None or not np.isfinite([*net, *usual]).all():
        return None
    match event.terms:
        case ReductionTerms() as terms:
            return _reduction_promise(event, terms, plan, inputs)
        case ReserveTerms() as terms:
            return _reserve_promise(event, terms, net, plan, inputs)
        case _:
            return Promise(
                event=event.id, baseline_w=usual, committed_w=net, confidence_ratio=MEDIAN_RATIO
            )


def _reduction_promise(
    event: GridEvent, terms: ReductionTerms, plan: plan_pb2.Plan, inputs: PlanInputs
) -> Promise | None:
    committed = event.on_steps(_promised_w(plan, event, terms, inputs))
    usual = None if event.baseline_w is None else event.on_steps(event.baseline_w)
    if committed is None or usual is None or not np.isfinite([*committed, *usual]).all():
        return None
    return Promise(
        event=event.id,
        baseline_w=usual,
        committed_w=committed,
        confidence_ratio=CONFIDENCE_RATIO,
        expected_payment=_paid(plan, event, terms, committed, inputs),
    )


def _reserve_promise(
    event: GridEvent,
    terms: ReserveTerms,
    net_w: tuple[float, ...],
    plan: plan_pb2.Plan,
    inputs: PlanInputs,
) -> Promise | None:
    """Return what is held all through each interval, beside the power that is planned."""
    sites = holdings(event, plan, inputs) if is_groups(event) else ()
    up, down = (event.least_on_steps(held_w(plan, event, way, inputs)) for way in ("up", "down"))
    if up is None or down is None:
        return None
    if sites:  # what each holds all through an interval, not what they do between them
        up, down = _summed([each.up_w for each in sites]), _summed([each.down_w for each in sites])
    currency = plan.total_cost.currency_code
    return Promise(
        event=event.id,
        baseline_w=net_w,
        committed_w=net_w,
        confidence_ratio=MEDIAN_RATIO,
        expected_payment=availability_pay(event, terms, (up, down), currency) if currency else None,
        up_w=up,
        down_w=down,
        sites=sites,
    )


def _summed(columns: Sequence[tuple[float, ...]]) -> tuple[float, ...]:
    return tuple(map(sum, zip(*columns, strict=True)))


def _net_w(plan: plan_pb2.Plan, event: GridEvent, inputs: PlanInputs) -> Series:
    names = {site.site.site.name for site in sites_of(event, inputs)}
    net_w = np.zeros(inputs.target.count(inputs.resolution))
    for each in plan.sites:
        if each.site_name in names:
            net_w = net_w + np.array(each.import_powers_w) - np.array(each.export_powers_w)
    return Series(inputs.target.start, inputs.resolution, net_w)


def _promised_w(
    plan: plan_pb2.Plan, event: GridEvent, terms: ReductionTerms, inputs: PlanInputs
) -> Series:
    """Return what can be promised in each interval: planned, less what forecasts are off by."""
    assert event.baseline_w is not None, "events without a baseline are not planned"
    target, resolution = inputs.target, inputs.resolution
    baseline = event.mean_of(tuple(event.baseline_w.values.tolist()), target, resolution)
    margin_w = NormalDist().inv_cdf(CONFIDENCE_RATIO) * _off_by_w(event, inputs)
    safe_w = np.nan_to_num(baseline - _net_w(plan, event, inputs).values - margin_w)
    counted = np.minimum(event.asked_w(terms, target, resolution), np.maximum(safe_w, 0.0))
    paid = np.any(
        [np.array(each.reduction_powers_w) > 0 for each in _commitments(plan, event)], axis=0
    )
    return Series(target.start, resolution, np.where(paid, counted, 0.0))


def _off_by_w(event: GridEvent, inputs: PlanInputs) -> Values:
    """Return what a site may be off its plan in each interval of an event [W], one deviation.

    What a battery gives for a load that nobody expected in the first hour of an event it has not in
    the second: there the errors of the hours before count as well, as if they were independent.
    """
    sites = sites_of(event, inputs)
    variances = deviations_w(sites, inputs) ** 2
    if not any(isinstance(a.asset.rating, BatteryRating) for site in sites for a in site.assets):
        return np.asarray(np.sqrt(variances))
    starts = inputs.target.starts(inputs.resolution)
    steps = np.array([(each - event.span.start) // event.step for each in starts])
    before, found = 0.0, np.zeros(len(variances))
    for step in range(steps.max(initial=-1) + 1):
        during = steps == step
        found[during] = before + variances[during]
        before += float(variances[during].mean()) if during.any() else 0.0
    return np.asarray(np.sqrt(found))


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


def _paid(
    plan: plan_pb2.Plan,
    event: GridEvent,
    terms: ReductionTerms,
    committed_w: tuple[float, ...],
    inputs: PlanInputs,
) -> Money | None:
    """Return what is paid when all goes as planned: the event's net, and for what is promised."""
    if not plan.HasField("total_cost"):
        return None
    hours = inputs.resolution.total_seconds() / 3600.0
    counted_w = sum(sum(each.reduction_powers_w) for each in _commitments(plan, event))
    energy_paid = terms.price_per_kwh * max(0.0, counted_w / _W_PER_KW * hours)
    power_paid = terms.price_per_kw * min(committed_w) / _W_PER_KW
    paid = Decimal(0) if terms.test else Decimal(repr(energy_paid + power_paid))
    return Money(paid, plan.total_cost.currency_code).rounded(4)


def _commitments(plan: plan_pb2.Plan, event: GridEvent) -> list[plan_pb2.Commitment]:
    return [each for each in plan.commitments if each.event_id.partition(PART)[0] == event.id.name]
