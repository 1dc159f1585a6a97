"""What imported energy emitted, from carbon."""

import grpc

from wattmesh.carbon.v1 import carbon_pb2, carbon_pb2_grpc
from wattmesh_contracts.values import series_to_proto
from wattmesh_kernel.ids import ZoneId
from wattmesh_kernel.series import Series
from wattmesh_runtime.errors import rpc_errors


class GrpcEmissions:
    """Asks carbon for footprints."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = carbon_pb2_grpc.CarbonServiceStub(channel)

    async def emissions_kg(self, zone: ZoneId, import_wh: Series) -> float | None:
        """Return location-based emissions [kgCO2e]; None when no intensity is known."""
        request = carbon_pb2.ComputeFootprintRequest(
            zone=zone.name, import_energy_wh=series_to_proto(import_wh)
        )
        with rpc_errors():
            answer = await self._stub.ComputeFootprint(request)
        return answer.location_based_gco2e / 1000 if answer.covered_energy_ratio else None

    async def avoided_gco2e(self, zone: ZoneId, avoided_wh: Series) -> float | None:
        """Return what less import avoided by the margin; None when that is not known."""
        request = carbon_pb2.ComputeAvoidedEmissionsRequest(
            zone=zone.name, avoided_energy_wh=series_to_proto(avoided_wh)
        )
        with rpc_errors():
            answer = await self._stub.ComputeAvoidedEmissions(request)
        return answer.avoided_gco2e if answer.covered_ratio else None
