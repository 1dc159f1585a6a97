"""How good forecasts were, from forecast."""

from collections.abc import Sequence

import grpc

from wattmesh.forecast.v1 import forecast_pb2, forecast_pb2_grpc
from wattmesh_contracts.values import time_range_to_proto
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.errors import rpc_errors


class GrpcForecasts:
    """Asks for an evaluation of what was issued."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = forecast_pb2_grpc.ForecastServiceStub(channel)

    async def skill(self, assets: Sequence[AssetId], issued: TimeRange) -> float | None:
        """Return by how much they were better than the naive ones; None: nothing to compare."""
        request = forecast_pb2.EvaluateForecastsRequest(
            assets=[each.name for each in assets], issue_range=time_range_to_proto(issued)
        )
        with rpc_errors():
            answer = await self._stub.EvaluateForecasts(request)
        if not (answer.HasField("wape_ratio") and answer.naive_wape_ratio):
            return None
        return 1 - answer.wape_ratio / answer.naive_wape_ratio
