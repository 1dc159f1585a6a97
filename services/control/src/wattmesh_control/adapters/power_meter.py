"""Metered power of devices, asked of metering."""

from datetime import timedelta

import grpc
import numpy as np

from wattmesh.metering.v1 import metering_pb2, metering_pb2_grpc
from wattmesh_contracts.values import duration_to_proto, series_from_proto, time_range_to_proto
from wattmesh_control.domain.effects.sources import PowerPoints
from wattmesh_kernel.errors import InvalidArgument, NotFound
from wattmesh_kernel.ids import PointId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.errors import rpc_errors

_HOUR = timedelta(hours=1)
_MEAN = metering_pb2.AGGREGATION_MEAN
_INCREASE = metering_pb2.AGGREGATION_INCREASE


class MeteringPowerMeter:
    """PowerMeter: a device's gauge of power, or else what its registers gained."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = metering_pb2_grpc.MeteringServiceStub(channel)

    async def power_w(
        self, points: PowerPoints, span: TimeRange, resolution: timedelta
    ) -> Series | None:
        """Return mean power [W], NaN where missing; None for points that metering does not have."""
        try:
            if points.power is not None:
                return await self._ask(points.power, span, resolution, _MEAN)
            gained = Series.filled(span, resolution, 0.0)
            for point, sign in ((points.into, 1.0), (points.out, -1.0)):
                if point is not None:
                    energy = await self._ask(point, span, resolution, _INCREASE)
                    gained = gained.with_values(gained.values + sign * energy.values)
        except (NotFound, InvalidArgument):
            return None
        return gained.with_values(gained.values * (_HOUR / resolution))

    async def last(self, point: PointId, span: TimeRange) -> float | None:
        """Return the mean of a gauge over a span."""
        try:
            series = await self._ask(point, span, span.duration, _MEAN)
        except (NotFound, InvalidArgument):
            return None
        value = float(series.values[-1])
        return value if np.isfinite(value) else None

    async def _ask(
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
            response = await self._stub.QuerySeries(request)
        return series_from_proto(response.series, "series")
