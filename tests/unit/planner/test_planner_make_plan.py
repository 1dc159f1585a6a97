import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from tests.fakes.manual_clock import ManualClock
from tests.fakes.planner_world import (
    BATTERY,
    HOUR,
    SCOPE,
    START,
    FakeController,
    FakeForecaster,
    FakeIntensities,
    FakeMeter,
    FakeOptimizer,
    FakeSites,
    FreeLeases,
    MemoryPlans,
)
from wattmesh_kernel.errors import FailedPrecondition, Unavailable
from wattmesh_planner.app.gather_inputs import GatherInputs
from wattmesh_planner.app.hub import PlanHub
from wattmesh_planner.app.make_plan import MakePlan
from wattmesh_planner.app.query_plans import TriggerPlan
from wattmesh_planner.app.run_loop import PlanningLoop
from wattmesh_planner.domain.plan import PlanState
from wattmesh_planner.domain.timing import Rhythm

LEAD = timedelta(minutes=30)
RHYTHM = Rhythm(resolution=HOUR, horizon=24 * HOUR, lead=LEAD)


@dataclass
class World:
    clock: ManualClock = field(default_factory=lambda: ManualClock(START - LEAD))
    meter: FakeMeter = field(default_factory=FakeMeter)
    forecaster: FakeForecaster = field(default_factory=FakeForecaster)
    intensities: FakeIntensities = field(default_factory=FakeIntensities)
    optimizer: FakeOptimizer = field(default_factory=FakeOptimizer)
    controller: FakeController = field(default_factory=FakeController)
    plans: MemoryPlans = field(default_factory=MemoryPlans)

    def make_plan(self) -> MakePlan:
        gather = GatherInputs(
            clock=self.clock,
            sites=FakeSites(),
            meter=self.meter,
            forecaster=self.forecaster,
            intensities=self.intensities,
            plans=self.plans,
            rhythm=RHYTHM,
        )
        return MakePlan(
            clock=self.clock,
            gather=gather,
            optimizer=self.optimizer,
            controller=self.controller,
            plans=self.plans,
            hub=PlanHub(),
            rhythm=RHYTHM,
        )

    def loop(self) -> PlanningLoop:
        return PlanningLoop(
            clock=self.clock,
            sites=FakeSites(),
            make_plan=self.make_plan(),
            plans=self.plans,
            leases=FreeLeases(),
            rhythm=RHYTHM,
            retry_seconds=0.01,
            refresh_seconds=0.01,
        )


async def test_a_plan_accepted_before_its_interval_is_made() -> None:
    world = World()

    plan = await world.make_plan()(SCOPE, START)

    assert plan.state is PlanState.MADE
    assert plan.target.duration == 24 * HOUR
    assert world.controller.submitted == [plan.id]
    assert world.plans.plans[plan.id] == plan


async def test_a_plan_accepted_after_its_interval_began_is_late() -> None:
    world = World(clock=ManualClock(START + timedelta(minutes=1)))

    plan = await world.make_plan()(SCOPE, START)

    assert plan.state is PlanState.LATE


async def test_the_plan_starts_from_where_the_running_plan_will_leave_the_battery() -> None:
    world = World(clock=ManualClock(START - HOUR - LEAD))
    await world.make_plan()(SCOPE, START - HOUR)
    world.clock.advance(HOUR)

    await world.make_plan()(SCOPE, START)

    charged_ratio = 0.5 * 1_000 * 0.9 / 10_000
    assert world.optimizer.asked[-1].soc_ratios[BATTERY.id] == pytest.approx(0.5 + charged_ratio)


async def test_without_forecast_service_yesterday_is_planned_with_and_said_so() -> None:
    world = World()
    world.forecaster.away = True

    plan = await world.make_plan()(SCOPE, START)

    assert plan.state is PlanState.MADE
    assert set(plan.sources.values()) == {"yesterday"}
    assert "no forecast service" in plan.message


async def test_without_carbon_a_plan_is_made_and_says_so() -> None:
    world = World()
    world.intensities.away = True

    plan = await world.make_plan()(SCOPE, START)

    assert plan.state is PlanState.MADE
    assert "without carbon intensity" in plan.message


async def test_a_battery_that_never_reported_is_named() -> None:
    world = World()
    world.meter.soc = None

    with pytest.raises(FailedPrecondition, match="home-1/devices/battery"):
        await world.make_plan()(SCOPE, START)


async def test_a_plan_that_control_did_not_take_is_kept_as_failed() -> None:
    world = World()
    world.controller.away = True

    with pytest.raises(Unavailable):
        await world.make_plan()(SCOPE, START)

    (plan,) = world.plans.plans.values()
    assert plan.state is PlanState.FAILED
    assert plan.accept_time is None


async def test_the_month_s_shared_peak_is_known_to_the_optimizer() -> None:
    world = World()

    await world.make_plan()(SCOPE, START)

    assert world.optimizer.asked[0].peak_so_far_w == 300.0


async def run_until(world: World, plans: int) -> None:
    loop = asyncio.create_task(world.loop().run())
    try:
        while len(world.plans.plans) < plans:
            await asyncio.sleep(0.005)
            world.clock.advance(timedelta(minutes=1))
    finally:
        loop.cancel()
        await asyncio.gather(loop, return_exceptions=True)


async def test_the_loop_plans_every_interval_in_time() -> None:
    world = World(clock=ManualClock(START - HOUR))

    await run_until(world, plans=3)

    starts = sorted(plan.target.start for plan in world.plans.plans.values())
    assert starts[:3] == [START, START + HOUR, START + 2 * HOUR]
    assert {plan.state for plan in world.plans.plans.values()} == {PlanState.MADE}


async def test_the_loop_tries_again_until_the_optimizer_is_back() -> None:
    world = World(clock=ManualClock(START - HOUR), optimizer=FakeOptimizer(failures=2))

    await run_until(world, plans=1)

    assert len(world.optimizer.asked) == 3
    assert [plan.state for plan in world.plans.plans.values()] == [PlanState.MADE]


async def test_an_interval_that_could_not_be_planned_at_all_is_given_up_with_its_reason() -> None:
    world = World(clock=ManualClock(START - HOUR), optimizer=FakeOptimizer(failures=10**6))

    await run_until(world, plans=1)

    (plan,) = world.plans.plans.values()
    assert plan.state is PlanState.FAILED
    assert "no optimizer" in plan.message


async def test_the_same_request_triggers_one_plan_only() -> None:
    world = World()
    trigger = TriggerPlan(
        clock=world.clock,
        sites=FakeSites(),
        plans=world.plans,
        make_plan=world.make_plan(),
        rhythm=RHYTHM,
    )

    first = await trigger("groups/street", "request-1")
    second = await trigger("groups/street", "request-1")

    assert first == second
    assert len(world.optimizer.asked) == 1
