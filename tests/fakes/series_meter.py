"""What metering answers of points: a series for each that is known."""

from collections.abc import Callable
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from wattmesh.metering.v1 import metering_pb2
from wattmesh.type.v1 import error_reason_pb2
from wattmesh_contracts.values import (
    duration_from_proto,
    series_to_proto,
    time_range_from_proto,
)
from wattmesh_kernel.errors import NotFound
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange

PowerAt = Callable[[TimeRange, int], NDArray[np.float64]]
"""Gives the mean power of so many intervals of a range [W], NaN where missing."""


class SeriesMeter:
    """Answers QuerySeries of the points in `powers`; a mixin for a fake of metering."""

    powers: dict[str, PowerAt]
    batches: list[int]
    """Of how many series each BatchQuerySeries was."""

    async def QuerySeries(  # noqa: N802
        self, request: metering_pb2.QuerySeriesRequest, context: object
    ) -> metering_pb2.QuerySeriesResponse:
        if request.point not in self.powers:
            raise NotFound("POINT_NOT_FOUND", f"there is no {request.point}")
        span = time_range_from_proto(request.range, "range")
        resolution = duration_from_proto(request.resolution)
        values = self.powers[request.point](span, span.count(resolution))
        series = Series(span.start, resolution, values)
        return metering_pb2.QuerySeriesResponse(series=series_to_proto(series))

    async def BatchQuerySeries(  # noqa: N802
        self, request: metering_pb2.BatchQuerySeriesRequest, context: object
    ) -> metering_pb2.BatchQuerySeriesResponse:
        self.batches.append(len(request.requests))
        return metering_pb2.BatchQuerySeriesResponse(
            answers=[await self._answer(each, context) for each in request.requests]
        )

    async def _answer(
        self, request: metering_pb2.QuerySeriesRequest, context: object
    ) -> metering_pb2.SeriesAnswer:
        try:
            return metering_pb2.SeriesAnswer(
                series=(await self.QuerySeries(request, context)).series
            )
        except NotFound as refusal:
            reason = error_reason_pb2.ErrorReason.Value(f"ERROR_REASON_{refusal.reason}")
            return metering_pb2.SeriesAnswer(reason=reason, message=refusal.message)


def stepping(*steps: tuple[datetime, float], noise_w: float = 5.0) -> PowerAt:
    """Return power that is 0 W and becomes something else at each of these times, with noise."""

    def power(span: TimeRange, count: int) -> NDArray[np.float64]:
        dt = span.duration / count
        starts = [span.start + index * dt for index in range(count)]
        seed = int(span.start.timestamp()) % 2**32
        values = np.random.default_rng(seed).normal(0.0, noise_w, count)
        for moment, power_w in steps:
            values = np.where([x >= moment for x in starts], power_w + values % 1, values)
        return values

    return power
