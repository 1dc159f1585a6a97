from datetime import timedelta

import pytest

from tests.fakes.manual_clock import ManualClock
from tests.fakes.planner_home import HOUR, START, asset_id, device_id, home
from tests.fakes.planner_world import LEAD, PlannerWorld, world_of_a_home
from wattmesh_kernel.errors import Unavailable
from wattmesh_planner.app.ports import Limited
from wattmesh_planner.domain.degradations import Degradation, Remedy
from wattmesh_planner.domain.facts import Reason, Topic
from wattmesh_planner.domain.plan import PlanState


async def test_a_plan_accepted_before_its_interval_is_made() -> None:
    world = await world_of_a_home()

    plan = await world.plan()

    assert plan.state is PlanState.MADE
    assert plan.target.duration == 24 * HOUR
    assert list(world.controller.submitted) == [plan.id]
    assert world.plans.plans[plan.id] == plan
    assert plan.degradations == ()


async def test_a_plan_accepted_after_its_interval_began_is_late() -> None:
    world = PlannerWorld(clock=ManualClock(START + timedelta(minutes=1)))
    await world.knows(*home())

    assert (await world.plan()).state is PlanState.LATE


async def test_the_plan_starts_from_where_the_running_plan_will_leave_the_battery() -> None:
    world = PlannerWorld(clock=ManualClock(START - HOUR - LEAD))
    await world.knows(*home())
    await world.make_plan(world.scope(), START - HOUR)
    world.clock.advance(HOUR)

    await world.plan()

    (battery,) = [each for each in world.asked.sites[0].assets if each.state is not None]
    assert battery.state == pytest.approx(0.5 + 0.5 * 1_000 * 0.9 / 10_000)


async def test_a_planner_that_takes_a_scope_over_knows_what_its_battery_was_told() -> None:
    before = PlannerWorld(clock=ManualClock(START - HOUR - LEAD))
    await before.knows(*home())
    await before.make_plan(before.scope(), START - HOUR)
    after = PlannerWorld(plans=before.plans)
    await after.knows(*home())

    await after.plan()

    (battery,) = [each for each in after.asked.sites[0].assets if each.state is not None]
    assert battery.state == pytest.approx(0.5 + 0.5 * 1_000 * 0.9 / 10_000)


async def test_a_plan_that_control_did_not_take_is_kept_as_failed() -> None:
    world = await world_of_a_home()
    world.controller.away = True

    with pytest.raises(Unavailable):
        await world.plan()

    (plan,) = world.plans.plans.values()
    assert plan.state is PlanState.FAILED
    assert plan.accept_time is None


async def test_an_interval_that_is_planned_again_keeps_both_plans() -> None:
    world = await world_of_a_home()

    first, second = await world.plan(), await world.plan()

    assert second.id.segment == f"{first.id.segment}-2"
    assert set(world.plans.plans) == {first.id, second.id}


async def test_what_control_clamps_is_said_of_the_asset_as_data() -> None:
    world = await world_of_a_home()
    world.controller.limited = [
        Limited(device=device_id("battery"), refused=False, count=3, detail="limit of 800 W")
    ]

    plan = await world.plan()

    assert plan.degradations == (
        Degradation(
            subject=asset_id("battery").name,
            topic=Topic.EXECUTION,
            remedy=Remedy.ASSUMED,
            reason=Reason.SETPOINT_LIMITED,
            detail="3 clamped: limit of 800 W",
        ),
    )


async def test_what_another_planner_told_a_battery_meanwhile_is_not_overlooked() -> None:
    holder = PlannerWorld(clock=ManualClock(START - HOUR - LEAD))
    await holder.knows(*home())
    asked = PlannerWorld(clock=holder.clock, plans=holder.plans)
    await asked.knows(*home())
    holder.told.hold("sites/home-1")

    asked.optimizer.power_w = -2_000.0
    await asked.make_plan(asked.scope(), START - HOUR)
    holder.clock.advance(timedelta(seconds=1))
    await holder.make_plan(holder.scope(), START - HOUR)
    holder.clock.advance(HOUR)
    await asked.plan()

    (battery,) = [each for each in asked.asked.sites[0].assets if each.state is not None]
    assert battery.state == pytest.approx(0.5 + 0.5 * 1_000 * 0.9 / 10_000)
    assert len(holder.plans.plans) == 3
