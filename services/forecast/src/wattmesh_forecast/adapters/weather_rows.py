"""Sources of weather, and what they told, as rows."""

from typing import Any

import numpy as np

from wattmesh_forecast.app.weather.ports import ReportHead
from wattmesh_forecast.domain.subjects import Location
from wattmesh_forecast.domain.weather.told import (
    KeptSource,
    WeatherKind,
    WeatherReport,
    WeatherSeries,
    WeatherSource,
)

SOURCE_COLUMNS = (
    "segment, kind, display_name, priority, max_distance_m, report_interval, attribution, "
    "revision, deleted"
)
PUT_SOURCE = f"""
INSERT INTO weather_sources ({SOURCE_COLUMNS})
VALUES (%(segment)s, %(kind)s, %(display_name)s, %(priority)s, %(max_distance_m)s,
    %(report_interval)s, %(attribution)s, %(revision)s, %(deleted)s)
ON CONFLICT (segment) DO UPDATE SET display_name = excluded.display_name, kind = excluded.kind,
    priority = excluded.priority, max_distance_m = excluded.max_distance_m,
    report_interval = excluded.report_interval, attribution = excluded.attribution,
    revision = excluded.revision, deleted = excluded.deleted
"""
HEAD_COLUMNS = (
    "name, source, latitude_degrees, longitude_degrees, elevation_m, member, issue_time, "
    "start_time, resolution"
)
REPORT_COLUMNS = f"{HEAD_COLUMNS}, column_names, column_values"
ADD_REPORT = f"""
INSERT INTO weather_told ({REPORT_COLUMNS}, end_time)
VALUES (%(name)s, %(source)s, %(latitude)s, %(longitude)s, %(elevation_m)s, %(member)s,
    %(issue_time)s, %(start_time)s, %(resolution)s, %(column_names)s, %(column_values)s,
    %(end_time)s)
ON CONFLICT (name) DO NOTHING
"""
_VALUES = np.dtype("<f8")


def row_of_source(kept: KeptSource) -> dict[str, Any]:
    """Return a source as the values of its row."""
    source = kept.source
    return {
        "segment": source.segment,
        "kind": source.kind.value,
        "display_name": source.display_name,
        "priority": source.priority,
        "max_distance_m": source.max_distance_m,
        "report_interval": source.report_interval,
        "attribution": source.attribution,
        "revision": kept.revision,
        "deleted": kept.deleted,
    }


def source_from_row(row: tuple[Any, ...]) -> KeptSource:
    """Return the source of a row."""
    segment, kind, display_name, priority, distance, interval, attribution, revision, deleted = row
    return KeptSource(
        source=WeatherSource(
            segment=segment,
            kind=WeatherKind(kind),
            display_name=display_name,
            priority=priority,
            max_distance_m=distance,
            report_interval=interval,
            attribution=attribution,
        ),
        revision=revision,
        deleted=deleted,
    )


def row_of_report(report: WeatherReport) -> dict[str, Any]:
    """Return a report as the values of its row."""
    series = report.series
    values = np.concatenate(list(series.columns.values())).astype(_VALUES)
    return {
        "name": report.name,
        "source": report.source,
        "latitude": report.place.latitude_degrees,
        "longitude": report.place.longitude_degrees,
        "elevation_m": report.elevation_m,
        "member": report.member,
        "issue_time": report.issue_time,
        "start_time": series.start,
        "end_time": series.span.end,
        "resolution": series.resolution,
        "column_names": list(series.columns),
        "column_values": values.tobytes(),
    }


def report_from_row(row: tuple[Any, ...]) -> WeatherReport:
    """Return the report of a row."""
    (_, source, latitude, longitude, elevation, member, issued, start, resolution) = row[:9]
    names, content = row[9:]
    values = np.frombuffer(content, _VALUES).astype(np.float64).reshape(len(names), -1)
    return WeatherReport(
        source=source,
        place=Location(latitude_degrees=latitude, longitude_degrees=longitude),
        issue_time=issued,
        series=WeatherSeries(
            start=start, resolution=resolution, columns=dict(zip(names, values, strict=True))
        ),
        elevation_m=elevation,
        member=member,
    )


def head_from_row(row: tuple[Any, ...]) -> ReportHead:
    """Return what a report is about."""
    name, _, latitude, longitude, elevation, member, issued, _, _ = row
    return ReportHead(
        name=name,
        place=Location(latitude_degrees=latitude, longitude_degrees=longitude),
        elevation_m=elevation,
        issue_time=issued,
        member=member,
    )
