import asyncio
import logging
from datetime import timedelta

import pytest

from tests.fakes.eventually import eventually
from tests.fakes.leases import LeaseTable
from tests.fakes.manual_clock import ManualClock
from tests.fakes.planner_home import HOME, HOUR, START, device_id, home, without
from tests.fakes.planner_optimizer import FakeOptimizer
from tests.fakes.planner_plans import MemoryPlans
from tests.fakes.planner_world import PlannerWorld, world_of_a_home
from wattmesh_kernel.ids import SiteId
from wattmesh_planner.domain.facts import Reason
from wattmesh_planner.domain.plan import PlanState

HOMES = [SiteId(f"home-{number}") for number in range(1, 41)]


async def world_before(**parts: object) -> PlannerWorld:
    """A planner of a home, an hour before START."""
    world = PlannerWorld(clock=ManualClock(START - HOUR), **parts)  # type: ignore[arg-type]
    await world.knows(*home())
    return world


async def test_every_interval_is_planned_in_time() -> None:
    world = await world_before()

    async with world.planning():
        await eventually(lambda: bool(world.loop.scopes))
        await world.pass_time(2 * HOUR + timedelta(minutes=58))

    starts = sorted(plan.target.start for plan in world.plans.plans.values())
    assert starts == [START, START + HOUR, START + 2 * HOUR]
    assert {plan.state for plan in world.plans.plans.values()} == {PlanState.MADE}


async def test_a_plan_is_tried_again_until_the_optimizer_is_back_with_the_forecasts_it_has() -> (
    None
):
    world = await world_before(optimizer=FakeOptimizer(failures=2))

    async with world.planning():
        await eventually(lambda: bool(world.loop.scopes))
        await world.pass_time(timedelta(minutes=55))
        await world.pass_time(timedelta(minutes=5), step=timedelta(seconds=5))

    assert len(world.optimizer.asked) == 3
    assert [plan.state for plan in world.plans.plans.values()] == [PlanState.MADE]
    assert len(world.forecaster.asked) == 1


async def test_a_battery_that_never_reports_is_asked_ever_less_often_and_costs_no_forecast() -> (
    None
):
    world = await world_before()
    world.meter.default = None

    async with world.planning():
        await eventually(lambda: bool(world.loop.scopes))
        await world.pass_time(2 * HOUR, step=timedelta(seconds=5))

    (plan,) = world.plans.plans.values()
    assert plan.state is PlanState.FAILED
    assert [each.reason for each in plan.degradations] == [Reason.NEVER_REPORTED]
    assert len(world.meter.asked) < 200  # two an interval's minute: 65 min, at most 30 s apart
    assert world.forecaster.asked == []


async def test_an_interval_that_could_not_be_planned_is_given_up_with_its_reason() -> None:
    world = await world_before(optimizer=FakeOptimizer(failures=10**6))

    async with world.planning():
        await eventually(lambda: bool(world.loop.scopes))
        await world.pass_time(2 * HOUR + timedelta(minutes=1))

    (plan,) = world.plans.plans.values()
    assert plan.state is PlanState.FAILED
    assert "no optimizer" in plan.failure


async def test_intervals_in_which_nobody_planned_are_recorded() -> None:
    world = await world_of_a_home()
    await world.plan()
    later = PlannerWorld(clock=ManualClock(START + 4.5 * HOUR), plans=world.plans)
    await later.knows(*home())

    async with later.planning():
        await eventually(lambda: len(later.plans.plans) >= 4)

    failed = [plan for plan in later.plans.plans.values() if plan.state is PlanState.FAILED]
    assert sorted(plan.target.start for plan in failed) == [
        START + hours * HOUR for hours in (1, 2, 3)
    ]


async def test_a_site_that_gets_a_battery_is_planned_and_one_that_loses_it_is_not_any_more() -> (
    None
):
    world = await world_before()
    await world.knows(*without(home(), "battery"))

    async with world.planning():
        await asyncio.sleep(0.1)
        assert world.loop.scopes == frozenset()
        await world.knows(*home())
        await eventually(lambda: world.loop.scopes == {HOME.name})
        await world.knows(*without(home(), "battery"))
        await eventually(lambda: world.loop.scopes == frozenset())


async def test_two_planners_share_forty_scopes_and_one_takes_over_what_the_other_had() -> None:
    plans, table = MemoryPlans(), LeaseTable()
    clock = ManualClock(START - HOUR)
    worlds = [PlannerWorld(clock=clock, plans=plans, table=table) for _ in range(2)]
    for world in worlds:
        await world.knows(*(part for site in HOMES for part in home(site)))
    first, second = worlds

    async with first.planning():
        async with second.planning():
            await eventually(lambda: len(first.loop.scopes) == len(second.loop.scopes) == 20)
            await first.pass_time(HOUR)
        await eventually(lambda: len(first.loop.scopes) == 40)
        await first.pass_time(HOUR)

    planned = sorted((plan.scope, plan.target.start) for plan in plans.plans.values())
    assert planned == sorted((site.name, START + hour * HOUR) for site in HOMES for hour in (0, 1))
    assert {plan.state for plan in plans.plans.values()} == {PlanState.MADE}


async def test_scopes_that_are_due_together_share_their_calls() -> None:
    world = PlannerWorld(clock=ManualClock(START - HOUR))
    await world.knows(*(part for site in HOMES[:20] for part in home(site)))

    async with world.planning():
        await eventually(lambda: len(world.loop.scopes) == 20)
        await world.pass_time(HOUR)

    assert len(world.plans.plans) == 20
    assert len(world.forecaster.asked) == 1
    assert len(world.meter.asked) == 1
    assert world.intensities.asked == 1


async def test_a_database_that_is_away_is_complained_about_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = PlannerWorld(clock=ManualClock(START - HOUR))
    await world.knows(*(part for site in HOMES for part in home(site)))
    world.plans.away = True

    with caplog.at_level(logging.WARNING):
        async with world.planning():
            await eventually(lambda: len(world.loop.scopes) == 40)
            await asyncio.sleep(0.5)

    assert len(caplog.records) == 1
    assert not any(record.exc_info for record in caplog.records)


async def test_a_home_whose_meter_is_named_like_another_s_is_not_mixed_up() -> None:
    world = PlannerWorld()
    await world.knows(*home(HOMES[0]), *home(HOMES[1]))

    plan = await world.plan(HOMES[1])

    assert [schedule.device for schedule in plan.schedules] == [device_id("battery", HOMES[1])]
