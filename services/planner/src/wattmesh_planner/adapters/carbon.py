"""How clean the grid is expected to be, from carbon."""

from datetime import timedelta

import grpc

from wattmesh.carbon.v1 import carbon_pb2, carbon_pb2_grpc
from wattmesh_contracts.values import duration_to_proto, series_from_proto, time_range_to_proto
from wattmesh_kernel.ids import ZoneId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.errors import rpc_errors


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
        return series_from_proto(answer.intensity.average_gco2e_per_kwh).window(span)
