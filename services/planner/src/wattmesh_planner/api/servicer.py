"""wattmesh.planner.v1.PlannerService."""

from collections.abc import AsyncIterator

import grpc

from wattmesh.planner.v1 import planner_pb2, planner_pb2_grpc
from wattmesh_kernel.ids import PlanId
from wattmesh_planner.api.convert import (
    page_size_from_proto,
    plan_to_proto,
    scope_from_proto,
    starts_from_proto,
    statistics_to_proto,
)
from wattmesh_planner.app.query_plans import QueryPlans, TriggerPlan

Context = grpc.aio.ServicerContext[object, object]


class PlannerServicer(planner_pb2_grpc.PlannerServiceServicer):
    """Converts, calls the use case, converts back."""

    def __init__(self, queries: QueryPlans, trigger: TriggerPlan) -> None:
        self._queries = queries
        self._trigger = trigger

    async def GetPlan(  # noqa: N802
        self, request: planner_pb2.GetPlanRequest, context: Context
    ) -> planner_pb2.GetPlanResponse:
        """Return one plan."""
        plan = await self._queries.get(PlanId.parse(request.name))
        return planner_pb2.GetPlanResponse(plan=plan_to_proto(plan))

    async def ListPlans(  # noqa: N802
        self, request: planner_pb2.ListPlansRequest, context: Context
    ) -> planner_pb2.ListPlansResponse:
        """List plans, newest first; the page token is the last plan's name."""
        size = page_size_from_proto(request.page_size)
        token = PlanId.parse(request.page_token).name if request.page_token else None
        plans = await self._queries.page(
            scope_from_proto(request.scope), starts_from_proto(request), size + 1, token
        )
        return planner_pb2.ListPlansResponse(
            plans=[plan_to_proto(plan) for plan in plans[:size]],
            next_page_token=plans[size - 1].id.name if len(plans) > size else "",
        )

    async def WatchPlans(  # noqa: N802
        self, request: planner_pb2.WatchPlansRequest, context: Context
    ) -> AsyncIterator[planner_pb2.WatchPlansResponse]:
        """Stream plans as they are made."""
        async for plan in self._queries.watch(scope_from_proto(request.scope)):
            yield planner_pb2.WatchPlansResponse(plan=plan_to_proto(plan))

    async def TriggerPlan(  # noqa: N802
        self, request: planner_pb2.TriggerPlanRequest, context: Context
    ) -> planner_pb2.TriggerPlanResponse:
        """Plan now."""
        scope = scope_from_proto(request.scope, required=True)
        plan = await self._trigger(scope, request.request_id)
        return planner_pb2.TriggerPlanResponse(plan=plan_to_proto(plan))

    async def GetPlanStatistics(  # noqa: N802
        self, request: planner_pb2.GetPlanStatisticsRequest, context: Context
    ) -> planner_pb2.GetPlanStatisticsResponse:
        """Count plans."""
        return statistics_to_proto(
            await self._queries.statistics(
                scope_from_proto(request.scope), starts_from_proto(request)
            )
        )
