from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import grpc
import pytest

from tests.fakes.manual_clock import ManualClock
from tests.fakes.planner_world import (
    START,
    FakeController,
    FakeForecaster,
    FakeIntensities,
    FakeMeter,
    FakeOptimizer,
    FakeSites,
    MemoryPlans,
)
from wattmesh.planner.v1 import planner_pb2, planner_pb2_grpc
from wattmesh_planner.api.servicer import PlannerServicer
from wattmesh_planner.app.gather_inputs import GatherInputs
from wattmesh_planner.app.hub import PlanHub
from wattmesh_planner.app.make_plan import MakePlan
from wattmesh_planner.app.query_plans import QueryPlans, TriggerPlan
from wattmesh_planner.domain.timing import Rhythm
from wattmesh_planner.settings import PlannerSettings
from wattmesh_runtime.errors import error_from_rpc
from wattmesh_runtime.testing import channel_for_test, serve_for_test


def servicer(clock: ManualClock) -> PlannerServicer:
    """The planner without its loop, on the parts of a street of one home."""
    rhythm = Rhythm(
        resolution=PlannerSettings.model_fields["plan_resolution"].default,
        horizon=PlannerSettings.model_fields["plan_horizon"].default,
        lead=PlannerSettings.model_fields["plan_lead"].default,
    )
    plans, hub, sites = MemoryPlans(), PlanHub(), FakeSites()
    gather = GatherInputs(
        clock=clock,
        sites=sites,
        meter=FakeMeter(),
        forecaster=FakeForecaster(),
        intensities=FakeIntensities(),
        plans=plans,
        rhythm=rhythm,
    )
    make_plan = MakePlan(
        clock=clock,
        gather=gather,
        optimizer=FakeOptimizer(),
        controller=FakeController(),
        plans=plans,
        hub=hub,
        rhythm=rhythm,
    )
    trigger = TriggerPlan(clock=clock, sites=sites, plans=plans, make_plan=make_plan, rhythm=rhythm)
    return PlannerServicer(QueryPlans(plans, hub), trigger)


@asynccontextmanager
async def planner(clock: ManualClock) -> AsyncIterator[Any]:
    register = partial(planner_pb2_grpc.add_PlannerServiceServicer_to_server, servicer(clock))
    async with serve_for_test(register) as target, channel_for_test(target) as channel:
        yield planner_pb2_grpc.PlannerServiceStub(channel)


async def test_a_triggered_plan_can_be_looked_up_listed_counted_and_watched() -> None:
    async with planner(ManualClock(START)) as stub:
        request = planner_pb2.TriggerPlanRequest(scope="groups/street", request_id="r1")
        made = (await stub.TriggerPlan(request)).plan

        got = (await stub.GetPlan(planner_pb2.GetPlanRequest(name=made.name))).plan
        listed = await stub.ListPlans(planner_pb2.ListPlansRequest(scope="groups/street"))
        counted = await stub.GetPlanStatistics(planner_pb2.GetPlanStatisticsRequest())
        watching = stub.WatchPlans(planner_pb2.WatchPlansRequest())
        watched = (await watching.read()).plan
        watching.cancel()

    assert made.state == planner_pb2.PLAN_STATE_MADE
    assert got == watched == made
    assert [each.name for each in listed.plans] == [made.name]
    assert counted.made == 1


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (planner_pb2.TriggerPlanRequest(scope="groups/nowhere"), "UNKNOWN_SCOPE"),
        (planner_pb2.TriggerPlanRequest(scope="nonsense"), "INVALID_NAME"),
    ],
)
async def test_a_scope_that_cannot_be_planned_is_refused_with_its_reason(
    request_: planner_pb2.TriggerPlanRequest, reason: str
) -> None:
    async with planner(ManualClock(START)) as stub:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.TriggerPlan(request_)

    assert error_from_rpc(caught.value).reason == reason


async def test_a_page_of_negative_size_is_refused() -> None:
    async with planner(ManualClock(START)) as stub:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.ListPlans(planner_pb2.ListPlansRequest(page_size=-1))

    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
