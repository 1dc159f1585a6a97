"""wattmesh.metering.v1 ↔ domain: queries and their answers."""

from collections.abc import Iterable

import numpy as np

from wattmesh.metering.v1 import metering_pb2
from wattmesh.type.v1 import error_reason_pb2, series_pb2
from wattmesh_contracts.values import duration_from_proto, series_to_proto, time_range_from_proto
from wattmesh_kernel.checks import require
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.quantities import Kind, Quantity
from wattmesh_kernel.series import Series
from wattmesh_metering.api.fields import require_present
from wattmesh_metering.app.ports import IngestStatistics
from wattmesh_metering.app.query_energy import AssetEnergy
from wattmesh_metering.app.query_series import MOST_QUESTIONS, SeriesAnswer, SeriesQuestion
from wattmesh_metering.domain.intervals import Intervals
from wattmesh_metering.domain.readings import Floats
from wattmesh_metering.domain.resampling import Aggregation
from wattmesh_metering.domain.selectors import PointSelector

_AGGREGATIONS = {
    metering_pb2.AGGREGATION_MEAN: Aggregation.MEAN,
    metering_pb2.AGGREGATION_LAST: Aggregation.LAST,
    metering_pb2.AGGREGATION_INCREASE: Aggregation.INCREASE,
    metering_pb2.AGGREGATION_MAX: Aggregation.MAX,
    metering_pb2.AGGREGATION_COUNT: Aggregation.COUNT,
}

_QUANTITY_KINDS = {
    Kind.REGISTER: metering_pb2.QUANTITY_KIND_REGISTER,
    Kind.GAUGE: metering_pb2.QUANTITY_KIND_GAUGE,
}


def intervals_from_proto(
    request: metering_pb2.QuerySeriesRequest | metering_pb2.QueryEnergyRequest,
) -> Intervals:
    """Return a query's intervals; InvalidArgument when they make no sense."""
    require_present(request, "range")
    require_present(request, "resolution")
    return Intervals(
        range=time_range_from_proto(request.range, "range"),
        resolution=duration_from_proto(request.resolution, "resolution"),
    )


def question_from_proto(request: metering_pb2.QuerySeriesRequest) -> SeriesQuestion:
    """Return what is asked of one point; InvalidArgument when it makes no sense."""
    return SeriesQuestion(
        point=PointSelector.parse(request.point),
        intervals=intervals_from_proto(request),
        aggregation=aggregation_from_proto(request.aggregation),
    )


def questions_from_proto(
    request: metering_pb2.BatchQuerySeriesRequest,
) -> list[SeriesQuestion | InvalidArgument]:
    """Return what is asked of many points, or why one of it makes no sense; at least one."""
    require(
        0 < len(request.requests) <= MOST_QUESTIONS,
        "TOO_MANY_ITEMS" if request.requests else "MISSING_FIELD",
        f"1 to {MOST_QUESTIONS} series are asked for at once, not {len(request.requests)}",
        "requests",
    )
    return [_question_or_refusal(each) for each in request.requests]


def _question_or_refusal(
    request: metering_pb2.QuerySeriesRequest,
) -> SeriesQuestion | InvalidArgument:
    try:
        return question_from_proto(request)
    except InvalidArgument as refusal:
        return refusal


def series_answer_to_proto(answer: SeriesAnswer) -> metering_pb2.SeriesAnswer:
    """Return one of many answers: a series, or why there is none."""
    if isinstance(answer, Series):
        return metering_pb2.SeriesAnswer(series=series_to_proto(answer))
    reason = error_reason_pb2.ErrorReason.Value(f"ERROR_REASON_{answer.reason}")
    return metering_pb2.SeriesAnswer(reason=reason, message=answer.message)


def aggregation_from_proto(aggregation: int) -> Aggregation:
    """Return how readings become a series; InvalidArgument when it is not said."""
    require(aggregation in _AGGREGATIONS, "MISSING_FIELD", "aggregation is required", "aggregation")
    return next(known for number, known in _AGGREGATIONS.items() if number == aggregation)


def energies_to_proto(
    energies: Iterable[AssetEnergy], intervals: Intervals
) -> metering_pb2.QueryEnergyResponse:
    """Return energies; all their series have the same intervals, which are converted once."""
    empty = series_to_proto(intervals.series(np.empty(0)))

    def series(values: Floats) -> series_pb2.Series:
        proto = series_pb2.Series(start_time=empty.start_time, resolution=empty.resolution)
        proto.values.extend(values.tolist())
        return proto

    return metering_pb2.QueryEnergyResponse(
        energies=[
            metering_pb2.AssetEnergy(
                asset=each.asset.name,
                import_energy_wh=series(each.energy.imported_wh),
                export_energy_wh=series(each.energy.exported_wh),
                derived=each.derived,
            )
            for each in energies
        ]
    )


def statistics_to_proto(
    statistics: IngestStatistics,
) -> metering_pb2.GetIngestStatisticsResponse:
    """Return counts of ingestion."""
    return metering_pb2.GetIngestStatisticsResponse(
        stored=statistics.stored,
        duplicates=statistics.duplicates,
        revised=statistics.revised,
        rejected=statistics.rejected,
        devices=[
            metering_pb2.DeviceCount(
                device=count.device.name, stored=count.stored, measure_times=count.measure_times
            )
            for count in statistics.devices
        ],
    )


def quantity_to_proto(quantity: Quantity) -> metering_pb2.Quantity:
    """Return what a point can measure."""
    return metering_pb2.Quantity(
        name=f"quantities/{quantity.id}",
        unit=quantity.unit,
        kind=_QUANTITY_KINDS[quantity.kind],
        min_value=quantity.minimum,
        max_value=quantity.maximum,
    )
