"""Metered power, asked of metering."""

import math
from collections.abc import Sequence
from datetime import timedelta

import grpc
import numpy as np

from wattmesh.metering.v1 import metering_pb2, metering_pb2_grpc
from wattmesh_contracts.values import duration_to_proto, series_from_proto, time_range_to_proto
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.time import EPOCH, TimeRange
from wattmesh_runtime.errors import rpc_errors

_HOUR = timedelta(hours=1)


class MeteringEnergyMeter:
    """EnergyMeter: net energy of the assets, one call for all of them."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = metering_pb2_grpc.MeteringServiceStub(channel)

    async def mean_power_w(
        self, assets: Sequence[AssetId], span: TimeRange
    ) -> dict[AssetId, float]:
        """Return the mean power into each asset [W]; an asset not fully metered is left out."""
        request = metering_pb2.QueryEnergyRequest(
            assets=[asset.name for asset in assets],
            range=time_range_to_proto(span),
            resolution=duration_to_proto(grid_resolution(span)),
        )
        with rpc_errors():
            response = await self._stub.QueryEnergy(request)
        hours = span.duration / _HOUR
        powers = {AssetId.parse(each.asset): _net_wh(each) / hours for each in response.energies}
        return {asset: power_w for asset, power_w in powers.items() if math.isfinite(power_w)}


def grid_resolution(span: TimeRange) -> timedelta:
    """Return the longest resolution on whose UTC grid both ends of a range lie, whole seconds."""
    start_s, end_s = ((end - EPOCH) // timedelta(seconds=1) for end in (span.start, span.end))
    return timedelta(seconds=math.gcd(start_s, end_s))


def _net_wh(energy: metering_pb2.AssetEnergy) -> float:
    into = series_from_proto(energy.import_energy_wh, "import_energy_wh")
    out = series_from_proto(energy.export_energy_wh, "export_energy_wh")
    return float(np.sum(into.values) - np.sum(out.values))
