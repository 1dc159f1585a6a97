"""Events of demand response as a part of the optimizer's problem."""

from collections.abc import Iterator, Sequence

import numpy as np

from wattmesh.optimizer.v1 import problem_pb2
from wattmesh.type.v1 import time_range_pb2
from wattmesh_contracts.values import time_range_to_proto
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.domain.event_prices import Flags, Taken, price_adders
from wattmesh_planner.domain.events import (
    CONFIDENCE_RATIO,
    GridEvent,
    LimitTerms,
    PriceTerms,
    ReductionTerms,
    ReserveTerms,
    Values,
    runs,
)
from wattmesh_planner.domain.inputs import PlanInputs, SiteInputs

_ANY_W = 1e9
"""More than any site has [W]."""
PART = "#"
"""Between an event's name and the number of one of its parts in the problem."""


def events_to_proto(inputs: PlanInputs) -> Iterator[problem_pb2.DemandResponseEvent]:
    """Yield what is asked, one message for each run of intervals in which it is the same.

    Where two of a kind pay or charge the same sites at a time, the one of the higher priority does.
    """
    taken = Taken()
    for event in inputs.events:
        for number, (sites, message) in enumerate(_messages(event, inputs, taken)):
            message.id = f"{event.id.name}{PART}{number}"
            message.site_names.extend(sites)
            yield message


def limits_to_proto(inputs: PlanInputs) -> Iterator[problem_pb2.DemandResponseEvent]:
    """Yield what owners allow in sum, each for as long as it holds within the plan.

    What they allow a node, or a single conductor, is a limit of the node or the connection.
    """
    for limit in inputs.limits:
        if limit.node or (limit.max_import_w is None and limit.max_export_w is None):
            continue
        span = limit.within(inputs.target)
        sites = [
            each.site.site.name
            for each in inputs.sites
            if limit.subject in (inputs.scope.name, each.site.site.name)
        ]
        if span is None or not sites:
            continue
        yield problem_pb2.DemandResponseEvent(
            id=limit.name,
            range=time_range_to_proto(span),
            site_names=sites,
            limit=problem_pb2.PowerLimits(
                max_import_power_w=limit.max_import_w, max_export_power_w=limit.max_export_w
            ),
        )


def _messages(
    event: GridEvent, inputs: PlanInputs, taken: Taken
) -> Iterator[tuple[Sequence[str], problem_pb2.DemandResponseEvent]]:
    target, resolution = inputs.target, inputs.resolution
    sites = sites_of(event, inputs)
    names = [site.site.site.name for site in sites]
    match event.terms:
        case LimitTerms(node=node) if node:
            return  # it is a limit of that node
        case LimitTerms(max_import_w=imports, max_export_w=exports):
            if not (imports or exports):
                return
            message = problem_pb2.DemandResponseEvent(range=_within(event, target))
            message.limit.max_import_powers_w.extend(_bounds(event, imports, inputs))
            message.limit.max_export_powers_w.extend(_bounds(event, exports, inputs))
            yield names, message
        case PriceTerms() as terms:
            for site in sites:
                free = taken.by(event, site, inputs)
                yield from (
                    ([site.site.site.name], each)
                    for each in _prices(event, terms, site, inputs, free)
                )
        case ReserveTerms():
            return
        case ReductionTerms() as terms:
            free = np.logical_and.reduce([taken.by(event, site, inputs) for site in sites])
            asked = np.nan_to_num(event.asked_w(terms, target, resolution), posinf=_ANY_W)
            for span, _ in runs(np.where(free, 0.0, np.nan), target, resolution):
                yield names, _reduction(event, terms, span, asked, inputs)


def _reduction(
    event: GridEvent,
    terms: ReductionTerms,
    span: TimeRange,
    asked_w: Values,
    inputs: PlanInputs,
) -> problem_pb2.DemandResponseEvent:
    assert event.baseline_w is not None, "events without a baseline are not planned"
    target, resolution = inputs.target, inputs.resolution
    baseline = event.mean_of(tuple(event.baseline_w.values.tolist()), target, resolution)
    message = problem_pb2.DemandResponseEvent(range=time_range_to_proto(span))
    message.paid_reduction.baseline_powers_w.extend(np.nan_to_num(baseline).tolist())
    message.paid_reduction.price_per_kwh = terms.price_per_kwh
    message.paid_reduction.max_powers_w.extend(asked_w.tolist())
    message.paid_reduction.confidence_ratio = CONFIDENCE_RATIO
    deviations = deviations_w(sites_of(event, inputs), inputs)[np.isfinite(baseline)]
    message.paid_reduction.power_deviation_w = float(deviations.max(initial=0.0))
    if span.start <= target.start:
        message.paid_reduction.delivered_energy_wh = event.delivered_wh
    return message


def _prices(
    event: GridEvent, terms: PriceTerms, site: SiteInputs, inputs: PlanInputs, free: Flags
) -> Iterator[problem_pb2.DemandResponseEvent]:
    target, resolution = inputs.target, inputs.resolution
    adders = price_adders(event, terms, site, inputs)
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


def sites_of(event: GridEvent, inputs: PlanInputs) -> list[SiteInputs]:
    """Return the sites of a plan that an event is for."""
    return [
        site for site in inputs.sites if event.subject in (inputs.scope.name, site.site.site.name)
    ]


def above_w(sites: Sequence[SiteInputs], inputs: PlanInputs) -> Values:
    """Return how far the summed power may be above its forecast in each interval [W].

    One standard deviation, as if the errors of different assets were independent.
    """
    variances = np.zeros(inputs.target.count(inputs.resolution))
    for site in sites:
        for each in site.assets:
            said = None if each.forecast is None else each.forecast.above_w
            if said is not None:
                variances += np.nan_to_num(said.values) ** 2
    return np.asarray(np.sqrt(variances))


def deviations_w(sites: Sequence[SiteInputs], inputs: PlanInputs) -> Values:
    """Return how far the summed power may be off its forecast in each interval [W].

    One standard deviation, as if the errors of different assets were independent.
    """
    variances = np.zeros(inputs.target.count(inputs.resolution))
    for site in sites:
        for each in site.assets:
            if each.forecast is not None and each.forecast.deviation_w is not None:
                variances += np.nan_to_num(each.forecast.deviation_w.values) ** 2
    return np.asarray(np.sqrt(variances))
