"""What was measured, from metering."""

from collections.abc import Sequence
from datetime import timedelta

import grpc

from wattmesh.metering.v1 import metering_pb2, metering_pb2_grpc
from wattmesh_contracts.values import (
    datetime_from_proto,
    duration_to_proto,
    series_from_proto,
    time_range_to_proto,
)
from wattmesh_kernel.ids import AssetId, DeviceId, PointId
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.domain.inputs import MeteredEnergy
from wattmesh_planner.domain.projection import StateOfCharge
from wattmesh_runtime.errors import rpc_errors

_SOC_POINT = "soc_ratio"


class GrpcMeter:
    """Reads states and energies."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = metering_pb2_grpc.MeteringServiceStub(channel)

    async def states_of_charge(self, devices: Sequence[DeviceId]) -> dict[DeviceId, StateOfCharge]:
        """Return the newest state of charge of each device that has one."""
        points = [PointId(device, _SOC_POINT).name for device in devices]
        with rpc_errors():
            answer = await self._stub.GetLatestReadings(
                metering_pb2.GetLatestReadingsRequest(points=points)
            )
        return {
            PointId.parse(reading.point).device: StateOfCharge(
                measure_time=datetime_from_proto(reading.measure_time),
                soc_ratio=min(max(reading.value, 0.0), 1.0),
            )
            for reading in answer.readings
            if reading.HasField("value")
        }

    async def energy(
        self, assets: Sequence[AssetId], span: TimeRange, resolution: timedelta
    ) -> dict[AssetId, MeteredEnergy]:
        """Return the energy of each asset per interval."""
        with rpc_errors():
            answer = await self._stub.QueryEnergy(
                metering_pb2.QueryEnergyRequest(
                    assets=[asset.name for asset in assets],
                    range=time_range_to_proto(span),
                    resolution=duration_to_proto(resolution),
                )
            )
        return {
            AssetId.parse(energy.asset): MeteredEnergy(
                import_wh=series_from_proto(energy.import_energy_wh),
                export_wh=series_from_proto(energy.export_energy_wh),
            )
            for energy in answer.energies
        }
