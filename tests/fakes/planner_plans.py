"""Plans in a dictionary, with the same rules as the database."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from wattmesh_kernel.errors import AlreadyExists, NotFound, Unavailable
from wattmesh_kernel.ids import PlanId
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.domain.plan import Plan, PlanStatistics
from wattmesh_runtime.aio.leases import Lease


class MemoryPlans:
    """The store of plans of one or several planners in a test; also says who holds a scope."""

    def __init__(self) -> None:
        self.plans: dict[PlanId, Plan] = {}
        self.held: dict[str, str] = {}
        self.away = False
        self._triggered: dict[str, PlanId] = {}

    async def add(self, plan: Plan, lease: Lease | None = None) -> None:
        self._check()
        if plan.id in self.plans:
            raise AlreadyExists("PLAN_EXISTS", f"there is a plan {plan.id} already")
        self.plans[plan.id] = plan

    async def add_failed(self, plans: Sequence[Plan]) -> None:
        self._check()
        for plan in plans:
            self.plans.setdefault(plan.id, plan)

    async def accept(self, plan: Plan) -> None:
        self._check()
        self.plans[plan.id] = plan

    async def get(self, plan: PlanId) -> Plan:
        if plan not in self.plans:
            raise NotFound("PLAN_NOT_FOUND", f"there is no plan {plan}")
        return self.plans[plan]

    async def known(self, plans: Sequence[PlanId]) -> Collection[PlanId]:
        return {plan for plan in plans if plan in self.plans}

    async def last_start(self, scope: str) -> datetime | None:
        self._check()
        starts = [
            plan.target.start
            for plan in self._of(scope)
            if plan.accept_time is not None or plan.solution is None
        ]
        return max(starts, default=None)

    async def last_planned(self, scopes: Sequence[str]) -> Mapping[str, datetime]:
        return {
            scope: max(plan.target.start for plan in self._of(scope) if plan.accept_time)
            for scope in scopes
            if any(plan.accept_time for plan in self._of(scope))
        }

    async def holders(self, scopes: Sequence[str]) -> Mapping[str, str]:
        return {scope: self.held[scope] for scope in scopes if scope in self.held}

    async def running(self, scope: str, span: TimeRange) -> list[Plan]:
        found = [
            plan
            for plan in self._of(scope)
            if plan.accept_time is not None and span.contains(plan.target.start)
        ]
        return sorted(found, key=lambda plan: (plan.target.start, plan.issue_time))

    async def page(
        self, scope: str, starts: TimeRange | None, limit: int, before: str | None
    ) -> list[Plan]:
        found = self._of(scope) if scope else list(self.plans.values())
        return sorted(found, key=lambda plan: plan.target.start, reverse=True)[:limit]

    async def accepted(self, scope: str, starts: TimeRange) -> Mapping[datetime, PlanId]:
        return {plan.target.start: plan.id for plan in await self.running(scope, starts)}

    async def solutions(self, plans: Sequence[PlanId]) -> Mapping[PlanId, Plan]:
        return {plan: self.plans[plan] for plan in plans if plan in self.plans}

    async def newest(self, scopes: Sequence[str]) -> list[Plan]:
        self._check()
        dealt_with = [x for x in self.plans.values() if x.accept_time or x.solution is None]
        by_start = sorted(dealt_with, key=lambda plan: (plan.target.start, plan.issue_time))
        newest = {plan.scope: plan for plan in by_start}
        return [newest[scope] for scope in scopes if scope in newest]

    async def statistics(self, scope: str, starts: TimeRange | None) -> PlanStatistics:
        made = sum(plan.accept_time is not None for plan in self.plans.values())
        return PlanStatistics(
            made=made, late=0, failed=len(self.plans) - made, solve_p50_ms=None, solve_p99_ms=None
        )

    async def triggered(self, request_id: str) -> PlanId | None:
        return self._triggered.get(request_id)

    async def remember_trigger(self, request_id: str, plan: PlanId) -> None:
        self._triggered[request_id] = plan

    def _of(self, scope: str) -> list[Plan]:
        return [plan for plan in self.plans.values() if plan.scope == scope]

    def _check(self) -> None:
        if self.away:
            raise Unavailable("DATABASE_UNAVAILABLE", "the database is away")
