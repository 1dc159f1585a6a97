"""wattmesh.dashboard.v1.DashboardService: for programs over gRPC, for browsers over Connect."""
# ruff: noqa: N802 (the method names are those of the contract)

from collections.abc import AsyncIterator, Callable

import grpc

from wattmesh.dashboard.v1 import dashboard_service_pb2 as pb
from wattmesh.dashboard.v1 import dashboard_service_pb2_grpc
from wattmesh_dashboard.api.live_messages import LiveMessages, look_from_request
from wattmesh_dashboard.api.questions import Questions
from wattmesh_kernel.callers import Caller

Context = grpc.aio.ServicerContext[object, object]


class DashboardServicer(dashboard_service_pb2_grpc.DashboardServiceServicer):
    """Converts, calls the use case, converts back."""

    def __init__(
        self, live: LiveMessages, asked: Questions, caller: Callable[[], Caller | None]
    ) -> None:
        self._live = live
        self._asked = asked
        self._caller = caller

    async def WatchLive(
        self, request: pb.WatchLiveRequest, context: Context
    ) -> AsyncIterator[pb.WatchLiveResponse]:
        """Stream what there is to see, to who has sites of their own nothing of others'."""
        async for message in self._live.watch(look_from_request(request, self._caller())):
            yield pb.WatchLiveResponse.FromString(message)

    async def QueryPrices(
        self, request: pb.QueryPricesRequest, context: Context
    ) -> pb.QueryPricesResponse:
        """Say what energy costs."""
        return await self._asked.query_prices(request)

    async def PreviewChange(
        self, request: pb.PreviewChangeRequest, context: Context
    ) -> pb.PreviewChangeResponse:
        """Say what a change would be."""
        return await self._asked.preview_change(request)
