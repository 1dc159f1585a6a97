"""What points showed, from metering."""

from datetime import timedelta

import grpc

from wattmesh.metering.v1 import metering_pb2, metering_pb2_grpc
from wattmesh_contracts.values import duration_to_proto, series_from_proto, time_range_to_proto
from wattmesh_kernel.ids import PointId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.errors import rpc_errors


class GrpcPointHistory:
    """Reads series of single points."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = metering_pb2_grpc.MeteringServiceStub(channel)

    async def mean(self, point: PointId, span: TimeRange, resolution: timedelta) -> Series:
        """Return the mean per interval, NaN where nothing was read."""
        return await self._series(point, span, resolution, metering_pb2.AGGREGATION_MEAN)

    async def last(self, point: PointId, span: TimeRange, resolution: timedelta) -> Series:
        """Return the newest reading at each interval's start, NaN without one in a day."""
        return await self._series(point, span, resolution, metering_pb2.AGGREGATION_LAST)

    async def _series(
        self,
        point: PointId,
        span: TimeRange,
        resolution: timedelta,
        aggregation: metering_pb2.Aggregation.ValueType,
    ) -> Series:
        request = metering_pb2.QuerySeriesRequest(
            point=point.name,
            range=time_range_to_proto(span),
            resolution=duration_to_proto(resolution),
            aggregation=aggregation,
        )
        with rpc_errors():
            answer = await self._stub.QuerySeries(request)
        return series_from_proto(answer.series)
