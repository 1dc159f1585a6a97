"""wattmesh.planner.v1 ↔ the planner's domain."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from wattmesh.optimizer.v1 import plan_pb2, problem_pb2
from wattmesh.planner.v1 import planner_pb2
from wattmesh_contracts.values import (
    duration_to_proto,
    time_range_from_proto,
    time_range_to_proto,
    timestamp_to_proto,
)
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.api.degradations import degradation_to_proto
from wattmesh_planner.app.query_scopes import ScopeStatus
from wattmesh_planner.app.watch_summaries import PlanNews
from wattmesh_planner.domain.degradations import in_words
from wattmesh_planner.domain.model import Scope, ScopeState, parse_scope
from wattmesh_planner.domain.plan import Plan, PlanState, PlanStatistics

DEFAULT_PAGE = 100
LARGEST_PAGE = 1000

_STATES = {
    PlanState.MADE: planner_pb2.PLAN_STATE_MADE,
    PlanState.LATE: planner_pb2.PLAN_STATE_LATE,
    PlanState.FAILED: planner_pb2.PLAN_STATE_FAILED,
}
_SCOPE_STATES = {
    ScopeState.PLANNED: planner_pb2.SCOPE_STATE_PLANNED,
    ScopeState.NOTHING_TO_STEER: planner_pb2.SCOPE_STATE_NOTHING_TO_STEER,
    ScopeState.INCOMPLETE: planner_pb2.SCOPE_STATE_INCOMPLETE,
}


def plan_to_proto(plan: Plan) -> planner_pb2.Plan:
    """Return a plan, with problem and solution where they were loaded."""
    message = planner_pb2.Plan(
        name=plan.id.name,
        scope=plan.scope,
        sites=plan.sites,
        issue_time=timestamp_to_proto(plan.issue_time),
        accept_time=_timestamp(plan.accept_time),
        target_range=time_range_to_proto(plan.target),
        resolution=duration_to_proto(plan.resolution),
        state=_STATES[plan.state],
        message="; ".join(filter(None, (plan.failure, *map(in_words, plan.degradations)))),
        solve_duration_ms=plan.solve_duration_ms or 0.0,
        forecast_sources=dict(plan.sources),
        degradations=map(degradation_to_proto, plan.degradations),
    )
    if plan.problem is not None:
        message.problem.CopyFrom(problem_pb2.Problem.FromString(plan.problem))
    if plan.solution is not None:
        message.solution.CopyFrom(plan_pb2.Plan.FromString(plan.solution))
    return message


def news_to_proto(news: PlanNews) -> Iterator[planner_pb2.WatchPlansResponse]:
    """Yield what became of plans, one a message, and one message of what goes with them."""
    for each in news.plans:
        light = replace(each, problem=None, solution=None, sources={})
        yield planner_pb2.WatchPlansResponse(plan=plan_to_proto(light))
    if news.complete or news.ended:
        yield planner_pb2.WatchPlansResponse(complete=news.complete, ended_scopes=news.ended)


def scope_to_proto(status: ScopeStatus) -> planner_pb2.Scope:
    """Return how a scope stands."""
    scope = status.scope
    return planner_pb2.Scope(
        name=scope.name,
        sites=[site.site.name for site in scope.sites],
        state=_SCOPE_STATES[scope.state],
        message=_scope_in_words(scope),
        degradations=map(degradation_to_proto, scope.degradations),
        last_plan_time=_timestamp(status.last_planned),
        holder=status.holder,
    )


def statistics_to_proto(found: PlanStatistics) -> planner_pb2.GetPlanStatisticsResponse:
    """Return the counts; the durations are absent when nothing was solved."""
    return planner_pb2.GetPlanStatisticsResponse(
        made=found.made,
        late=found.late,
        failed=found.failed,
        solve_duration_p50_ms=found.solve_p50_ms,
        solve_duration_p99_ms=found.solve_p99_ms,
    )


def parent_from_proto(name: str) -> str:
    """Return the name of a group or site, or "" for all; InvalidArgument when it is neither."""
    return parse_scope(name).name if name else ""


def starts_from_proto(
    request: planner_pb2.ListPlansRequest | planner_pb2.GetPlanStatisticsRequest,
) -> TimeRange | None:
    """Return the range of starts asked for; None: all."""
    if not request.HasField("start_range"):
        return None
    return time_range_from_proto(request.start_range, "start_range")


def page_size_from_proto(page_size: int) -> int:
    """Return how many items a page holds; InvalidArgument when negative."""
    if page_size < 0:
        raise InvalidArgument(
            "INVALID_PAGE_SIZE", f"page_size {page_size} is negative", field="page_size"
        )
    return min(page_size or DEFAULT_PAGE, LARGEST_PAGE)


def _scope_in_words(scope: Scope) -> str:
    match scope.state:
        case ScopeState.PLANNED:
            return ""
        case ScopeState.NOTHING_TO_STEER:
            return "; ".join(("nothing in it can be steered", *map(in_words, scope.degradations)))
        case ScopeState.INCOMPLETE:
            return "; ".join(map(in_words, scope.degradations)) or "it has no sites"


def _timestamp(moment: datetime | None) -> Timestamp | None:
    return None if moment is None else timestamp_to_proto(moment)
