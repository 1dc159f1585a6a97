"""wattmesh.planner.v1.PlannerService."""

from collections.abc import AsyncIterator
from contextlib import aclosing

import grpc

from wattmesh.planner.v1 import planner_pb2, planner_pb2_grpc
from wattmesh_kernel.ids import PlanId
from wattmesh_planner.api.convert import (
    news_to_proto,
    page_size_from_proto,
    parent_from_proto,
    plan_to_proto,
    scope_to_proto,
    starts_from_proto,
    statistics_to_proto,
)
from wattmesh_planner.api.exchanges import exchanges_to_proto, required_starts_from_proto
from wattmesh_planner.app.query_exchanges import QueryExchanges
from wattmesh_planner.app.query_plans import QueryPlans
from wattmesh_planner.app.query_scopes import QueryScopes
from wattmesh_planner.app.trigger_plan import TriggerPlan
from wattmesh_planner.app.watch_summaries import WatchSummaries
from wattmesh_planner.domain.model import parse_scope

Context = grpc.aio.ServicerContext[object, object]


class PlannerServicer(planner_pb2_grpc.PlannerServiceServicer):
    """Converts, calls the use case, converts back."""

    def __init__(
        self,
        plans: QueryPlans,
        exchanges: QueryExchanges,
        summaries: WatchSummaries,
        scopes: QueryScopes,
        trigger: TriggerPlan,
    ) -> None:
        self._plans = plans
        self._exchanges = exchanges
        self._summaries = summaries
        self._scopes = scopes
        self._trigger = trigger

    async def GetPlan(  # noqa: N802
        self, request: planner_pb2.GetPlanRequest, context: Context
    ) -> planner_pb2.GetPlanResponse:
        """Return one plan."""
        plan = await self._plans.get(PlanId.parse(request.name))
        return planner_pb2.GetPlanResponse(plan=plan_to_proto(plan))

    async def ListPlans(  # noqa: N802
        self, request: planner_pb2.ListPlansRequest, context: Context
    ) -> planner_pb2.ListPlansResponse:
        """List plans, newest first; the page token is the last plan's name."""
        size = page_size_from_proto(request.page_size)
        token = PlanId.parse(request.page_token).name if request.page_token else None
        plans = await self._plans.page(
            parent_from_proto(request.parent), starts_from_proto(request), size + 1, token
        )
        return planner_pb2.ListPlansResponse(
            plans=[plan_to_proto(plan) for plan in plans[:size]],
            next_page_token=plans[size - 1].id.name if len(plans) > size else "",
        )

    async def StreamPlannedExchange(  # noqa: N802
        self, request: planner_pb2.StreamPlannedExchangeRequest, context: Context
    ) -> AsyncIterator[planner_pb2.StreamPlannedExchangeResponse]:
        """Stream what plans had grid connections exchange while they held."""
        scope, starts = parse_scope(request.parent).name, required_starts_from_proto(request)
        async with aclosing(self._exchanges(scope, starts)) as pieces:
            async for held in pieces:
                for piece in exchanges_to_proto(held):
                    yield piece

    async def WatchPlans(  # noqa: N802
        self, request: planner_pb2.WatchPlansRequest, context: Context
    ) -> AsyncIterator[planner_pb2.WatchPlansResponse]:
        """Stream plans as they are made, whole or what became of them."""
        parent = parent_from_proto(request.parent)
        if request.summaries:
            async for news in self._summaries(parent):
                for answer in news_to_proto(news):
                    yield answer
        else:
            async for plan in self._plans.watch(parent):
                yield planner_pb2.WatchPlansResponse(plan=plan_to_proto(plan))

    async def TriggerPlan(  # noqa: N802
        self, request: planner_pb2.TriggerPlanRequest, context: Context
    ) -> planner_pb2.TriggerPlanResponse:
        """Plan now."""
        plan = await self._trigger(parse_scope(request.scope), request.request_id)
        return planner_pb2.TriggerPlanResponse(plan=plan_to_proto(plan))

    async def GetScope(  # noqa: N802
        self, request: planner_pb2.GetScopeRequest, context: Context
    ) -> planner_pb2.GetScopeResponse:
        """Say whether a scope is planned, and why not."""
        status = await self._scopes.get(parse_scope(request.name))
        return planner_pb2.GetScopeResponse(scope=scope_to_proto(status))

    async def ListScopes(  # noqa: N802
        self, request: planner_pb2.ListScopesRequest, context: Context
    ) -> planner_pb2.ListScopesResponse:
        """List scopes by name; the page token is the last one's name."""
        size = page_size_from_proto(request.page_size)
        found = await self._scopes.page(size + 1, parent_from_proto(request.page_token))
        return planner_pb2.ListScopesResponse(
            scopes=[scope_to_proto(status) for status in found[:size]],
            next_page_token=found[size - 1].scope.name if len(found) > size else "",
        )

    async def GetPlanStatistics(  # noqa: N802
        self, request: planner_pb2.GetPlanStatisticsRequest, context: Context
    ) -> planner_pb2.GetPlanStatisticsResponse:
        """Count plans."""
        parent, starts = parent_from_proto(request.parent), starts_from_proto(request)
        return statistics_to_proto(await self._plans.statistics(parent, starts))
