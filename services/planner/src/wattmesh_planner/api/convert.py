"""wattmesh.planner.v1 ↔ the planner's domain."""

from wattmesh.optimizer.v1 import plan_pb2, problem_pb2
from wattmesh.planner.v1 import planner_pb2
from wattmesh_contracts.values import (
    duration_to_proto,
    time_range_from_proto,
    time_range_to_proto,
    timestamp_to_proto,
)
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import GroupId, SiteId
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.domain.plan import Plan, PlanState, PlanStatistics

DEFAULT_PAGE = 100
LARGEST_PAGE = 1000

_STATES = {
    PlanState.MADE: planner_pb2.PLAN_STATE_MADE,
    PlanState.LATE: planner_pb2.PLAN_STATE_LATE,
    PlanState.FAILED: planner_pb2.PLAN_STATE_FAILED,
}


def plan_to_proto(plan: Plan) -> planner_pb2.Plan:
    """Return a plan, with problem and solution where they were loaded."""
    message = planner_pb2.Plan(
        name=plan.id.name,
        scope=plan.scope,
        sites=plan.sites,
        issue_time=timestamp_to_proto(plan.issue_time),
        target_range=time_range_to_proto(plan.target),
        resolution=duration_to_proto(plan.resolution),
        state=_STATES[plan.state],
        message=plan.message,
        solve_duration_ms=plan.solve_duration_ms or 0.0,
        forecast_sources=dict(plan.sources),
    )
    if plan.accept_time is not None:
        message.accept_time.CopyFrom(timestamp_to_proto(plan.accept_time))
    if plan.problem is not None:
        message.problem.CopyFrom(problem_pb2.Problem.FromString(plan.problem))
    if plan.solution is not None:
        message.solution.CopyFrom(plan_pb2.Plan.FromString(plan.solution))
    return message


def statistics_to_proto(found: PlanStatistics) -> planner_pb2.GetPlanStatisticsResponse:
    """Return the counts; the durations are absent when nothing was solved."""
    return planner_pb2.GetPlanStatisticsResponse(
        made=found.made,
        late=found.late,
        failed=found.failed,
        solve_duration_p50_ms=found.solve_p50_ms,
        solve_duration_p99_ms=found.solve_p99_ms,
    )


def scope_from_proto(name: str, *, required: bool = False) -> str:
    """Return the name of a group or site; InvalidArgument when it is neither."""
    if not name and not required:
        return ""
    kind = GroupId if name.startswith("groups/") else SiteId
    return kind.parse(name).name


def starts_from_proto(
    request: planner_pb2.ListPlansRequest | planner_pb2.GetPlanStatisticsRequest,
) -> TimeRange | None:
    """Return the range of starts asked for; None: all."""
    if not request.HasField("start_range"):
        return None
    return time_range_from_proto(request.start_range, "start_range")


def page_size_from_proto(page_size: int) -> int:
    """Return how many plans a page holds; InvalidArgument when negative."""
    if page_size < 0:
        raise InvalidArgument(
            "INVALID_PAGE_SIZE", f"page_size {page_size} is negative", field="page_size"
        )
    return min(page_size or DEFAULT_PAGE, LARGEST_PAGE)
