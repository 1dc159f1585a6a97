"""How good forecasts were, from forecast."""

import grpc

from wattmesh.forecast.v1 import forecast_pb2, forecast_pb2_grpc
from wattmesh_analytics.domain.operation_sums import Forecast, SkillSums
from wattmesh_contracts.values import time_range_to_proto
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.errors import rpc_errors


class GrpcForecasts:
    """Asks for an evaluation of what was issued."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = forecast_pb2_grpc.ForecastServiceStub(channel)

    async def skill(self, asset: AssetId, kind: Forecast, issued: TimeRange) -> SkillSums:
        """Return how far those of an asset that were issued in a range were off."""
        request = forecast_pb2.EvaluateForecastsRequest(
            assets=[asset.name], issue_range=time_range_to_proto(issued)
        )
        with rpc_errors():
            answer = await self._stub.EvaluateForecasts(request)
        return SkillSums(
            kind=kind, error_w=answer.error_sum_w, naive_error_w=answer.naive_error_sum_w
        )
