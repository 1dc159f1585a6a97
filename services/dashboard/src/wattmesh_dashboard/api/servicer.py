"""wattmesh.dashboard.v1.DashboardService: for programs over gRPC, for browsers over Connect."""
# ruff: noqa: N802 (the method names are those of the contract)

from collections.abc import AsyncIterator

import grpc

from wattmesh.dashboard.v1 import dashboard_service_pb2 as pb
from wattmesh.dashboard.v1 import dashboard_service_pb2_grpc
from wattmesh_contracts.values import duration_from_proto, series_to_proto, time_range_from_proto
from wattmesh_dashboard.api.live_messages import LiveMessages, site_from_request
from wattmesh_dashboard.app.query_prices import RESOLUTION, Prices, QueryPrices
from wattmesh_kernel.ids import SiteId

Context = grpc.aio.ServicerContext[object, object]


class DashboardServicer(dashboard_service_pb2_grpc.DashboardServiceServicer):
    """Converts, calls the use case, converts back."""

    def __init__(self, live: LiveMessages, prices: QueryPrices) -> None:
        self._live = live
        self._prices = prices

    async def WatchLive(
        self, request: pb.WatchLiveRequest, context: Context
    ) -> AsyncIterator[pb.WatchLiveResponse]:
        """Stream what there is to see."""
        async for message in self._live.watch(site_from_request(request)):
            yield pb.WatchLiveResponse.FromString(message)

    async def QueryPrices(
        self, request: pb.QueryPricesRequest, context: Context
    ) -> pb.QueryPricesResponse:
        """Say what energy costs."""
        return await answer_prices(self._prices, request)


async def answer_prices(
    query: QueryPrices, request: pb.QueryPricesRequest
) -> pb.QueryPricesResponse:
    """Convert, ask, convert back: the same for programs and browsers."""
    asked = request.HasField("resolution")
    prices = await query(
        SiteId.parse(request.site, "site"),
        time_range_from_proto(request.range),
        duration_from_proto(request.resolution, "resolution") if asked else RESOLUTION,
    )
    return prices_to_proto(prices)


def prices_to_proto(prices: Prices) -> pb.QueryPricesResponse:
    """Return prices as their proto."""
    return pb.QueryPricesResponse(
        currency_code=prices.currency_code,
        tariff=prices.tariff.name,
        import_price_per_kwh=series_to_proto(prices.import_price_per_kwh),
        export_price_per_kwh=series_to_proto(prices.export_price_per_kwh),
    )
