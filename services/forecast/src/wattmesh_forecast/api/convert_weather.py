"""wattmesh.weather.v1 ↔ the domain."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import groupby

import numpy as np

from wattmesh.weather.v1 import weather_pb2
from wattmesh.weather.v1 import weather_service_pb2 as pb
from wattmesh_contracts.masks import merged
from wattmesh_contracts.values import (
    at_field,
    duration_from_proto,
    duration_to_proto,
    optional_datetime_from_proto,
    required_datetime_from_proto,
    time_range_from_proto,
    time_range_to_proto,
    timestamp_to_proto,
)
from wattmesh_forecast.app.weather.ports import ReportHead, ReportPosition
from wattmesh_forecast.app.weather.query import WeatherAnswer, WeatherQuestion
from wattmesh_forecast.domain.hours import Floats
from wattmesh_forecast.domain.subjects import Location
from wattmesh_forecast.domain.weather.columns import Quantity, column, height_of, quantity_of
from wattmesh_forecast.domain.weather.told import (
    KeptSource,
    WeatherKind,
    WeatherReport,
    WeatherSeries,
    WeatherSource,
    source_segment,
)
from wattmesh_kernel.checks import require, require_between, require_finite, require_positive
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.time import TimeRange

_KINDS = {
    weather_pb2.WEATHER_KIND_OBSERVATION: WeatherKind.OBSERVATION,
    weather_pb2.WEATHER_KIND_FORECAST: WeatherKind.FORECAST,
    weather_pb2.WEATHER_KIND_REANALYSIS: WeatherKind.REANALYSIS,
    weather_pb2.WEATHER_KIND_CLIMATOLOGY: WeatherKind.CLIMATOLOGY,
}
_TO_KIND = {kind: proto for proto, kind in _KINDS.items()}
_FIELDS = {
    Quantity.TEMPERATURE: "temperatures_celsius",
    Quantity.HUMIDITY: "humidity_ratios",
    Quantity.GLOBAL_IRRADIANCE: "global_horizontal_irradiances_w_per_m2",
    Quantity.DIRECT_IRRADIANCE: "direct_normal_irradiances_w_per_m2",
    Quantity.DIFFUSE_IRRADIANCE: "diffuse_horizontal_irradiances_w_per_m2",
    Quantity.CLOUD_COVER: "cloud_cover_ratios",
    Quantity.PRESSURE: "pressures_pa",
    Quantity.PRECIPITATION: "precipitations_kg_per_m2",
    Quantity.SNOW_DEPTH: "snow_depths_m",
}


def source_from_proto(proto: weather_pb2.WeatherSource) -> WeatherSource:
    """Return a source; InvalidArgument with the field when it makes no sense."""
    kind = _KINDS.get(proto.kind)
    if kind is None:
        raise InvalidArgument("MISSING_FIELD", "kind is required", field="kind")
    interval = proto.HasField("report_interval")
    return WeatherSource(
        segment=source_segment(proto.name),
        kind=kind,
        display_name=proto.display_name,
        priority=proto.priority,
        max_distance_m=proto.max_distance_m if proto.HasField("max_distance_m") else None,
        report_interval=duration_from_proto(proto.report_interval, "report_interval")
        if interval
        else None,
        attribution=proto.attribution,
    )


def source_to_proto(kept: KeptSource) -> weather_pb2.WeatherSource:
    """Return a source with its etag."""
    source = kept.source
    every = source.report_interval
    return weather_pb2.WeatherSource(
        name=source.name,
        display_name=source.display_name,
        etag=kept.etag,
        kind=_TO_KIND[source.kind],
        priority=source.priority,
        max_distance_m=source.max_distance_m,
        report_interval=None if every is None else duration_to_proto(every),
        attribution=source.attribution,
    )


def source_merge(
    given: weather_pb2.WeatherSource, paths: Sequence[str]
) -> Callable[[WeatherSource | None], WeatherSource]:
    """Return what makes the new source out of the kept one."""

    def make(kept: WeatherSource | None) -> WeatherSource:
        if kept is None:
            return source_from_proto(given)
        before = source_to_proto(KeptSource(source=kept, revision=0))
        after = merged(before, given, [path for path in paths if path != "etag"])
        after.name = before.name
        return source_from_proto(after)

    return make


def reports_from_proto(request: pb.PublishWeatherRequest) -> list[WeatherReport]:
    """Return what a source tells; InvalidArgument with the field when it makes no sense."""
    source, found = source_segment(request.parent, "parent"), list[WeatherReport]()
    for number, proto in enumerate(request.weather_reports):
        with at_field(f"weather_reports[{number}]"):
            found.append(_report_from_proto(source, proto))
    return found


def report_to_proto(report: WeatherReport) -> weather_pb2.WeatherReport:
    """Return a report with its series."""
    series = report.series
    proto = _head_to_proto(
        report.name, report.place, report.elevation_m, report.issue_time, report.member
    )
    proto.series.CopyFrom(series_to_proto(series.start, series.resolution, series.columns))
    return proto


def head_to_proto(head: ReportHead) -> weather_pb2.WeatherReport:
    """Return a report without its series."""
    return _head_to_proto(head.name, head.place, head.elevation_m, head.issue_time, head.member)


def series_to_proto(
    start: datetime, resolution: timedelta, columns: "dict[str, Floats] | object"
) -> weather_pb2.WeatherSeries:
    """Return columns as their proto; what is not known at all is left out."""
    proto = weather_pb2.WeatherSeries(
        start_time=timestamp_to_proto(start), resolution=duration_to_proto(resolution)
    )
    assert isinstance(columns, dict)
    for name, values in columns.items():
        if (field := _FIELDS.get(quantity_of(name))) is not None:
            getattr(proto, field).extend(values.tolist())
    for height in sorted({h for name in columns if (h := height_of(name)) is not None}):
        speeds = columns.get(column(Quantity.WIND_SPEED, height))
        directions = columns.get(column(Quantity.WIND_DIRECTION, height))
        wind = proto.winds.add(height_m=height)
        wind.speeds_m_per_s.extend([] if speeds is None else speeds.tolist())
        wind.directions_degrees.extend([] if directions is None else directions.tolist())
    return proto


def question_from_proto(request: pb.QueryWeatherRequest) -> WeatherQuestion:
    """Return what is asked; InvalidArgument with the field when it makes no sense."""
    which = request.WhichOneof("place")
    require(which is not None, "MISSING_FIELD", "a site or a location is required", "place")
    require(request.HasField("resolution"), "MISSING_FIELD", "resolution is required", "resolution")
    place: SiteId | Location
    if which == "site":
        place = SiteId.parse(request.site, "site")
    else:
        with at_field("location"):
            place = _place_from_proto(request.location)
    return WeatherQuestion(
        place=place,
        span=time_range_from_proto(request.range, "range"),
        resolution=duration_from_proto(request.resolution, "resolution"),
        known_by=optional_datetime_from_proto(
            request.known_by_time, present=request.HasField("known_by_time"), field="known_by_time"
        ),
        source=source_segment(request.weather_source, "weather_source")
        if request.weather_source
        else "",
        climatology=request.climatology_allowed,
    )


def answer_to_proto(answer: WeatherAnswer) -> pb.QueryWeatherResponse:
    """Return what was known, and where each part of it comes from."""
    known = answer.known
    whose = [
        (int(first), bool(usual)) for first, usual in zip(known.first, answer.usual, strict=True)
    ]
    parts, begin = list[pb.WeatherPart](), 0
    for (first, usual), same in groupby(whose):
        end = begin + len(list(same))
        span = TimeRange(
            known.span.start + begin * known.resolution, known.span.start + end * known.resolution
        )
        part = pb.WeatherPart(range=time_range_to_proto(span))
        if first >= 0:
            each = known.candidates[first]
            part.weather_report, part.kind = each.report.name, _TO_KIND[each.kind]
            part.issue_time.CopyFrom(timestamp_to_proto(each.report.issue_time))
            part.distance_m = each.distance_m
        elif usual:
            part.kind = weather_pb2.WEATHER_KIND_CLIMATOLOGY
        parts.append(part)
        begin = end
    series = series_to_proto(known.span.start, known.resolution, dict(known.columns))
    return pb.QueryWeatherResponse(series=series, parts=parts)


def position_from_token(token: str) -> ReportPosition | None:
    """Return where the page before ended, None for the first page; InvalidArgument."""
    if not token:
        return None
    try:
        time, name = json.loads(base64.urlsafe_b64decode(token.encode()))
        return ReportPosition(datetime.fromisoformat(time), str(name))
    except (ValueError, TypeError, binascii.Error) as error:
        raise InvalidArgument(
            "INVALID_PAGE_TOKEN", "not a page token of this list", field="page_token"
        ) from error


def token_from_position(position: ReportPosition | None) -> str:
    """Return the token of the page after a position, empty when there is none."""
    if position is None:
        return ""
    text = json.dumps([position.issue_time.isoformat(), position.name])
    return base64.urlsafe_b64encode(text.encode()).decode()


def _head_to_proto(
    name: str, place: Location, elevation_m: float | None, issue_time: datetime, member: int
) -> weather_pb2.WeatherReport:
    return weather_pb2.WeatherReport(
        name=name,
        location=weather_pb2.Location(
            latitude_degrees=place.latitude_degrees,
            longitude_degrees=place.longitude_degrees,
            elevation_m=elevation_m,
        ),
        issue_time=timestamp_to_proto(issue_time),
        ensemble_member=member,
    )


def _report_from_proto(source: str, proto: weather_pb2.WeatherReport) -> WeatherReport:
    require(proto.HasField("location"), "MISSING_FIELD", "location is required", "location")
    require(proto.HasField("series"), "MISSING_FIELD", "series is required", "series")
    place = proto.location
    with at_field("location"):
        found = _place_from_proto(place)
    elevation = place.elevation_m if place.HasField("elevation_m") else None
    require_finite(elevation, "location.elevation_m")
    return WeatherReport(
        source=source,
        place=found,
        issue_time=required_datetime_from_proto(proto, "issue_time"),
        series=_series_from_proto(proto.series),
        elevation_m=elevation,
        member=proto.ensemble_member,
    )


def _place_from_proto(proto: weather_pb2.Location) -> Location:
    require_between(proto.latitude_degrees, -90, 90, "latitude_degrees")
    require_between(proto.longitude_degrees, -180, 180, "longitude_degrees")
    return Location(
        latitude_degrees=proto.latitude_degrees, longitude_degrees=proto.longitude_degrees
    )


def _series_from_proto(proto: weather_pb2.WeatherSeries) -> WeatherSeries:
    require(proto.HasField("resolution"), "MISSING_FIELD", "required", "series.resolution")
    columns = {
        column(quantity): np.array(values, dtype=np.float64)
        for quantity, field in _FIELDS.items()
        if (values := getattr(proto, field))
    }
    for number, wind in enumerate(proto.winds):
        require_positive(wind.height_m, f"series.winds[{number}].height_m")
        columns[column(Quantity.WIND_SPEED, wind.height_m)] = np.array(wind.speeds_m_per_s)
        if wind.directions_degrees:
            there = column(Quantity.WIND_DIRECTION, wind.height_m)
            columns[there] = np.array(wind.directions_degrees)
    return WeatherSeries(
        start=required_datetime_from_proto(proto, "start_time"),
        resolution=duration_from_proto(proto.resolution, "series.resolution"),
        columns=columns,
    )
