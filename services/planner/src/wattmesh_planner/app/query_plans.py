"""Look plans up, watch them, count them."""

from collections.abc import AsyncIterator

from wattmesh_kernel.ids import PlanId
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.app.ports import PlanStore
from wattmesh_planner.domain.plan import Plan, PlanStatistics
from wattmesh_runtime.aio.broadcast import Broadcast


class QueryPlans:
    """Reads plans."""

    def __init__(self, plans: PlanStore, made: Broadcast[Plan]) -> None:
        self._plans = plans
        self._made = made

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
        """Give the newest plan of a scope ("" for all), then every one that is made.

        Error: ResourceExhausted `WATCHER_TOO_SLOW` when plans come faster than they are read.
        """
        with self._made.watch(lambda plan: scope in ("", plan.scope)) as coming:
            newest = await self._plans.page(scope, None, 1, None)
            for plan in newest:
                yield await self._plans.get(plan.id)
            async for plan in coming:
                yield plan
