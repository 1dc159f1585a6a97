"""The planner follows demand response: what is asked, for how long, and what is promised."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.fakes.demandresponse_world import (
    EVENING,
    HOME,
    HOUR,
    PART,
    DemandResponseWorld,
    demandresponse_world,
)
from tests.fakes.eventually import eventually
from wattmesh.demandresponse.v1 import event_pb2
from wattmesh_kernel.ids import PlanId, SiteId
from wattmesh_kernel.programme_ids import ParticipationId
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.adapters.grid_events import GrpcGridEvents
from wattmesh_planner.app.tell_promises import TellPromises
from wattmesh_planner.domain.events import GridEvent, Promise, ReductionTerms
from wattmesh_runtime.aio.tasks import cancel_until_ended
from wattmesh_sitemodel.view import SiteModelView


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[DemandResponseWorld]:
    async with demandresponse_world(database_url) as world:
        yield world


class Following:
    """The planner's side, and the sites that it was prompted about."""

    def __init__(self, world: DemandResponseWorld) -> None:
        view = SiteModelView(world.clock)
        self.events = GrpcGridEvents(world.channel, view, world.clock, 5.0)
        self.prompted: list[SiteId] = []

    async def follow(self) -> None:
        async for site in self.events.sites():
            self.prompted.append(site)

    def known(self) -> list[GridEvent]:
        return list(self.events.of({HOME}))


@pytest.fixture
async def planner(world: DemandResponseWorld) -> AsyncIterator[Following]:
    await world.programme()
    await world.enrol(max_power_w=1_500.0)
    following = Following(world)
    task = asyncio.create_task(following.follow())
    yield following
    await cancel_until_ended(task)


async def test_an_event_is_known_with_its_terms_and_baseline_until_it_is_called_off(
    world: DemandResponseWorld, planner: Following
) -> None:
    await world.create()
    await eventually(lambda: bool(planner.known()))

    (event,) = planner.known()
    assert (event.span, event.step) == (TimeRange.of(EVENING, 2 * HOUR), HOUR)
    assert event.terms == ReductionTerms(
        price_per_kwh=0.2, price_per_kw=1.0, powers_w=(2_000.0, 2_000.0), most_power_w=1_500.0
    )
    assert (await planner.events.baseline_w(event)).values.tolist() == [3_000.0, 3_000.0]
    assert planner.prompted == [SiteId("home-1")]

    await world.cancel()
    await eventually(lambda: not planner.known())
    await eventually(lambda: planner.prompted == [SiteId("home-1")] * 2)


async def test_a_promise_is_kept_and_prompts_no_other_plan(
    world: DemandResponseWorld, planner: Following
) -> None:
    await world.create()
    await eventually(lambda: bool(planner.known()))
    promise = Promise(
        event=ParticipationId.parse(PART),
        baseline_w=(3_000.0, 3_000.0),
        committed_w=(1_500.0, 1_500.0),
        confidence_ratio=0.9,
    )

    tell = TellPromises(planner.events)
    await tell(PlanId("home-1-20240515t1500z"), [promise])

    kept = (await world.part()).commitment
    assert (kept.plan, list(kept.committed_powers_w)) == (
        "plans/home-1-20240515t1500z",
        [1_500.0, 1_500.0],
    )
    assert planner.prompted == [SiteId("home-1")]
    await world.at(EVENING)  # from now on what is missing costs: that is news, and prompts a plan
    await tell(PlanId("home-1-20240515t1500z"), [promise])
    assert (await world.part()).commitment == kept, "it has begun: nothing is promised any more"


async def test_who_opts_out_is_asked_nothing(
    world: DemandResponseWorld, planner: Following
) -> None:
    await world.create()
    await eventually(lambda: bool(planner.known()))

    await world.decide(opted_in=False)
    await eventually(lambda: not planner.known())
    await world.decide(opted_in=True)
    await eventually(lambda: bool(planner.known()))
    await eventually(lambda: len(planner.prompted) == 3)


async def test_a_change_is_heard_and_what_was_missing_costs_once_it_has_begun(
    world: DemandResponseWorld, planner: Following
) -> None:
    await world.create()
    await eventually(lambda: bool(planner.known()))

    more = event_pb2.EventReduction(reduction_powers_w=[500.0, 500.0], price_per_kwh=0.3)
    await world.update("reduction", reduction=more)
    await eventually(lambda: len(planner.prompted) == 2)
    assert planner.known()[0].terms == ReductionTerms(
        price_per_kwh=0.3, price_per_kw=1.0, powers_w=(500.0, 500.0), most_power_w=1_500.0
    )
    await world.at(EVENING)
    (begun,) = planner.known()
    assert isinstance(begun.terms, ReductionTerms)
    assert begun.terms.price_per_kwh == pytest.approx(0.7)
