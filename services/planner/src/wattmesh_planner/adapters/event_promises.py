"""What a plan promises of events, read off it and off the plan that there would be without them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from statistics import NormalDist

import numpy as np

from wattmesh.optimizer.v1 import plan_pb2
from wattmesh_contracts.values import money_from_proto
from wattmesh_kernel.money import Money
from wattmesh_kernel.series import Series
from wattmesh_kernel.sites import BatteryRating
from wattmesh_planner.adapters.event_problem import PART, above_w, sites_of
from wattmesh_planner.adapters.group_reserves import divided_anew, holdings, is_groups
from wattmesh_planner.adapters.reserve_problem import availability_pay, held_w
from wattmesh_planner.domain.deliverable import Event, Store, deliverable_w
from wattmesh_planner.domain.event_prices import Flags, is_priced
from wattmesh_planner.domain.events import (
    CONFIDENCE_RATIO,
    MEDIAN_RATIO,
    GridEvent,
    Promise,
    ReductionTerms,
    ReserveTerms,
    Values,
)
from wattmesh_planner.domain.inputs import AssetForecast, PlanInputs
from wattmesh_planner.domain.planned_worth import follows_freely

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
    """Return what can be promised in each interval: what is delivered though more is used."""
    assert event.baseline_w is not None, "events without a baseline are not planned"
    target, resolution = inputs.target, inputs.resolution
    below_w = event.mean_of(tuple(event.baseline_w.values.tolist()), target, resolution)
    asked_w = event.asked_w(terms, target, resolution)
    during = np.isfinite(below_w)
    counted = Event(
        below_w=below_w[during], asked_w=asked_w[during], hours=resolution / timedelta(hours=1)
    )
    store = _store(plan, event, inputs, during)
    expected_w = _net_w(plan, event, inputs).values[during] + store.given_w
    found = np.zeros(len(below_w))
    more_w = _more_w(event, inputs, during)
    if more_w is not None:
        found[during] = deliverable_w(counted, expected_w, more_w, store)
    paid = np.any(
        [np.array(each.reduction_powers_w) > 0 for each in _commitments(plan, event)], axis=0
    )
    return Series(target.start, resolution, np.where(paid, found, 0.0))


def _more_w(event: GridEvent, inputs: PlanInputs, during: Flags) -> Values | None:
    """Return by how much more than planned its sites may take in an event's intervals [W], (n,).

    It is what forecasts say of themselves, and no less than what days before were like. None: one
    of them does not say it, and nobody knows what days before were like.
    """
    sites = sites_of(event, inputs)
    by_forecasts_w = NormalDist().inv_cdf(CONFIDENCE_RATIO) * above_w(sites, inputs)[during]
    if event.usual_most_w is None:
        forecasts = (a.forecast for site in sites for a in site.assets if a.forecast is not None)
        sure = all(_says_how_sure(each, during) for each in forecasts)
        return by_forecasts_w if sure else None
    known = tuple(event.usual_most_w.values.tolist())
    most_w = replace(event, span=event.usual_most_w.range).mean_of(
        known, inputs.target, inputs.resolution
    )
    expected_w = np.zeros(len(during))
    for asset in (each for site in sites for each in site.assets):
        if asset.forecast is not None:
            expected_w += asset.forecast.power_w.values
    return np.asarray(np.fmax(by_forecasts_w, (most_w - expected_w)[during]))


def _says_how_sure(forecast: AssetForecast, during: Flags) -> bool:
    said = forecast.above_w
    return said is not None and bool(np.isfinite(said.values[during]).all())


def _store(plan: plan_pb2.Plan, event: GridEvent, inputs: PlanInputs, during: Flags) -> Store:
    """Return the batteries that follow the meter in an event, as they are planned, as one."""
    store = Store.none(int(during.sum()))
    for site in sites_of(event, inputs):
        if is_priced(event, site) and follows_freely(inputs, site):
            plans = {a.asset_name: a for each in plan.sites for a in each.assets}
            for asset in site.assets:
                rating, found = asset.asset.rating, plans.get(asset.asset.name)
                if isinstance(rating, BatteryRating) and found is not None:
                    store = store.beside(_battery(rating, found, during, inputs))
    return store


def _battery(
    rating: BatteryRating, plan: plan_pb2.AssetPlan, during: Flags, inputs: PlanInputs
) -> Store:
    soc_ratio = plan.soc_ratios[int(np.argmax(during))]
    stored_wh = max(soc_ratio - rating.min_soc_ratio, 0.0) * rating.capacity_wh
    return Store(
        given_w=-np.array(plan.powers_w)[during],
        most_w=rating.max_discharge_power_w,
        energy_wh=stored_wh * rating.discharge_efficiency_ratio,
    )


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
