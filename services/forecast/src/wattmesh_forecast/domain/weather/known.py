"""What was known of the weather at a place by a time, put together from what was told."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

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
    own = series.resolution // timedelta(seconds=1)
    wanted = resolution // timedelta(seconds=1)
    offset = (span.start - series.start) // timedelta(seconds=1)
    step = math.gcd(own, wanted, offset)
    found = np.full(span.count(resolution) * (wanted // step), np.nan)
    first = offset // step
    fine = np.repeat(values, own // step)
    begin, end = max(first, 0), min(first + len(found), len(fine))
    if begin < end:
        found[begin - first : end - first] = fine[begin:end]
    parts = found.reshape(-1, wanted // step)
    quantity = quantity_of(name)
    if quantity is Quantity.PRECIPITATION:
        return np.asarray(parts.sum(axis=1) * step / own)
    known = np.isfinite(parts)
    enough = known.mean(axis=1) >= _LEAST_KNOWN_RATIO
    if quantity is Quantity.WIND_DIRECTION:
        turns = np.where(known, np.exp(1j * np.radians(parts)), 0).sum(axis=1)
        return np.where(enough, np.degrees(np.angle(turns)) % 360.0, np.nan)
    total = np.where(known, parts, 0.0).sum(axis=1)
    return np.where(enough, total / np.maximum(known.sum(axis=1), 1), np.nan)


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
