"""What was metered at grid connections, from metering."""

from collections.abc import Collection
from datetime import datetime, timedelta

import grpc
import numpy as np

from wattmesh.metering.v1 import metering_pb2, metering_pb2_grpc
from wattmesh_contracts.values import (
    duration_to_proto,
    series_from_proto,
    time_range_to_proto,
    timestamp_to_proto,
)
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.errors import rpc_errors


class GrpcMeter:
    """Reads energies and adds them up."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = metering_pb2_grpc.MeteringServiceStub(channel)

    async def net_power_w(
        self,
        connections: Collection[AssetId],
        span: TimeRange,
        resolution: timedelta,
        known_by: datetime | None,
    ) -> Series:
        """Return the summed mean power at grid connections [W], import positive, NaN: unknown."""
        request = metering_pb2.QueryEnergyRequest(
            assets=[each.name for each in connections],
            range=time_range_to_proto(span),
            resolution=duration_to_proto(resolution),
        )
        if known_by is not None:
            request.known_time.CopyFrom(timestamp_to_proto(known_by))
        with rpc_errors():
            answer = await self._stub.QueryEnergy(request)
        net_wh = np.zeros(span.count(resolution))
        if len(answer.energies) < len(connections):
            net_wh[:] = np.nan
        for each in answer.energies:
            imported = series_from_proto(each.import_energy_wh).window(span).values
            exported = series_from_proto(each.export_energy_wh).window(span).values
            net_wh = net_wh + imported - exported
        return Series(span.start, resolution, net_wh / (resolution / timedelta(hours=1)))
