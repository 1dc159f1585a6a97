"""Metered power, from metering."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import grpc
import numpy as np

from wattmesh.metering.v1 import metering_pb2, metering_pb2_grpc
from wattmesh_contracts.values import duration_to_proto, series_from_proto, time_range_to_proto
from wattmesh_forecast.domain.hours import HOUR
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.errors import rpc_errors


class GrpcHistory:
    """Reads energies and turns them into mean power."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = metering_pb2_grpc.MeteringServiceStub(channel)

    async def power_w(
        self, assets: Sequence[AssetId], span: TimeRange, resolution: timedelta
    ) -> Mapping[AssetId, Series]:
        """Return mean power per interval [W], positive into the asset, NaN where not metered."""
        request = metering_pb2.QueryEnergyRequest(
            assets=[asset.name for asset in assets],
            range=time_range_to_proto(span),
            resolution=duration_to_proto(resolution),
        )
        with rpc_errors():
            answer = await self._stub.QueryEnergy(request)
        asked = {asset.name: asset for asset in assets}
        return {
            asked[item.asset]: _power_w(item) for item in answer.energies if item.asset in asked
        }


def _power_w(energy: metering_pb2.AssetEnergy) -> Series:
    into = series_from_proto(energy.import_energy_wh, "import_energy_wh")
    out = energy.export_energy_wh.values
    out_wh = np.fromiter(out, dtype=np.float64, count=len(out))
    return into.with_values((into.values - out_wh) / (into.resolution / HOUR))
