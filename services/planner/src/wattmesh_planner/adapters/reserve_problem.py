"""Reserves as a part of the optimizer's problem, and what of them is promised off its plan."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

import numpy as np

from wattmesh.optimizer.v1 import plan_pb2, problem_pb2
from wattmesh_contracts.values import duration_to_proto, time_range_to_proto
from wattmesh_kernel.money import Money
from wattmesh_kernel.series import Series
from wattmesh_planner.adapters.event_problem import sites_of
from wattmesh_planner.domain.events import GridEvent, ReserveTerms, Values, runs
from wattmesh_planner.domain.inputs import PlanInputs

_W_PER_KW = 1000.0
_DIRECTIONS = {
    "up": problem_pb2.RESERVE_DIRECTION_UP,
    "down": problem_pb2.RESERVE_DIRECTION_DOWN,
}


def reserves_to_proto(inputs: PlanInputs) -> Iterator[problem_pb2.Reserve]:
    """Yield what is to be held, one message for each run of intervals in which it is the same.

    What is not promised yet is an offer: only what pays is held. What is, is held as long as
    anything can hold it.
    """
    for event in inputs.events:
        sites = [each.site.site.name for each in sites_of(event, inputs)]
        if not isinstance(event.terms, ReserveTerms) or not sites:
            continue
        for way, column in (("up", event.terms.up_w), ("down", event.terms.down_w)):
            asked_w = event.at_most(column, inputs.target, inputs.resolution)
            for number, (span, power_w) in enumerate(
                runs(asked_w, inputs.target, inputs.resolution)
            ):
                if not power_w:
                    continue
                reserve = problem_pb2.Reserve(
                    id=_id(event, way, number),
                    range=time_range_to_proto(span),
                    site_names=sites,
                    direction=_DIRECTIONS[way],
                    power_w=power_w,
                    activation_duration=duration_to_proto(event.terms.activation),
                    price_per_kw_hour=event.terms.price_per_kw_hour,
                )
                if not event.terms.promised:
                    reserve.shortfall_price_per_kw_hour = 0.0
                yield reserve


def held_w(
    plan: plan_pb2.Plan, event: GridEvent, way: str, inputs: PlanInputs, site: str | None = None
) -> Series:
    """Return what a plan, or a site in it, holds of an event in one direction, per interval [W]."""
    held: Values = np.zeros(inputs.target.count(inputs.resolution))
    prefix = _id(event, way, "")
    for each in plan.reserves:
        if not each.reserve_id.startswith(prefix):
            continue
        parts = [part for part in each.sites if part.site_name == site]
        for part in [each] if site is None else parts:
            held = held + np.array(part.powers_w)
    return Series(inputs.target.start, inputs.resolution, held)


def availability_pay(
    event: GridEvent, terms: ReserveTerms, held: Sequence[tuple[float, ...]], currency_code: str
) -> Money:
    """Return what is paid for power held over an event, up and down."""
    hours = event.step.total_seconds() / 3600.0
    kw_hours = sum(map(sum, held)) / _W_PER_KW * hours
    paid = 0.0 if terms.test else terms.price_per_kw_hour * kw_hours
    return Money(Decimal(repr(paid)), currency_code).rounded(4)


def _id(event: GridEvent, way: str, number: int | str) -> str:
    return f"{event.id.name}#{way}{number}"
