"""What the planner knows: plans that failed, came late or had to do without something."""

from collections.abc import AsyncIterator, Iterable
from datetime import datetime

import grpc

from wattmesh.planner.v1 import planner_pb2, planner_pb2_grpc
from wattmesh_alerting.domain.condition import Cleared, Condition, News, survey
from wattmesh_alerting.domain.rules import Rule
from wattmesh_contracts.values import datetime_from_proto
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import SiteId
from wattmesh_runtime.errors import rpc_errors

_PAGE = 1000
_MOST_WORDS = 3
_MOST_LINKS = 50
_RULES = (Rule.PLAN_FAILED, Rule.PLAN_LATE, Rule.PLAN_DEGRADED)


class Plans:
    """Source: the newest plan of each scope says what holds, each further one what changes."""

    name = "plans"

    def __init__(self, channel: grpc.aio.Channel, clock: Clock) -> None:
        self._stub = planner_pb2_grpc.PlannerServiceStub(channel)
        self._clock = clock

    async def news(self) -> AsyncIterator[News]:
        """Yield what holds, then what changes. Error: Unavailable."""
        newest, told = dict[str, datetime](), False
        standing = list[Condition]()
        with rpc_errors():
            watch = self._stub.WatchPlans(planner_pb2.WatchPlansRequest(summaries=True))
            async for answer in watch:
                now = self._clock.now()
                if answer.HasField("plan"):
                    found = list(_changes(answer.plan, newest, now))
                    standing += [] if told else [x for x in found if isinstance(x, Condition)]
                    for news in found:
                        yield news
                for scope in answer.ended_scopes:
                    newest.pop(scope, None)
                    for rule in _RULES:
                        yield Cleared(rule=rule, subject=scope, since=now)
                if answer.complete and not told:
                    # Of scopes that are not planned any more nobody tells: what was, is over.
                    yield survey(_RULES, standing, now)
                    told = True


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


def _changes(plan: planner_pb2.Plan, newest: dict[str, datetime], now: datetime) -> Iterable[News]:
    """Yield what a plan changes. Of an interval before the newest one only that it has no plan is
    news, until the next plan of its scope.
    """
    start = datetime_from_proto(plan.target_range.start_time, "target_range.start_time")
    conditions = list(_of_plan(plan, min(start, now)))
    if start < newest.get(plan.scope, start):
        yield from (each for each in conditions if each.rule is Rule.PLAN_FAILED)
        return
    newest[plan.scope] = start
    yield from conditions
    held = {each.rule for each in conditions}
    for rule in _RULES:
        if rule not in held:
            yield Cleared(rule=rule, subject=plan.scope, since=now)


def _of_plan(plan: planner_pb2.Plan, since: datetime) -> Iterable[Condition]:
    def condition(rule: Rule, description: str, more: Iterable[str] = ()) -> Condition:
        return Condition(
            rule=rule,
            subject=plan.scope,
            since=since,
            site=_site(plan.scope),
            description=description,
            links=(plan.name, *more),
        )

    if plan.state == planner_pb2.PLAN_STATE_FAILED:
        yield condition(Rule.PLAN_FAILED, plan.message)
    elif plan.state == planner_pb2.PLAN_STATE_LATE:
        yield condition(Rule.PLAN_LATE, plan.message)
    if plan.degradations:
        words = [each.message for each in plan.degradations[:_MOST_WORDS]]
        more = len(plan.degradations) - len(words)
        subjects = dict.fromkeys(each.subject for each in plan.degradations if each.subject)
        yield condition(
            Rule.PLAN_DEGRADED,
            "; ".join(words) + (f"; and {more} more" if more else ""),
            list(subjects)[:_MOST_LINKS],
        )


def _site(scope: str) -> SiteId | None:
    return SiteId.parse(scope) if scope.startswith("sites/") else None
