"""A vehicle that comes does not wait for the next interval."""

from datetime import timedelta

from tests.fakes.eventually import eventually
from tests.fakes.manual_clock import ManualClock
from tests.fakes.planner_home import HOME, HOUR, START, home
from tests.fakes.planner_world import PlannerWorld
from wattmesh_kernel.ids import SiteId
from wattmesh_planner.domain.plan import PlanState

MINUTE = timedelta(minutes=1)


async def world_of_one_home() -> PlannerWorld:
    world = PlannerWorld(clock=ManualClock(START - HOUR))
    await world.knows(*home())
    return world


async def planned_until(world: PlannerWorld, minutes: int) -> None:
    await eventually(lambda: bool(world.loop.scopes))
    await world.pass_time(HOUR + minutes * MINUTE)
    await eventually(lambda: bool(world.plans.plans))


def starts_of(world: PlannerWorld) -> list[float]:
    """When the plans begin, in hours from START, in the order in which they were made."""
    plans = sorted(world.plans.plans.values(), key=lambda plan: plan.issue_time)
    return [(plan.target.start - START) / HOUR for plan in plans]


async def test_the_interval_that_runs_is_planned_anew_at_once_and_is_not_late() -> None:
    world = await world_of_one_home()
    async with world.planning():
        await planned_until(world, 10)
        world.changes.tell(HOME)
        await eventually(lambda: len(world.plans.plans) == 2)

    assert starts_of(world) == [0.0, 0.0]
    assert {plan.state for plan in world.plans.plans.values()} == {PlanState.MADE}
    assert len(world.controller.submitted) == 2


async def test_a_next_interval_that_was_planned_without_it_is_planned_anew_too() -> None:
    world = await world_of_one_home()
    async with world.planning():
        await planned_until(world, 57)
        await eventually(lambda: len(world.plans.plans) == 2)
        world.changes.tell(HOME)
        await eventually(lambda: len(world.plans.plans) == 4)

    assert sorted(starts_of(world)) == [0.0, 0.0, 1.0, 1.0]


async def test_a_vehicle_elsewhere_changes_nothing_here() -> None:
    world = await world_of_one_home()
    async with world.planning():
        await planned_until(world, 10)
        world.changes.tell(SiteId("elsewhere"))
        world.changes.tell(HOME)
        await eventually(lambda: len(world.plans.plans) == 2)

    assert starts_of(world) == [0.0, 0.0]


async def test_an_optimizer_that_is_away_then_costs_that_plan_alone() -> None:
    world = await world_of_one_home()
    async with world.planning():
        await planned_until(world, 10)
        world.optimizer.failures = 1
        world.changes.tell(HOME)
        await eventually(lambda: world.optimizer.failures == 0)
        world.changes.tell(HOME)
        await eventually(lambda: len(world.plans.plans) == 2)
        await world.pass_time(HOUR)

    assert starts_of(world) == [0.0, 0.0, 1.0]


async def test_a_plan_that_comes_when_its_interval_is_all_but_over_tells_nobody_anything() -> None:
    """Its commands could not be written and read back any more: they would fail."""
    world = await world_of_one_home()

    async def until_the_end() -> None:
        world.clock.set(START + HOUR - 0.01 * MINUTE)

    async with world.planning():
        await planned_until(world, 10)
        world.optimizer.solving = until_the_end
        world.changes.tell(HOME)
        await eventually(lambda: len(world.optimizer.asked) >= 2)
        world.optimizer.solving = None
        await eventually(lambda: starts_of(world) == [0.0, 1.0])

    assert len(world.controller.submitted) == 2


async def test_a_vehicle_that_comes_meanwhile_goes_before_the_next_interval() -> None:
    world = await world_of_one_home()

    async def another_comes() -> None:
        world.optimizer.solving = None
        world.changes.tell(HOME)
        await eventually(lambda: world.prompts.waits(HOME.name))

    async with world.planning():
        await planned_until(world, 57)
        await eventually(lambda: len(world.plans.plans) == 2)
        world.optimizer.solving = another_comes
        world.changes.tell(HOME)
        await eventually(lambda: len(world.optimizer.asked) >= 5)

    asked = [(each.target.start - START) / HOUR for each in world.optimizer.asked]
    assert asked == [0.0, 1.0, 0.0, 0.0, 1.0]
