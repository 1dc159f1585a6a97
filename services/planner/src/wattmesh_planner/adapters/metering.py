"""What was measured, from metering."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import grpc

from wattmesh.metering.v1 import metering_pb2, metering_pb2_grpc
from wattmesh_contracts.values import (
    datetime_from_proto,
    duration_to_proto,
    series_from_proto,
    time_range_to_proto,
)
from wattmesh_kernel.ids import AssetId, PointId
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.domain.billing import MeteredEnergy
from wattmesh_planner.domain.kinds.kind import Reading
from wattmesh_runtime.errors import rpc_errors


class GrpcMeter:
    """Reads newest readings and energies."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = metering_pb2_grpc.MeteringServiceStub(channel)

    async def latest(self, points: Sequence[PointId]) -> Mapping[PointId, Reading]:
        """Return the newest reading of each point that has one."""
        by_name = {point.name: point for point in points}
        with rpc_errors():
            answer = await self._stub.GetLatestReadings(
                metering_pb2.GetLatestReadingsRequest(points=by_name)
            )
        return {
            by_name[reading.point]: Reading(
                measure_time=datetime_from_proto(reading.measure_time), value=reading.value
            )
            for reading in answer.readings
            if reading.HasField("value")
        }

    async def energy(
        self, assets: Sequence[AssetId], span: TimeRange, resolution: timedelta
    ) -> Mapping[AssetId, MeteredEnergy]:
        """Return the energy of each asset per interval."""
        by_name = {asset.name: asset for asset in assets}
        with rpc_errors():
            answer = await self._stub.QueryEnergy(
                metering_pb2.QueryEnergyRequest(
                    assets=by_name,
                    range=time_range_to_proto(span),
                    resolution=duration_to_proto(resolution),
                )
            )
        return {
            by_name[energy.asset]: MeteredEnergy(
                import_wh=series_from_proto(energy.import_energy_wh),
                export_wh=series_from_proto(energy.export_energy_wh),
            )
            for energy in answer.energies
        }
