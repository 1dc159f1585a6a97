"""A paid reduction is delivered though the load is not as expected: plan and loop together."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from tests.fakes.loop_site import SITE, Load, battery, plant, policy, slots
from tests.fakes.loop_site import START as LOOP_START
from tests.fakes.planner_home import HOME, HOUR, RATING, START
from tests.fakes.planner_solving import solved
from tests.fakes.planner_world import world_of_a_home
from wattmesh.optimizer.v1 import plan_pb2
from wattmesh_gateway.domain.reading import Reading
from wattmesh_kernel.ids import PointId
from wattmesh_kernel.loop_policy import LoopWorth
from wattmesh_kernel.programme_ids import EventId, ParticipationId, ProgrammeId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.adapters.event_promises import promises_from_plans
from wattmesh_planner.adapters.optimizer import exchanges_from_plan
from wattmesh_planner.domain.events import GridEvent, Promise, ReductionTerms
from wattmesh_planner.domain.inputs import PlanInputs
from wattmesh_planner.domain.kinds.kind import Reading as Known

SPAN = TimeRange.of(START, 2 * HOUR)
BASELINE_W, ASKED_W = 3_000.0, 2_500.0
"""The home is expected to take 1 kW and asked to take no more than 0.5 kW."""
STEP = timedelta(seconds=20)


async def planned(soc_ratio: float, *asked_w: float) -> tuple[PlanInputs, plan_pb2.Plan, Promise]:
    """Return a plan of a home that is paid for two hours from now, and what it promises."""
    world = await world_of_a_home()
    world.meter.default = Known(measure_time=START - timedelta(minutes=5), value=soc_ratio)
    await world.plan()
    event = GridEvent(
        id=ParticipationId(EventId(ProgrammeId("street"), "now"), "home-1"),
        subject=HOME.name,
        span=SPAN,
        step=HOUR,
        priority=0,
        terms=ReductionTerms(price_per_kwh=0.5, powers_w=asked_w),
        baseline_w=Series.filled(SPAN, HOUR, BASELINE_W),
    )
    inputs = replace(world.asked, events=(event,))
    plan = solved(inputs)
    (promise,) = promises_from_plans(plan, solved(replace(inputs, events=())), inputs)
    return inputs, plan, promise


def metered_w(
    inputs: PlanInputs, plan: plan_pb2.Plan, soc_ratio: float, load: Load
) -> tuple[float, float]:
    """Return what the meter shows in each hour of the event [W] when a gateway follows the plan."""
    assert SITE == HOME
    (exchange,) = exchanges_from_plan(plan, inputs)
    power_w = RATING.max_discharge_power_w
    made = policy(battery(power_w=power_w, min_soc_ratio=0.0, max_soc_ratio=1.0))
    hours = [TimeRange.of(LOOP_START + number * HOUR, HOUR) for number in range(2)]
    told = zip(hours, exchange.worths, strict=False)
    worths = tuple(LoopWorth(span=span, worth=worth, owner="planner") for span, worth in told)
    (slot,) = slots(made)
    site = plant(replace(made, worths=worths), load)
    site.moved.add(slot)
    level = Reading(point=PointId(slot[0], "soc_ratio"), measure_time=LOOP_START, value=soc_ratio)
    site.state.hear(level, site.now)
    (found,) = (each for each in plan.sites[0].assets if each.soc_ratios)
    means = list[float]()
    for asked_w in found.powers_w[:2]:
        before, site.asked[slot] = len(site.meter_w), asked_w
        site.run(3600, step=STEP)
        means.append(float(np.mean([shown_w for _, shown_w in site.meter_w[before:]])))
    return means[0], means[1]


async def test_a_promised_reduction_is_kept_though_the_load_is_twice_what_was_expected() -> None:
    inputs, plan, promise = await planned(0.5, ASKED_W, ASKED_W)
    assert promise.committed_w == pytest.approx((ASKED_W, ASKED_W))

    for shown_w in metered_w(inputs, plan, 0.5, lambda seconds: 2_000.0):
        assert BASELINE_W - shown_w >= 0.99 * ASKED_W


async def test_no_more_is_given_than_is_paid_while_energy_is_worth_as_much_later() -> None:
    """A kWh of reduction that nobody asked for would be 1.25 kWh that the night lacks."""
    inputs, plan, _ = await planned(0.9, ASKED_W, ASKED_W)
    for shown_w in metered_w(inputs, plan, 0.9, lambda seconds: 2_000.0):
        assert BASELINE_W - shown_w <= ASKED_W + 100.0


async def test_energy_that_does_not_do_for_both_hours_leaves_the_second_what_was_planned() -> None:
    """2 kWh are to be had, 1 is planned, 3 would be needed."""
    inputs, plan, _ = await planned(0.25, ASKED_W, ASKED_W)
    first_w, second_w = metered_w(inputs, plan, 0.25, lambda seconds: 2_000.0)
    given_w = (2_000.0 - first_w, 2_000.0 - second_w)
    assert min(given_w) >= 500.0 - 50.0
    assert sum(given_w) >= 2_000.0 - 100.0, "and nothing that is paid stays in the store"


async def test_a_reduction_that_is_paid_however_deep_is_given_into_the_grid() -> None:
    inputs, plan, promise = await planned(0.9)
    assert min(promise.committed_w) > BASELINE_W, "it exports"
    shown_w = metered_w(inputs, plan, 0.9, lambda seconds: 1_500.0)
    assert 2 * BASELINE_W - sum(shown_w) >= 0.98 * sum(promise.committed_w)
