"""Weather in a CSV file: a time a row, a quantity a column.

`time` begins the interval (ISO 8601 with its offset). `issue_time` says row by row when it was
known; without it one time is given for all, or rows are known when their interval ends.
"""

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from wattmesh.weather.v1 import weather_pb2
from wattmesh_contracts.values import duration_to_proto, timestamp_to_proto
from wattmesh_kernel.errors import InvalidArgument

FIELDS = {
    "temperature_celsius": "temperatures_celsius",
    "humidity_ratio": "humidity_ratios",
    "global_horizontal_irradiance_w_per_m2": "global_horizontal_irradiances_w_per_m2",
    "direct_normal_irradiance_w_per_m2": "direct_normal_irradiances_w_per_m2",
    "diffuse_horizontal_irradiance_w_per_m2": "diffuse_horizontal_irradiances_w_per_m2",
    "cloud_cover_ratio": "cloud_cover_ratios",
    "pressure_pa": "pressures_pa",
    "precipitation_kg_per_m2": "precipitations_kg_per_m2",
    "snow_depth_m": "snow_depths_m",
}
"""Columns of a file, and the contract's."""
_WIND, _DIRECTION = "wind_speed_m_per_s@", "wind_direction_degrees@"
_MOST_INTERVALS = 10_000

Row = Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Line:
    time: datetime
    issued: datetime | None
    row: Row


def reports_from_csv(
    lines: Iterable[str], location: weather_pb2.Location, issued: datetime | None
) -> list[weather_pb2.WeatherReport]:
    """Return what a file tells of a place, a report for each time of issue.

    Rows whose time of issue nobody says become one report, known when its last interval ends. What
    lacks between rows is not known. Error: InvalidArgument, with the line that makes no sense.
    """
    reader = csv.DictReader(lines)
    names = [name for name in reader.fieldnames or () if name not in ("time", "issue_time")]
    _check(reader.fieldnames or (), names)
    read = [_line(row, number) for number, row in enumerate(reader, start=2)]
    if len(read) < 2:
        raise InvalidArgument("INVALID_FILE", "at least two rows are needed")
    by_issue: dict[datetime | None, list[_Line]] = {}
    for each in read:
        by_issue.setdefault(each.issued or issued, []).append(each)
    step = _step(read)
    return [
        report
        for known, some in by_issue.items()
        for report in _reports(some, known, names, step, location)
    ]


def _check(fields: Sequence[str], names: Sequence[str]) -> None:
    if "time" not in fields or not names:
        raise InvalidArgument("INVALID_FILE", "a column `time` and a quantity are needed")
    for name in names:
        wind = name.startswith((_WIND, _DIRECTION)) and _height(name) > 0
        if name not in FIELDS and not wind:
            known = ", ".join([*FIELDS, f"{_WIND}10", f"{_DIRECTION}10"])
            raise InvalidArgument("INVALID_FILE", f"{name!r} is none of {known}")


def _height(name: str) -> float:
    try:
        return float(name.partition("@")[2])
    except ValueError:
        return math.nan


def _line(row: Row, number: int) -> _Line:
    try:
        said = row.get("issue_time")
        return _Line(time=_time(row["time"]), issued=_time(said) if said else None, row=row)
    except ValueError as error:
        raise InvalidArgument("INVALID_FILE", f"line {number}: {error}") from error


def _time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no offset from UTC, such as Z or +01:00")
    return moment.astimezone(UTC)


def _step(read: Sequence[_Line]) -> timedelta:
    times = sorted({each.time for each in read})
    if len(times) < 2:
        raise InvalidArgument("INVALID_FILE", "at least two times are needed")
    return min(later - earlier for earlier, later in pairwise(times))


def _reports(
    some: Sequence[_Line],
    issued: datetime | None,
    names: Sequence[str],
    step: timedelta,
    location: weather_pb2.Location,
) -> Iterable[weather_pb2.WeatherReport]:
    ordered = sorted(some, key=lambda each: each.time)
    while ordered:
        first = ordered[0].time
        part = [each for each in ordered if (each.time - first) // step < _MOST_INTERVALS]
        ordered = ordered[len(part) :]
        count = (part[-1].time - first) // step + 1
        known = issued or first + count * step
        yield weather_pb2.WeatherReport(
            location=location,
            issue_time=timestamp_to_proto(known),
            series=_series(part, names, first, step, count),
        )


def _series(
    part: Sequence[_Line], names: Sequence[str], first: datetime, step: timedelta, count: int
) -> weather_pb2.WeatherSeries:
    proto = weather_pb2.WeatherSeries(
        start_time=timestamp_to_proto(first), resolution=duration_to_proto(step)
    )
    columns = {name: _column(part, name, first, step, count) for name in names}
    for name, values in columns.items():
        if name in FIELDS:
            getattr(proto, FIELDS[name]).extend(values.tolist())
    for height in sorted({_height(name) for name in names if "@" in name}):
        wind = proto.winds.add(height_m=height)
        for prefix, field in (
            (_WIND, wind.speeds_m_per_s),
            (_DIRECTION, wind.directions_degrees),
        ):
            for name in names:
                if name.startswith(prefix) and _height(name) == height:
                    field.extend(columns[name].tolist())
    return proto


def _column(
    part: Sequence[_Line], name: str, first: datetime, step: timedelta, count: int
) -> NDArray[np.float64]:
    values = np.full(count, np.nan)
    for each in part:
        place, rest = divmod(each.time - first, step)
        if rest:
            raise InvalidArgument("INVALID_FILE", f"{each.time} is off the raster of {step}")
        text = (each.row.get(name) or "").strip()
        try:
            values[place] = float(text) if text else math.nan
        except ValueError as error:
            raise InvalidArgument("INVALID_FILE", f"{name} at {each.time}: {error}") from error
    return values
