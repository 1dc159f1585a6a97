"""The weather as it was known at a time."""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from wattmesh_forecast.app.followed_sites import FollowedSites
from wattmesh_forecast.app.weather.ports import WeatherRecords
from wattmesh_forecast.domain.subjects import Location
from wattmesh_forecast.domain.weather.known import Known, known_weather
from wattmesh_forecast.domain.weather.told import EARLIEST, LATEST, WeatherKind
from wattmesh_forecast.domain.weather.usual import usual_weather
from wattmesh_kernel.checks import require
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.time import TimeRange, floor_time

MOST_INTERVALS = 20_000
LOOK_BACK = timedelta(days=28)


@dataclass(frozen=True, kw_only=True, slots=True)
class WeatherQuestion:
    """What is asked: where (a site or a place), when, how finely, and as known when."""

    place: SiteId | Location
    span: TimeRange
    resolution: timedelta
    known_by: datetime | None = None
    source: str = ""
    climatology: bool = False

    def __post_init__(self) -> None:
        whole = self.resolution > timedelta(0) and not self.resolution % timedelta(seconds=1)
        require(whole, "INVALID_RESOLUTION", "whole seconds, above 0", "resolution")
        ends = (self.span.start, self.span.end)
        aligned = all(end == floor_time(end, self.resolution) for end in ends)
        require(
            aligned and not self.span.empty,
            "INVALID_RANGE",
            "the range must not be empty and have both ends on the raster of the resolution",
            "range",
        )
        known_by = self.known_by or self.span.start
        require(
            min(self.span.start, known_by) >= EARLIEST and self.span.end < LATEST,
            "INVALID_RANGE",
            f"from {EARLIEST:%Y} until before {LATEST:%Y}",
            "range",
        )
        require(
            self.span.count(self.resolution) <= MOST_INTERVALS,
            "RANGE_TOO_LONG",
            f"at most {MOST_INTERVALS} intervals",
            "range",
        )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class WeatherAnswer:
    """What was known, and at which intervals it is only what is usual of the last weeks."""

    known: Known
    usual: "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]"


class QueryWeather:
    """Puts together what was told."""

    def __init__(self, records: WeatherRecords, sites: FollowedSites, clock: Clock) -> None:
        self._records = records
        self._sites = sites
        self._clock = clock

    async def __call__(self, asked: WeatherQuestion) -> WeatherAnswer:
        """Return the weather at a place as it was known by a time.

        Errors: NotFound and FailedPrecondition `LOCATION_UNKNOWN` for a site.
        """
        place = asked.place
        if isinstance(place, SiteId):
            place = self._sites.place(place)
        now = self._clock.now()
        by = now if asked.known_by is None else min(asked.known_by, now)
        lately = TimeRange(floor_time(by, timedelta(hours=1)) - LOOK_BACK, by)
        span = asked.span
        both = TimeRange(min(lately.start, span.start), max(lately.end, span.end))
        wide = both if asked.climatology else span
        found = await self._records.candidates(place, wide, by, asked.source)
        if not asked.climatology:
            found = [each for each in found if each.kind is not WeatherKind.CLIMATOLOGY]
        known = await asyncio.to_thread(known_weather, found, asked.span, asked.resolution)
        nobody = known.first < 0
        if not asked.climatology or not nobody.any():
            return WeatherAnswer(known=known, usual=np.zeros(len(nobody), dtype=np.bool_))
        usual = await asyncio.to_thread(usual_weather, found, lately, known)
        columns = dict(known.columns)
        for name, values in usual.items():
            there = columns.get(name, np.full(len(nobody), np.nan))
            columns[name] = np.where(nobody, values, there)
        filled = np.logical_or.reduce([np.isfinite(each) for each in usual.values()] or [~nobody])
        return WeatherAnswer(known=replace(known, columns=columns), usual=nobody & filled)
