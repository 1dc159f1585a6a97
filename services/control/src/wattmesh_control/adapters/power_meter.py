"""Metered power of devices, asked of metering."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta

import grpc

from wattmesh.metering.v1 import metering_pb2, metering_pb2_grpc
from wattmesh_contracts.values import duration_to_proto, series_from_proto, time_range_to_proto
from wattmesh_control.app.effect_ports import PowerQuestion
from wattmesh_kernel.ids import PointId
from wattmesh_kernel.series import Series
from wattmesh_runtime.errors import rpc_errors

_HOUR = timedelta(hours=1)
_MEAN = metering_pb2.AGGREGATION_MEAN
_INCREASE = metering_pb2.AGGREGATION_INCREASE
_MOST_REQUESTS = 500
_MOST_INTERVALS = 200_000
"""Of one call; about 1.6 MB of answers."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A point that has a share in a question, and with what factor it becomes power [W]."""

    question: PowerQuestion
    point: PointId
    aggregation: metering_pb2.Aggregation.ValueType
    factor: float


class MeteringPowerMeter:
    """PowerMeter: a device's gauge of power, or else what its registers gained."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = metering_pb2_grpc.MeteringServiceStub(channel)

    async def powers_w(
        self, questions: Collection[PowerQuestion]
    ) -> dict[PowerQuestion, Series | None]:
        """Return mean powers [W], NaN where missing; None for points that are not there."""
        found: dict[PowerQuestion, Series | None] = {
            each: Series.filled(each.span, each.resolution, 0.0) for each in questions
        }
        for parts in _calls(part for each in questions for part in _parts(each)):
            for part, answer in zip(parts, await self._ask(parts), strict=True):
                found[part.question] = _sum(found[part.question], answer, part.factor)
        return found

    async def _ask(self, parts: list[_Part]) -> list[Series | None]:
        request = metering_pb2.BatchQuerySeriesRequest(requests=map(_request, parts))
        with rpc_errors():
            response = await self._stub.BatchQuerySeries(request)
        return [
            series_from_proto(each.series, "series") if each.HasField("series") else None
            for each in response.answers
        ]


def _parts(question: PowerQuestion) -> list[_Part]:
    points = question.points
    if points.power is not None:
        return [_Part(question, points.power, _MEAN, 1.0)]
    per_hour = _HOUR / question.resolution
    return [
        _Part(question, point, _INCREASE, factor)
        for point, factor in ((points.into, per_hour), (points.out, -per_hour))
        if point is not None
    ]


def _calls(parts: Iterable[_Part]) -> Iterator[list[_Part]]:
    """Yield as many parts as one call bears."""
    call, intervals = list[_Part](), 0
    for part in parts:
        count = part.question.span.count(part.question.resolution)
        if call and (len(call) == _MOST_REQUESTS or intervals + count > _MOST_INTERVALS):
            yield call
            call, intervals = [], 0
        call.append(part)
        intervals += count
    if call:
        yield call


def _request(part: _Part) -> metering_pb2.QuerySeriesRequest:
    return metering_pb2.QuerySeriesRequest(
        point=part.point.name,
        range=time_range_to_proto(part.question.span),
        resolution=duration_to_proto(part.question.resolution),
        aggregation=part.aggregation,
    )


def _sum(found: Series | None, answer: Series | None, factor: float) -> Series | None:
    if found is None or answer is None:
        return None
    return found.with_values(found.values + factor * answer.values)
