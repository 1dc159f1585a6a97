"""What was known of the weather at a place by a time, put together from what was told."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from wattmesh_forecast.domain.hours import Bools, Floats, Ints
from wattmesh_forecast.domain.subjects import Location
from wattmesh_forecast.domain.weather.columns import Quantity, quantity_of
from wattmesh_forecast.domain.weather.told import WeatherKind, WeatherReport, WeatherSeries
from wattmesh_kernel.time import TimeRange

_ORDER = (
    WeatherKind.OBSERVATION,
    WeatherKind.REANALYSIS,
    WeatherKind.FORECAST,
    WeatherKind.CLIMATOLOGY,
)
Summed: TypeAlias = NDArray[Any]
"""Real or complex sums."""

_EARTH_RADIUS_M = 6_371_000.0
_LEAST_KNOWN_RATIO = 0.5


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Candidate:
    """A report, what its source is, and how far away it is [m]."""

    report: WeatherReport
    kind: WeatherKind
    priority: int
    distance_m: float

    @property
    def rank(self) -> tuple[int, int, float, float]:
        """Who goes first: observed before forecast, then priority, nearness, the newest."""
        issued = self.report.issue_time.timestamp()
        return (_ORDER.index(self.kind), -self.priority, self.distance_m, -issued)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Known:
    """Columns (n,) over a range, and which candidate each interval begins with; -1: none."""

    span: TimeRange
    resolution: timedelta
    columns: Mapping[str, Floats]
    first: Ints
    candidates: Sequence[Candidate]


def known_weather(
    candidates: Sequence[Candidate],
    span: TimeRange,
    resolution: timedelta,
    believed_until: Mapping[str, datetime] | None = None,
) -> Known:
    """Return what candidates tell of a range, each interval and column by the first who knows it.

    `believed_until` bounds reports by name: later hours of theirs are not used.
    """
    ranked, count = sorted(candidates, key=lambda each: each.rank), span.count(resolution)
    columns: dict[str, Floats] = {}
    first: Ints = np.full(count, -1, dtype=np.int64)
    for number, each in enumerate(ranked):
        end = (believed_until or {}).get(each.report.name)
        for name, values in told_over(each, span, resolution).items():
            if end is not None:
                values[max(0, math.ceil((end - span.start) / resolution)) :] = np.nan
            there: Bools = np.isfinite(values)
            first[there & (first < 0)] = number
            kept = columns.setdefault(name, np.full(count, np.nan))
            np.copyto(kept, values, where=there & np.isnan(kept))
    return Known(
        span=span, resolution=resolution, columns=columns, first=first, candidates=tuple(ranked)
    )


def told_over(each: Candidate, span: TimeRange, resolution: timedelta) -> dict[str, Floats]:
    """Return what a report tells of a range; what is usual counts for every year."""
    series = each.report.series
    if each.kind is WeatherKind.CLIMATOLOGY:
        return _of_any_year(series, span, resolution)
    return {
        name: _over(name, values, series, span, resolution)
        for name, values in series.columns.items()
    }


def distance_m(one: Location, other: Location) -> float:
    """Return the distance of two places along the great circle [m] (haversine formula)."""
    lat, other_lat = math.radians(one.latitude_degrees), math.radians(other.latitude_degrees)
    half_lat = (other_lat - lat) / 2
    half_lon = math.radians(other.longitude_degrees - one.longitude_degrees) / 2
    part = math.sin(half_lat) ** 2 + math.cos(lat) * math.cos(other_lat) * math.sin(half_lon) ** 2
    return 2 * _EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(part)))


def _over(
    name: str, values: Floats, series: WeatherSeries, span: TimeRange, resolution: timedelta
) -> Floats:
    """Return a column on another raster: means of what is known, sums of what is all known."""
    count, width = span.count(resolution), resolution / series.resolution
    first = (span.start - series.start) / series.resolution
    if width == 1.0 and first.is_integer():
        return _window(values, int(first), count)
    quantity, known = quantity_of(name), np.isfinite(values)
    if quantity is Quantity.WIND_DIRECTION:
        turns = np.where(known, np.exp(1j * np.radians(values)), 0.0)
        total, part = _sums(turns, known, first, width, count)
        return np.where(_enough(part, width), np.degrees(np.angle(total)) % 360.0, np.nan)
    total, part = _sums(np.where(known, values, 0.0), known, first, width, count)
    if quantity is Quantity.PRECIPITATION:
        return np.where(part >= width * (1.0 - 1e-9), np.maximum(total, 0.0), np.nan)
    means = total / np.maximum(part, 1e-12)
    # Differences of sums are not exact: no mean lies beyond all that it is one of.
    least, most = (float(each(values[known])) if known.any() else 0.0 for each in (np.min, np.max))
    return np.where(_enough(part, width), np.clip(means, least, most), np.nan)


def _window(values: Floats, first: int, count: int) -> Floats:
    found = np.full(count, np.nan)
    begin, end = max(first, 0), min(first + count, len(values))
    if begin < end:
        found[begin - first : end - first] = values[begin:end]
    return found


def _sums(
    values: Summed, known: Bools, first: float, width: float, count: int
) -> tuple[Summed, Floats]:
    """Return sums over intervals, and how much of each is known, in intervals of the series."""
    edges = np.arange(len(values) + 1, dtype=np.float64)
    at = np.clip(first + width * np.arange(count + 1), 0.0, edges[-1])
    sums = np.concatenate([[0.0], np.cumsum(values)])
    there = np.concatenate([[0.0], np.cumsum(known.astype(np.float64))])
    return np.diff(np.interp(at, edges, sums)), np.diff(np.interp(at, edges, there))


def _enough(part: Floats, width: float) -> Bools:
    return np.asarray(part >= width * _LEAST_KNOWN_RATIO * (1.0 - 1e-9))


def _of_any_year(
    series: WeatherSeries, span: TimeRange, resolution: timedelta
) -> dict[str, Floats]:
    """Return what was told of the same times of another year."""
    years = range(series.start.year, series.span.end.year + 1)
    positions = np.array(
        [_position(series, start, years) for start in span.starts(resolution)], dtype=np.int64
    )
    return {
        name: np.where(positions < 0, np.nan, values[np.maximum(positions, 0)])
        for name, values in series.columns.items()
    }


def _position(series: WeatherSeries, moment: datetime, years: range) -> int:
    """Return the interval of a series that is as late in its year, -1 when there is none."""
    day = 28 if (moment.month, moment.day) == (2, 29) else moment.day
    for year in years:
        then = moment.replace(year=year, day=day)
        if series.span.contains(then):
            return (then - series.start) // series.resolution
    return -1
