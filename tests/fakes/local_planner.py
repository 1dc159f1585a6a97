"""A planner as the wattmesh command asks it: plans and scopes, page by page, on a real server."""

from collections.abc import Sequence
from typing import Any

import grpc

from wattmesh.planner.v1 import planner_pb2, planner_pb2_grpc


class FakePlanner(planner_pb2_grpc.PlannerServiceServicer):
    """Gives out two of a kind at a time."""

    def __init__(
        self,
        plans: Sequence[planner_pb2.Plan] = (),
        scopes: Sequence[planner_pb2.Scope] = (),
    ) -> None:
        self._plans = plans
        self._scopes = scopes

    async def ListPlans(  # noqa: N802
        self, request: planner_pb2.ListPlansRequest, context: Any
    ) -> planner_pb2.ListPlansResponse:
        first = int(request.page_token or 0)
        more = str(first + 2) if first + 2 < len(self._plans) else ""
        return planner_pb2.ListPlansResponse(
            plans=self._plans[first : first + 2], next_page_token=more
        )

    async def ListScopes(  # noqa: N802
        self, request: planner_pb2.ListScopesRequest, context: Any
    ) -> planner_pb2.ListScopesResponse:
        first = int(request.page_token or 0)
        more = str(first + 2) if first + 2 < len(self._scopes) else ""
        return planner_pb2.ListScopesResponse(
            scopes=self._scopes[first : first + 2], next_page_token=more
        )

    def register(self, server: grpc.aio.Server) -> None:
        """Add the service to a server."""
        planner_pb2_grpc.add_PlannerServiceServicer_to_server(self, server)
