"""What sites took from the electricity grid and gave to it, from metering."""

from collections.abc import Sequence
from datetime import timedelta

import grpc
import numpy as np

from wattmesh.metering.v1 import metering_pb2, metering_pb2_grpc
from wattmesh_contracts.values import duration_to_proto, series_from_proto, time_range_to_proto
from wattmesh_dashboard.app.ports import Exchanged
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.errors import rpc_errors


class GrpcExchange:
    """Asks metering."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = metering_pb2_grpc.MeteringServiceStub(channel)

    async def exchanged(
        self, connections: Sequence[AssetId], span: TimeRange, resolution: timedelta
    ) -> Exchanged:
        """Return the energies of grid connections together."""
        request = metering_pb2.QueryEnergyRequest(
            assets=[asset.name for asset in connections],
            range=time_range_to_proto(span),
            resolution=duration_to_proto(resolution),
        )
        with rpc_errors():
            answer = await self._stub.QueryEnergy(request)
        imported = [series_from_proto(each.import_energy_wh).values for each in answer.energies]
        exported = [series_from_proto(each.export_energy_wh).values for each in answer.energies]
        return Exchanged(
            import_wh=Series(span.start, resolution, np.sum(imported, axis=0)),
            export_wh=Series(span.start, resolution, np.sum(exported, axis=0)),
        )
