"""How a plan divides what a group holds for a reserve among its sites."""

from collections.abc import Callable, Sequence
from datetime import datetime
from statistics import fmean

import numpy as np

from wattmesh.optimizer.v1 import plan_pb2
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.adapters.event_problem import sites_of
from wattmesh_planner.adapters.reserve_problem import held_w
from wattmesh_planner.domain.events import MEDIAN_RATIO, GridEvent, Promise, SiteHolding
from wattmesh_planner.domain.inputs import PlanInputs


def is_groups(event: GridEvent) -> bool:
    """Whether a group holds it together."""
    return event.subject.startswith("groups/")


def holdings(event: GridEvent, plan: plan_pb2.Plan, inputs: PlanInputs) -> tuple[SiteHolding, ...]:
    """Return what each site holds all through each of the event's intervals.

    Intervals that the plan does not reach into have 0: of those that are over nothing is asked.
    """
    found = []
    for each in sites_of(event, inputs):
        name = each.site.site.name
        up, down = (held_w(plan, event, way, inputs, name) for way in ("up", "down"))
        found.append(
            SiteHolding(
                site=name,
                planned_w=_on_steps(event, _net_w(plan, name, inputs), fmean),
                up_w=_on_steps(event, up, min),
                down_w=_on_steps(event, down, min),
            )
        )
    return tuple(found)


def divided_anew(event: GridEvent, plan: plan_pb2.Plan, inputs: PlanInputs) -> Promise:
    """Return a promise of an event that has begun: how it is divided from now on, and no more."""
    none = (0.0,) * len(event.starts)
    return Promise(
        event=event.id,
        baseline_w=(),
        committed_w=none,
        confidence_ratio=MEDIAN_RATIO,
        sites=holdings(event, plan, inputs),
    )


def _net_w(plan: plan_pb2.Plan, site: str, inputs: PlanInputs) -> Series:
    net_w = np.zeros(inputs.target.count(inputs.resolution))
    for each in plan.sites:
        if each.site_name == site:
            net_w = np.array(each.import_powers_w) - np.array(each.export_powers_w)
    return Series(inputs.target.start, inputs.resolution, net_w)


def _on_steps(
    event: GridEvent, planned: Series, of: Callable[[Sequence[float]], float]
) -> tuple[float, ...]:
    spans = [TimeRange.of(each, planned.resolution) for each in planned.times()]

    def within(start: datetime) -> float:
        step = TimeRange.of(start, event.step)
        values = [
            value
            for span, value in zip(spans, planned.values.tolist(), strict=True)
            if span.intersect(step) is not None
        ]
        return float(of(values)) if values else 0.0

    return tuple(within(start) for start in event.starts)
