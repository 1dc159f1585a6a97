"""The carbon service as the board of measured intensities."""

import grpc

from wattmesh.carbon.v1 import carbon_pb2, carbon_pb2_grpc
from wattmesh_contracts.values import series_to_proto
from wattmesh_kernel.ids import ZoneId
from wattmesh_kernel.series import Series
from wattmesh_runtime.errors import rpc_errors


class CarbonServiceClient:
    """Publishes average intensities; publishing an interval again replaces it."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = carbon_pb2_grpc.CarbonServiceStub(channel)

    async def publish_average(self, zone: ZoneId, source: str, gco2e_per_kwh: Series) -> None:
        """Publish average intensities [gCO2e/kWh] of intervals that have ended."""
        intensity = carbon_pb2.AverageIntensity(
            zone=zone.name, source=source, average_gco2e_per_kwh=series_to_proto(gco2e_per_kwh)
        )
        request = carbon_pb2.PublishAverageIntensityRequest(intensity=intensity)
        with rpc_errors():
            await self._stub.PublishAverageIntensity(request)
