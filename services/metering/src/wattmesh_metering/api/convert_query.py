"""wattmesh.metering.v1 ↔ domain: queries and their answers."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from wattmesh.metering.v1 import metering_pb2
from wattmesh.type.v1 import error_reason_pb2, quality_pb2, series_pb2
from wattmesh_contracts.values import (
    add_values,
    datetime_from_proto,
    duration_from_proto,
    series_to_proto,
    time_range_from_proto,
    timestamp_to_proto,
)
from wattmesh_kernel.checks import require
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.quantities import Kind, Quantity
from wattmesh_metering.api.convert_readings import QUALITIES
from wattmesh_metering.api.fields import present, require_present
from wattmesh_metering.app.ports import IngestStatistics, View
from wattmesh_metering.app.query_energy import AssetEnergy
from wattmesh_metering.app.query_series import (
    MOST_QUESTIONS,
    PointSeries,
    SeriesAnswer,
    SeriesQuestion,
)
from wattmesh_metering.domain.calendars import CalendarIntervals, CalendarUnit
from wattmesh_metering.domain.coverage import Worth, least
from wattmesh_metering.domain.intervals import Intervals
from wattmesh_metering.domain.readings import QUALITY_CODES, from_microseconds
from wattmesh_metering.domain.resampling import Aggregation
from wattmesh_metering.domain.selectors import AssetSelector, PointSelector

_AGGREGATIONS = {
    metering_pb2.AGGREGATION_MEAN: Aggregation.MEAN,
    metering_pb2.AGGREGATION_LAST: Aggregation.LAST,
    metering_pb2.AGGREGATION_INCREASE: Aggregation.INCREASE,
    metering_pb2.AGGREGATION_MAX: Aggregation.MAX,
    metering_pb2.AGGREGATION_COUNT: Aggregation.COUNT,
}

_UNITS = {
    metering_pb2.CALENDAR_UNIT_DAY: CalendarUnit.DAY,
    metering_pb2.CALENDAR_UNIT_WEEK: CalendarUnit.WEEK,
    metering_pb2.CALENDAR_UNIT_MONTH: CalendarUnit.MONTH,
    metering_pb2.CALENDAR_UNIT_YEAR: CalendarUnit.YEAR,
}

_QUALITY_NUMBERS = {0: quality_pb2.QUALITY_UNSPECIFIED} | {
    QUALITY_CODES[quality]: number for quality, number in QUALITIES.items()
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


def energy_query_from_proto(
    request: metering_pb2.QueryEnergyRequest,
) -> tuple[list[AssetSelector], Intervals | CalendarIntervals, View]:
    """Return what energies are asked for; InvalidArgument when it makes no sense."""
    selectors = [AssetSelector.parse(name) for name in request.assets]
    intervals: Intervals | CalendarIntervals
    if request.calendar_unit in _UNITS:
        require_present(request, "range")
        require(
            not present(request, "resolution"),
            "INVALID_RESOLUTION",
            "either a resolution or a calendar unit says what the intervals are",
            "resolution",
        )
        intervals = CalendarIntervals(
            range=time_range_from_proto(request.range, "range"), unit=_UNITS[request.calendar_unit]
        )
    else:
        require(
            request.calendar_unit == metering_pb2.CALENDAR_UNIT_UNSPECIFIED,
            "MISSING_FIELD",
            "no such calendar unit",
            "calendar_unit",
        )
        intervals = intervals_from_proto(request)
    return selectors, intervals, view_from_proto(request)


def view_from_proto(
    request: metering_pb2.QuerySeriesRequest | metering_pb2.QueryEnergyRequest,
) -> View:
    """Return how readings are to be looked at."""
    known_by = None
    if present(request, "known_time"):
        known_by = datetime_from_proto(request.known_time, "known_time")
    return View(
        known_by=known_by,
        qualities=request.include_quality,
        substitutes=request.include_substitutes,
    )


def question_from_proto(request: metering_pb2.QuerySeriesRequest) -> SeriesQuestion:
    """Return what is asked of one point; InvalidArgument when it makes no sense."""
    return _question(request, {})


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
    # Of a thousand series nearly all have the same intervals.
    known: dict[tuple[bytes, bytes], Intervals] = {}
    return [_question_or_refusal(each, known) for each in request.requests]


def _question_or_refusal(
    request: metering_pb2.QuerySeriesRequest, known: dict[tuple[bytes, bytes], Intervals]
) -> SeriesQuestion | InvalidArgument:
    try:
        return _question(request, known)
    except InvalidArgument as refusal:
        return refusal


def _question(
    request: metering_pb2.QuerySeriesRequest, known: dict[tuple[bytes, bytes], Intervals]
) -> SeriesQuestion:
    told = request.range.SerializeToString(), request.resolution.SerializeToString()
    point = PointSelector.parse(request.point)
    aggregation, view = aggregation_from_proto(request.aggregation), view_from_proto(request)
    if aggregation is Aggregation.COUNT:
        view = replace(view, substitutes=False)
    if told not in known:
        known[told] = intervals_from_proto(request)
    return SeriesQuestion(
        point=point,
        intervals=known[told],
        aggregation=aggregation,
        view=view,
    )


def series_answer_to_proto(answer: SeriesAnswer) -> metering_pb2.SeriesAnswer:
    """Return one of many answers: a series, or why there is none."""
    if isinstance(answer, PointSeries):
        return metering_pb2.SeriesAnswer(
            series=series_to_proto(answer.series),
            coverage_ratios=_coverage(answer.worth),
            qualities=_qualities(answer.worth),
        )
    reason = error_reason_pb2.ErrorReason.Value(f"ERROR_REASON_{answer.reason}")
    return metering_pb2.SeriesAnswer(reason=reason, message=answer.message)


def series_response_to_proto(answer: PointSeries) -> metering_pb2.QuerySeriesResponse:
    """Return one point's series."""
    return metering_pb2.QuerySeriesResponse(
        series=series_to_proto(answer.series),
        coverage_ratios=_coverage(answer.worth),
        qualities=_qualities(answer.worth),
    )


def aggregation_from_proto(aggregation: int) -> Aggregation:
    """Return how readings become a series; InvalidArgument when it is not said."""
    require(aggregation in _AGGREGATIONS, "MISSING_FIELD", "aggregation is required", "aggregation")
    return next(known for number, known in _AGGREGATIONS.items() if number == aggregation)


def energies_to_proto(
    energies: Sequence[AssetEnergy], request: metering_pb2.QueryEnergyRequest
) -> Iterator[metering_pb2.AssetEnergy]:
    """Yield energies; when their intervals are those of a calendar, with the bounds."""
    calendar = request.calendar_unit != metering_pb2.CALENDAR_UNIT_UNSPECIFIED
    heads: dict[int, series_pb2.Series] = {}  # nearly all assets have the same
    for each in energies:
        start_us = int(each.bounds_us[0])
        if start_us not in heads:
            start = timestamp_to_proto(from_microseconds(start_us))
            resolution = None if calendar else request.resolution
            heads[start_us] = series_pb2.Series(start_time=start, resolution=resolution)
        bounds = each.bounds_us.tolist() if calendar else []
        into, out = each.worths or (None, None)
        both = None if each.worths is None else least(each.worths, len(each.bounds_us) - 1)
        proto = metering_pb2.AssetEnergy(
            asset=each.asset.name,
            import_energy_wh=heads[start_us],
            export_energy_wh=heads[start_us],
            derived=each.derived,
            bound_times=[timestamp_to_proto(from_microseconds(bound)) for bound in bounds],
            import_coverage_ratios=_coverage(into),
            export_coverage_ratios=_coverage(out),
            qualities=_qualities(both),
        )
        add_values(proto.import_energy_wh, each.energy.imported_wh)
        add_values(proto.export_energy_wh, each.energy.exported_wh)
        yield proto


def _coverage(worth: Worth | None) -> list[float]:
    return [] if worth is None else list(worth.coverage.tolist())


def _qualities(worth: Worth | None) -> list[quality_pb2.Quality.ValueType]:
    return [] if worth is None else [_QUALITY_NUMBERS[code] for code in worth.qualities.tolist()]


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
