import asyncio

import pytest

from tests.fakes.planner_home import HOME, home, without
from tests.fakes.planner_world import PlannerWorld, world_of_a_home
from wattmesh_kernel.errors import (
    FailedPrecondition,
    NotFound,
    ResourceExhausted,
    Unavailable,
)
from wattmesh_kernel.ids import SiteId
from wattmesh_planner.domain.plan import Plan


async def test_the_same_request_triggers_one_plan_only_even_at_the_same_time() -> None:
    world = await world_of_a_home()

    first, second = await asyncio.gather(
        world.trigger(HOME, "request-1"), world.trigger(HOME, "request-1")
    )
    third = await world.trigger(HOME, "request-1")

    assert first == second == third
    assert len(world.optimizer.asked) == 1


async def test_what_is_not_planned_is_not_triggered_either() -> None:
    world = PlannerWorld()
    with pytest.raises(Unavailable, match="not known yet"):
        await world.trigger(HOME, "")
    await world.knows(*without(home(), "battery"))

    with pytest.raises(FailedPrecondition, match="nothing to steer"):
        await world.trigger(HOME, "")
    with pytest.raises(NotFound):
        await world.trigger(SiteId("nowhere"), "")


async def test_a_watcher_sees_the_newest_plan_first_and_then_every_other() -> None:
    world = await world_of_a_home()
    first = await world.plan()
    watching = world.query_plans.watch(HOME.name)

    seen = [await anext(watching)]
    coming = asyncio.ensure_future(anext(watching))
    await asyncio.sleep(0.01)
    second = await world.plan()
    seen.append(await coming)

    assert seen == [first, second]


async def test_a_watcher_that_is_too_slow_is_told_so() -> None:
    world = await world_of_a_home()
    await world.plan()
    watching = world.query_plans.watch("")
    await anext(watching)
    coming = asyncio.ensure_future(anext(watching))
    await asyncio.sleep(0.01)
    world.made.publish(*[next(iter(world.plans.plans.values()))] * 2000)

    async def read_all() -> list[Plan]:
        return [await coming, *[plan async for plan in watching]]

    with pytest.raises(ResourceExhausted):
        await read_all()
