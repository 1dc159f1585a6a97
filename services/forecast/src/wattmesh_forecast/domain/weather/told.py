"""Who tells the weather, and what was told: kept as it was told, with when."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import numpy as np

from wattmesh_forecast.domain.hours import Floats
from wattmesh_forecast.domain.subjects import Location
from wattmesh_forecast.domain.weather.columns import BOUNDS, quantity_of
from wattmesh_kernel.checks import (
    require,
    require_between,
    require_display_name,
    require_positive,
    require_text,
)
from wattmesh_kernel.ids import check_segment, split_name
from wattmesh_kernel.time import TimeRange

EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""Of the times that weather is told of."""
LONGEST_RESOLUTION = timedelta(days=31)
MOST_VALUES = 20_000
"""Intervals of a report: two weeks by the minute."""


class WeatherKind(StrEnum):
    """What reports tell."""

    OBSERVATION = "observation"
    FORECAST = "forecast"
    REANALYSIS = "reanalysis"
    CLIMATOLOGY = "climatology"


@dataclass(frozen=True, kw_only=True, slots=True)
class WeatherSource:
    """Somebody who tells weather; `segment` is the last part of its name."""

    segment: str
    kind: WeatherKind
    display_name: str = ""
    priority: int = 0
    max_distance_m: float | None = None
    report_interval: timedelta | None = None
    attribution: str = ""

    def __post_init__(self) -> None:
        check_segment("weather source", self.segment)
        require_display_name(self.display_name)
        require_between(self.priority, 0, 100, "priority")
        require_positive(self.max_distance_m, "max_distance_m")
        require_text(self.attribution, 1000, "attribution")
        positive = self.report_interval is None or self.report_interval > timedelta(0)
        require(positive, "INVALID_DURATION", "report_interval is positive", "report_interval")

    @property
    def name(self) -> str:
        """`weather-sources/{weather_source}`."""
        return f"weather-sources/{self.segment}"


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptSource:
    """A source as it is kept; a deleted one tells nothing more."""

    source: WeatherSource
    revision: int
    deleted: bool = False

    @property
    def etag(self) -> str:
        """Changes with every change."""
        return f"{self.revision:x}"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class WeatherSeries:
    """Columns of one length (n,) over intervals from `start` on; NaN where nothing is known.

    Errors: InvalidArgument for no columns or none of one length, a resolution that is not whole
    seconds, and values that no weather has.
    """

    start: datetime
    resolution: timedelta
    columns: Mapping[str, Floats]

    def __post_init__(self) -> None:
        whole = self.resolution > timedelta(0) and not self.resolution % timedelta(seconds=1)
        require(whole, "INVALID_RESOLUTION", "whole seconds, above 0", "series.resolution")
        early = self.start >= EARLIEST
        require(early, "INVALID_WEATHER", f"not before {EARLIEST:%Y}", "series.start_time")
        long = self.resolution <= LONGEST_RESOLUTION
        require(long, "INVALID_RESOLUTION", f"at most {LONGEST_RESOLUTION}", "series.resolution")
        counts = {len(values) for values in self.columns.values()}
        require(
            len(counts) == 1 and 0 < max(counts) <= MOST_VALUES,
            "INVALID_WEATHER",
            f"1 to {MOST_VALUES} intervals, as many in each column that is there",
            "series",
        )
        ends = self.start < LATEST - len(self) * self.resolution
        require(ends, "INVALID_WEATHER", f"ends before {LATEST:%Y}", "series.start_time")
        for name, values in self.columns.items():
            least, most = BOUNDS[quantity_of(name)]
            fine = np.isnan(values) | ((values >= least) & (values <= most))
            require(bool(fine.all()), "INVALID_WEATHER", f"{least:g} to {most:g}", f"series.{name}")

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    @property
    def span(self) -> TimeRange:
        """From the start of the first to the end of the last interval."""
        return TimeRange.of(self.start, len(self) * self.resolution)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class WeatherReport:
    """What a source (`source` is its last segment) told of a place at `issue_time`."""

    source: str
    place: Location
    issue_time: datetime
    series: WeatherSeries
    elevation_m: float | None = None
    member: int = 0

    def __post_init__(self) -> None:
        issued = EARLIEST <= self.issue_time < LATEST
        require(issued, "INVALID_WEATHER", f"from {EARLIEST:%Y} on", "issue_time")
        require(self.member >= 0, "INVALID_WEATHER", "not negative", "ensemble_member")

    @property
    def name(self) -> str:
        """`weather-sources/{source}/reports/{report}`: the same for the same place and issue."""
        about = (self.place, self.issue_time.isoformat(), self.member)
        digest = hashlib.blake2s(repr(about).encode(), digest_size=6).hexdigest()
        return f"weather-sources/{self.source}/reports/{self.issue_time:%Y%m%dt%H%M%Sz}-{digest}"


def source_segment(name: str, field: str = "name") -> str:
    """Return the last segment of `weather-sources/{weather_source}`; InvalidArgument."""
    (segment,) = split_name("weather source", name, field, "weather-sources")
    check_segment("weather source", segment, field)
    return segment
