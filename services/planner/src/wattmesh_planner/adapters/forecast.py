"""What is expected, from forecast and carbon."""

from collections.abc import Sequence
from datetime import timedelta

import grpc
import numpy as np

from wattmesh.carbon.v1 import carbon_pb2, carbon_pb2_grpc
from wattmesh.forecast.v1 import forecast_pb2, forecast_pb2_grpc
from wattmesh_contracts.values import (
    datetime_from_proto,
    duration_from_proto,
    duration_to_proto,
    series_from_proto,
    time_range_to_proto,
)
from wattmesh_kernel.errors import Unavailable
from wattmesh_kernel.ids import AssetId, ZoneId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.domain.inputs import AssetForecast
from wattmesh_runtime.errors import rpc_errors

_MEDIAN = 0.5


class GrpcForecaster:
    """Asks forecast; the plan is made for the median."""

    def __init__(self, channel: grpc.aio.Channel, deadline_seconds: float) -> None:
        self._stub = forecast_pb2_grpc.ForecastServiceStub(channel)
        self._deadline_seconds = deadline_seconds

    async def forecast(
        self, assets: Sequence[AssetId], span: TimeRange, resolution: timedelta
    ) -> dict[AssetId, AssetForecast]:
        """Return the expected power of each asset."""
        with rpc_errors():
            answer = await self._stub.IssueForecasts(
                forecast_pb2.IssueForecastsRequest(
                    assets=[asset.name for asset in assets],
                    range=time_range_to_proto(span),
                    resolution=duration_to_proto(resolution),
                ),
                timeout=self._deadline_seconds,
            )
        return {AssetId.parse(item.asset): _forecast_from_proto(item) for item in answer.forecasts}


class GrpcIntensities:
    """Asks carbon."""

    def __init__(self, channel: grpc.aio.Channel, deadline_seconds: float) -> None:
        self._stub = carbon_pb2_grpc.CarbonServiceStub(channel)
        self._deadline_seconds = deadline_seconds

    async def average(self, zone: ZoneId, span: TimeRange, resolution: timedelta) -> Series:
        """Return the expected average intensity [gCO2e/kWh]."""
        with rpc_errors():
            answer = await self._stub.ForecastAverageIntensity(
                carbon_pb2.ForecastAverageIntensityRequest(
                    zone=zone.name,
                    range=time_range_to_proto(span),
                    resolution=duration_to_proto(resolution),
                ),
                timeout=self._deadline_seconds,
            )
        return series_from_proto(answer.intensity.average_gco2e_per_kwh)


def _forecast_from_proto(forecast: forecast_pb2.Forecast) -> AssetForecast:
    if not forecast.quantiles:
        raise Unavailable("NO_QUANTILES", f"the forecast of {forecast.asset} has no values")
    median = min(forecast.quantiles, key=lambda quantile: abs(quantile.ratio - _MEDIAN))
    return AssetForecast(
        power_w=Series(
            datetime_from_proto(forecast.start_time),
            duration_from_proto(forecast.resolution),
            np.array(median.values),
        ),
        source=forecast.source,
    )
