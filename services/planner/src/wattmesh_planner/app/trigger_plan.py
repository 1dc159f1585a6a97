"""Plan a scope at once, because somebody asked."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import FailedPrecondition, NotFound, Unavailable
from wattmesh_planner.app.make_plan import MakePlan
from wattmesh_planner.app.ports import PlanStore
from wattmesh_planner.domain.degradations import in_words
from wattmesh_planner.domain.model import Scope, ScopeId, ScopeState
from wattmesh_planner.domain.plan import Plan
from wattmesh_planner.domain.scopes import scope_of
from wattmesh_planner.domain.timing import Rhythm
from wattmesh_sitemodel.view import SiteModelView

_REASONS = {
    ScopeState.NOTHING_TO_STEER: "NOTHING_TO_STEER",
    ScopeState.INCOMPLETE: "SCOPE_INCOMPLETE",
}


class TriggerPlan:
    """Plans for the interval that begins next; a request that is repeated gets the first answer."""

    def __init__(
        self,
        *,
        clock: Clock,
        view: SiteModelView,
        plans: PlanStore,
        make_plan: MakePlan,
        rhythm: Rhythm,
    ) -> None:
        self._clock = clock
        self._view = view
        self._plans = plans
        self._make_plan = make_plan
        self._rhythm = rhythm
        self._requests = _OneAtATime()

    async def __call__(self, scope_id: ScopeId, request_id: str) -> Plan:
        """Return the plan.

        Errors: NotFound `SCOPE_NOT_FOUND`; FailedPrecondition when the scope is not planned, or
        when nothing of it can be steered now; what any part of planning raises.
        """
        if not request_id:
            return await self._plan(scope_id)
        async with self._requests.alone(request_id):
            if known := await self._plans.triggered(request_id):
                return await self._plans.get(known)
            plan = await self._plan(scope_id)
            await self._plans.remember_trigger(request_id, plan.id)
            return plan

    async def _plan(self, scope_id: ScopeId) -> Plan:
        start = self._rhythm.upcoming(self._clock.now())
        return await self._make_plan(self._scope(scope_id), start)

    def _scope(self, scope_id: ScopeId) -> Scope:
        if not self._view.known:
            raise Unavailable("SITE_MODEL_UNKNOWN", "the site model is not known yet")
        scope = scope_of(self._view.model, scope_id, self._clock.now())
        if scope is None:
            raise NotFound("SCOPE_NOT_FOUND", f"there is nothing to plan by the name {scope_id}")
        if scope.state is not ScopeState.PLANNED:
            why = "; ".join(map(in_words, scope.degradations))
            raise FailedPrecondition(
                _REASONS[scope.state], f"{scope_id} is not planned: {why or 'nothing to steer'}"
            )
        return scope


class _OneAtATime:
    """Lets requests of the same id in one after the other."""

    def __init__(self) -> None:
        self._locks: dict[str, asyncio.Lock] = {}
        self._inside: Counter[str] = Counter()

    @asynccontextmanager
    async def alone(self, request_id: str) -> AsyncIterator[None]:
        lock = self._locks.setdefault(request_id, asyncio.Lock())
        self._inside[request_id] += 1
        try:
            async with lock:
                yield
        finally:
            self._inside[request_id] -= 1
            if not self._inside[request_id]:
                del self._inside[request_id], self._locks[request_id]
