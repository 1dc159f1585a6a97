"""Energies and values, from metering."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import grpc
import numpy as np

from wattmesh.metering.v1 import metering_pb2, metering_pb2_grpc
from wattmesh.type.v1 import quality_pb2
from wattmesh_analytics.app.ports import Reading
from wattmesh_analytics.domain.day_totals import DayTotals
from wattmesh_analytics.domain.energy import Energy
from wattmesh_contracts.values import (
    duration_to_proto,
    series_from_proto,
    time_range_to_proto,
    timestamp_to_proto,
)
from wattmesh_kernel.ids import AssetId, PointId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange, ceil_time
from wattmesh_runtime.errors import rpc_errors

_MOST_VALUES = 200_000
"""How many values one answer is asked to hold; metering gives some times as many."""
_STEP, _HOUR = timedelta(seconds=1), timedelta(hours=1)
_NOT_METERED = (quality_pb2.QUALITY_ESTIMATED, quality_pb2.QUALITY_SUBSTITUTED)
_AGGREGATIONS: Mapping[Reading, metering_pb2.Aggregation.ValueType] = {
    Reading.MEAN: metering_pb2.AGGREGATION_MEAN,
    Reading.LAST: metering_pb2.AGGREGATION_LAST,
    Reading.INCREASE: metering_pb2.AGGREGATION_INCREASE,
}


class GrpcMeter:
    """Asks in pieces, so that no answer is larger than metering gives."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = metering_pb2_grpc.MeteringServiceStub(channel)

    async def energy(
        self,
        assets: Sequence[AssetId],
        span: TimeRange,
        resolution: timedelta,
        as_of: datetime | None = None,
        *,
        substitutes: bool = False,
    ) -> Mapping[AssetId, Energy]:
        """Return the energy of each asset per interval; `span` is on the raster.

        `substitutes`: by what stands in the place of what is missing too, and where that is.
        """
        most = max(_MOST_VALUES // (2 * len(assets)), 1) * resolution
        asked = metering_pb2.QueryEnergyRequest(
            assets=[each.name for each in assets],
            resolution=duration_to_proto(resolution),
            known_time=None if as_of is None else timestamp_to_proto(as_of),
            include_substitutes=substitutes,
            include_quality=substitutes,
        )
        pieces = [await self._energy(asked, piece) for piece in _pieces(span, most)]
        return {asset: _joined([piece[asset] for piece in pieces]) for asset in assets}

    async def hourly(self, point: PointId, span: TimeRange, reading: Reading) -> Series:
        """Return a point's hours; `span` is on their raster."""
        return await self.readings(point, span, _HOUR, reading)

    async def readings(
        self, point: PointId, span: TimeRange, resolution: timedelta, reading: Reading
    ) -> Series:
        """Return a point's intervals; `span` is on their raster."""
        pieces = list[Series]()
        for piece in _pieces(span, _MOST_VALUES * resolution):
            with rpc_errors():
                answer = await self._stub.QuerySeries(
                    metering_pb2.QuerySeriesRequest(
                        point=point.name,
                        range=time_range_to_proto(piece),
                        resolution=duration_to_proto(resolution),
                        aggregation=_AGGREGATIONS[reading],
                    )
                )
            pieces.append(series_from_proto(answer.series))
        return _joined_series(pieces)

    async def value_at(self, point: PointId, moment: datetime) -> float | None:
        """Return the last value at or before a moment; None when there is none within a day."""
        at = ceil_time(moment, _STEP)
        with rpc_errors():
            answer = await self._stub.QuerySeries(
                metering_pb2.QuerySeriesRequest(
                    point=point.name,
                    range=time_range_to_proto(TimeRange.of(at, _STEP)),
                    resolution=duration_to_proto(_STEP),
                    aggregation=metering_pb2.AGGREGATION_LAST,
                )
            )
        value = float(series_from_proto(answer.series).values[0])
        return value if np.isfinite(value) else None

    async def days(
        self, assets: Sequence[AssetId], days: Sequence[TimeRange]
    ) -> Mapping[datetime, DayTotals]:
        """Return what went in and out of assets together in each local day, by its start."""
        whole = TimeRange(days[0].start, days[-1].end)
        with rpc_errors():
            answer = await self._stub.QueryEnergy(
                metering_pb2.QueryEnergyRequest(
                    assets=[each.name for each in assets],
                    range=time_range_to_proto(whole),
                    calendar_unit=metering_pb2.CALENDAR_UNIT_DAY,
                )
            )
        into = np.sum([each.import_energy_wh.values for each in answer.energies], axis=0)
        out = np.sum([each.export_energy_wh.values for each in answer.energies], axis=0)
        return {
            day.start: DayTotals(import_wh=float(one), export_wh=float(other))
            for day, one, other in zip(days, into, out, strict=True)
        }

    async def _energy(
        self, asked: metering_pb2.QueryEnergyRequest, piece: TimeRange
    ) -> dict[AssetId, Energy]:
        asked.range.CopyFrom(time_range_to_proto(piece))
        with rpc_errors():
            answer = await self._stub.QueryEnergy(asked)
        return {AssetId.parse(each.asset): _energy_from_proto(each) for each in answer.energies}


def _energy_from_proto(proto: metering_pb2.AssetEnergy) -> Energy:
    import_wh = series_from_proto(proto.import_energy_wh)
    qualities = np.array(proto.qualities)
    return Energy(
        import_wh=import_wh,
        export_wh=series_from_proto(proto.export_energy_wh),
        estimated=import_wh.with_values(np.isin(qualities, _NOT_METERED))
        if len(qualities)
        else None,
    )


def _pieces(span: TimeRange, most: timedelta) -> Iterator[TimeRange]:
    start = span.start
    while start < span.end:
        end = min(start + most, span.end)
        yield TimeRange(start, end)
        start = end


def _joined(pieces: Sequence[Energy]) -> Energy:
    said = [each.estimated for each in pieces if each.estimated is not None]
    return Energy(
        import_wh=_joined_series([each.import_wh for each in pieces]),
        export_wh=_joined_series([each.export_wh for each in pieces]),
        estimated=_joined_series(said) if said else None,
    )


def _joined_series(pieces: Sequence[Series]) -> Series:
    first = pieces[0]
    return Series(first.start, first.resolution, np.concatenate([each.values for each in pieces]))
