"""What planner and control themselves say of a run."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

import grpc

from wattmesh.control.v1 import control_pb2, control_pb2_grpc
from wattmesh.planner.v1 import planner_pb2, planner_pb2_grpc
from wattmesh_contracts.values import datetime_from_proto, time_range_to_proto
from wattmesh_kernel.time import TimeRange


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """What planner and control say of intervals that began in a span."""

    made: int
    late: int
    failed: int
    sources: Counter[str]
    """Forecasts by their source, without a model's version."""
    degradations: Counter[str]
    """What plans were made without knowing, by topic."""
    issued: int
    verified: int
    times: Sequence["PlanTimes"]


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanTimes:
    """When a plan was begun and accepted, before its first interval began; None: never."""

    begun_before: timedelta
    accepted_before: timedelta | None


async def read_counts(
    planner: grpc.aio.Channel, control: grpc.aio.Channel, span: TimeRange
) -> Counts:
    """Count plans and commands."""
    starts = time_range_to_proto(span)
    plans = planner_pb2_grpc.PlannerServiceStub(planner)
    count = await plans.GetPlanStatistics(
        planner_pb2.GetPlanStatisticsRequest(start_range=starts), timeout=60
    )
    commands = await control_pb2_grpc.ControlServiceStub(control).GetCommandStatistics(
        control_pb2.GetCommandStatisticsRequest(start_range=starts), timeout=60
    )
    listed = [plan async for plan in _plans(plans, span)]
    return Counts(
        made=count.made,
        late=count.late,
        failed=count.failed,
        sources=Counter(
            source.split(":")[0] for plan in listed for source in plan.forecast_sources.values()
        ),
        degradations=Counter(
            planner_pb2.FactTopic.Name(each.topic) for plan in listed for each in plan.degradations
        ),
        issued=commands.issued,
        verified=commands.verified,
        times=[_times(plan) for plan in listed],
    )


def _times(plan: planner_pb2.Plan) -> PlanTimes:
    start = datetime_from_proto(plan.target_range.start_time)
    accepted = plan.HasField("accept_time")
    return PlanTimes(
        begun_before=start - datetime_from_proto(plan.issue_time),
        accepted_before=start - datetime_from_proto(plan.accept_time) if accepted else None,
    )


async def _plans(
    stub: "planner_pb2_grpc.PlannerServiceAsyncStub", span: TimeRange
) -> AsyncIterator[planner_pb2.Plan]:
    request = planner_pb2.ListPlansRequest(page_size=1000, start_range=time_range_to_proto(span))
    while True:
        page = await stub.ListPlans(request, timeout=60)
        for plan in page.plans:
            yield plan
        request.page_token = page.next_page_token
        if not request.page_token:
            return
