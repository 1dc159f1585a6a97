"""Look plans up, watch them, count them, ask for one now."""

from collections.abc import AsyncIterator

from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import NotFound
from wattmesh_kernel.ids import PlanId
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.app.hub import PlanHub
from wattmesh_planner.app.make_plan import MakePlan
from wattmesh_planner.app.ports import PlanStore, SiteCatalogue
from wattmesh_planner.domain.plan import Plan, PlanStatistics
from wattmesh_planner.domain.timing import Rhythm


class QueryPlans:
    """Reads plans."""

    def __init__(self, plans: PlanStore, hub: PlanHub) -> None:
        self._plans = plans
        self._hub = hub

    async def get(self, plan: PlanId) -> Plan:
        """Return one plan; NotFound."""
        return await self._plans.get(plan)

    async def page(
        self, scope: str, starts: TimeRange | None, limit: int, before: str | None
    ) -> list[Plan]:
        """Return plans newest first."""
        return await self._plans.page(scope, starts, limit, before)

    async def statistics(self, scope: str, starts: TimeRange | None) -> PlanStatistics:
        """Count plans."""
        return await self._plans.statistics(scope, starts)

    async def watch(self, scope: str) -> AsyncIterator[Plan]:
        """Give the newest plan of a scope, then every one that is made."""
        with self._hub.watch() as coming:
            newest = await self._plans.page(scope, None, 1, None)
            for plan in newest:
                yield await self._plans.get(plan.id)
            async for plan in coming:
                if scope in ("", plan.scope):
                    yield plan


class TriggerPlan:
    """Plans a scope at once, for the interval that begins next."""

    def __init__(
        self,
        *,
        clock: Clock,
        sites: SiteCatalogue,
        plans: PlanStore,
        make_plan: MakePlan,
        rhythm: Rhythm,
    ) -> None:
        self._clock = clock
        self._sites = sites
        self._plans = plans
        self._make_plan = make_plan
        self._rhythm = rhythm

    async def __call__(self, scope_name: str, request_id: str) -> Plan:
        """Return the plan; the first answer when the request was made before."""
        if request_id and (known := await self._plans.triggered(request_id)):
            return await self._plans.get(known)
        scopes = {scope.name: scope for scope in await self._sites.scopes()}
        if scope_name not in scopes:
            raise NotFound("UNKNOWN_SCOPE", f"there is nothing to plan by the name {scope_name!r}")
        start = self._rhythm.upcoming(self._clock.now())
        plan = await self._make_plan(scopes[scope_name], start)
        if request_id:
            await self._plans.remember_trigger(request_id, plan.id)
        return plan
