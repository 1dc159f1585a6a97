"""What the planner knows: plans that failed, came late or had to do without something."""

from collections.abc import Iterable
from datetime import timedelta

import grpc

from wattmesh.planner.v1 import planner_pb2, planner_pb2_grpc
from wattmesh_alerting.domain.condition import Condition, News, survey
from wattmesh_alerting.domain.rules import Rule
from wattmesh_contracts.values import datetime_from_proto, time_range_to_proto
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.errors import rpc_errors

_PAGE = 1000
_LOOK_BACK = timedelta(minutes=65)
"""At least one plan of each scope, at the longest interval, began within."""
_MOST_WORDS = 3


class Plans:
    """Looks at the newest plan of each scope whose interval has begun."""

    def __init__(self, channel: grpc.aio.Channel, clock: Clock) -> None:
        self._stub = planner_pb2_grpc.PlannerServiceStub(channel)
        self._clock = clock

    async def __call__(self) -> list[News]:
        """Return what holds by them. Error: Unavailable."""
        now = self._clock.now()
        newest = dict[str, planner_pb2.Plan]()
        request = planner_pb2.ListPlansRequest(
            page_size=_PAGE, start_range=time_range_to_proto(TimeRange(now - _LOOK_BACK, now))
        )
        with rpc_errors():
            while True:
                answer = await self._stub.ListPlans(request)
                for plan in answer.plans:
                    newest.setdefault(plan.scope, plan)
                request.page_token = answer.next_page_token
                if not request.page_token:
                    break
        conditions = [found for plan in newest.values() for found in _of_plan(plan)]
        rules = (Rule.PLAN_FAILED, Rule.PLAN_LATE, Rule.PLAN_DEGRADED)
        return [survey(rules, conditions, now)]


class Scopes:
    """Looks at what is not planned."""

    def __init__(self, channel: grpc.aio.Channel, clock: Clock) -> None:
        self._stub = planner_pb2_grpc.PlannerServiceStub(channel)
        self._clock = clock

    async def __call__(self) -> list[News]:
        """Return what holds by them. Error: Unavailable."""
        now = self._clock.now()
        conditions = list[Condition]()
        request = planner_pb2.ListScopesRequest(page_size=_PAGE)
        with rpc_errors():
            while True:
                answer = await self._stub.ListScopes(request)
                conditions += [
                    Condition(
                        rule=Rule.NOT_PLANNED,
                        subject=scope.name,
                        since=now,
                        site=_site(scope.name),
                        description=scope.message,
                        links=tuple(each.subject for each in scope.degradations),
                    )
                    for scope in answer.scopes
                    if scope.state == planner_pb2.SCOPE_STATE_INCOMPLETE
                ]
                request.page_token = answer.next_page_token
                if not request.page_token:
                    break
        return [survey((Rule.NOT_PLANNED,), conditions, now)]


def _of_plan(plan: planner_pb2.Plan) -> Iterable[Condition]:
    def condition(rule: Rule, description: str) -> Condition:
        return Condition(
            rule=rule,
            subject=plan.scope,
            since=datetime_from_proto(plan.target_range.start_time, "target_range.start_time"),
            site=_site(plan.scope),
            description=description,
            links=(plan.name,),
        )

    if plan.state == planner_pb2.PLAN_STATE_FAILED:
        yield condition(Rule.PLAN_FAILED, plan.message)
    elif plan.state == planner_pb2.PLAN_STATE_LATE:
        yield condition(Rule.PLAN_LATE, plan.message)
    if plan.degradations:
        words = [each.message for each in plan.degradations[:_MOST_WORDS]]
        more = len(plan.degradations) - len(words)
        yield condition(
            Rule.PLAN_DEGRADED, "; ".join(words) + (f"; and {more} more" if more else "")
        )


def _site(scope: str) -> SiteId | None:
    return SiteId.parse(scope) if scope.startswith("sites/") else None
