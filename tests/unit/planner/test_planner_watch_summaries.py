"""What becomes of plans, told to who watches: whoever made them, whatever else there is."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from tests.fakes.manual_clock import ManualClock
from tests.fakes.planner_home import HOUR, START
from tests.fakes.planner_plans import MemoryPlans
from wattmesh_kernel.errors import Unavailable
from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.sites import Site, SiteModel, SiteModelChange
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.api.convert import news_to_proto
from wattmesh_planner.app.watch_summaries import PlanNews, WatchSummaries
from wattmesh_planner.domain.plan import Plan, PlanState, plan_id
from wattmesh_runtime.aio.broadcast import Broadcast
from wattmesh_sitemodel.view import SiteModelView

ONE, OTHER = SiteId("home-1"), SiteId("home-2")


def plan(site: SiteId, hours: int, state: PlanState = PlanState.MADE) -> Plan:
    start = START + hours * HOUR
    failed = state is PlanState.FAILED
    return Plan(
        id=plan_id(site, start, 1),
        scope=site.name,
        sites=(site.name,),
        issue_time=start - HOUR / 4,
        accept_time=None if failed else start - HOUR / 5,
        target=TimeRange.of(start, 24 * HOUR),
        resolution=HOUR,
        state=state,
        sources={"sites/home-1/assets/load": "seasonal"},
        problem=b"",
        solution=None if failed else b"",
    )


def homes(revision: int, *sites: SiteId) -> SiteModelChange:
    built = tuple(Site(id=each, time_zone="UTC", currency_code="EUR") for each in sites)
    return SiteModelChange(revision=revision, snapshot=True, changed=built)


class _World:
    def __init__(self, *sites: SiteId) -> None:
        self.view = SiteModelView(ManualClock(START), SiteModel().apply(homes(1, *sites)))
        self.plans, self.made = MemoryPlans(), Broadcast[Plan]()
        self.watch = WatchSummaries(
            view=self.view, plans=self.plans, made=self.made, look_seconds=0.02
        )

    async def others_make(self, made: Plan) -> None:
        """Another planner makes a plan: the database has it, nobody here tells."""
        await self.plans.add(made)

    async def make(self, made: Plan) -> None:
        await self.plans.add(made)
        self.made.publish(made)


@asynccontextmanager
async def watched(world: _World, scope: str = "") -> AsyncIterator[AsyncIterator[PlanNews]]:
    news = world.watch(scope)
    try:
        yield news
    finally:
        await news.aclose()  # type: ignore[attr-defined]


async def first_plans(news: AsyncIterator[PlanNews]) -> list[Plan]:
    """Return the next plans that are told; looks that find nothing are passed over."""
    while True:
        found = list((await anext(news)).plans)
        if found:
            return found


async def test_the_newest_of_every_scope_comes_first_then_what_is_made_here_and_elsewhere() -> None:
    world = _World(ONE, OTHER)
    for made in (plan(ONE, 0), plan(ONE, 1), plan(OTHER, 0)):
        await world.others_make(made)
    async with watched(world) as news:
        first = await anext(news)
        await world.make(plan(ONE, 2))
        here = await first_plans(news)
        await world.others_make(plan(OTHER, 1))
        elsewhere = await first_plans(news)
        quiet = [await anext(news) for _ in range(3)]

    assert first == PlanNews(plans=(plan(ONE, 1), plan(OTHER, 0)), complete=True)
    assert (here, elsewhere) == ([plan(ONE, 2)], [plan(OTHER, 1)])
    assert quiet == 3 * [PlanNews(complete=True)]


async def test_an_interval_given_up_after_the_next_was_planned_is_told_and_hides_nothing() -> None:
    world = _World(ONE)
    await world.others_make(plan(ONE, 1))
    async with watched(world) as news:
        await anext(news)
        given_up = plan(ONE, 0, PlanState.FAILED)
        await world.make(given_up)
        told = await first_plans(news)
        quiet = await anext(news)

    assert (told, quiet) == ([given_up], PlanNews(complete=True))


async def test_a_site_that_is_gone_is_told_as_ended() -> None:
    world = _World(ONE, OTHER)
    await world.others_make(plan(OTHER, 0))
    async with watched(world) as news:
        await anext(news)
        await world.view.take(homes(2, ONE))
        ended = await anext(news)

    assert ended == PlanNews(ended=(OTHER.name,), complete=True)


async def test_one_scope_alone_and_without_a_model_nothing_is_called_complete() -> None:
    world = _World(ONE, OTHER)
    for made in (plan(ONE, 0), plan(OTHER, 0)):
        await world.others_make(made)
    async with watched(world, ONE.name) as news:
        assert (await anext(news)).plans == (plan(ONE, 0),)
    unknown = WatchSummaries(
        view=SiteModelView(ManualClock(START)), plans=world.plans, made=world.made
    )
    with pytest.raises(Unavailable):
        await anext(unknown(""))


def test_a_summary_has_neither_problem_nor_solution_nor_sources() -> None:
    whole = replace(plan(ONE, 0), problem=b"\n\x00", solution=b"\n\x00")
    told, after = news_to_proto(PlanNews(plans=(whole,), ended=(OTHER.name,), complete=True))

    assert (told.plan.name, told.plan.scope) == (whole.id.name, ONE.name)
    assert not told.plan.HasField("problem")
    assert not told.plan.HasField("solution")
    assert not told.plan.forecast_sources
    assert (after.complete, list(after.ended_scopes)) == (True, [OTHER.name])
