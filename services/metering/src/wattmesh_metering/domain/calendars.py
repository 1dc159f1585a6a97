"""Intervals of a calendar in a site's zone: days, weeks, months, years."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from zoneinfo import ZoneInfo

import numpy as np

from wattmesh_kernel.checks import require
from wattmesh_kernel.time import TimeRange, to_utc
from wattmesh_metering.domain.intervals import require_size
from wattmesh_metering.domain.readings import Ints, to_microseconds

_SHORTEST = timedelta(hours=22)


class CalendarUnit(Enum):
    """Which intervals."""

    DAY = "day"
    WEEK = "week"
    """From Monday on."""
    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True, kw_only=True, slots=True)
class CalendarIntervals:
    """Intervals of a calendar that fill a range; their bounds depend on the zone.

    Error: InvalidArgument for an empty or too long range.
    """

    range: TimeRange
    unit: CalendarUnit

    def __post_init__(self) -> None:
        require(not self.range.empty, "EMPTY_RANGE", "the range is empty", "range")
        require_size(self.range.duration // _SHORTEST)

    def bounds_us(self, zone: ZoneInfo) -> Ints:
        """Return the starts of all intervals and the end of the last [us since 1970].

        A day of 23 h is one. Error: InvalidArgument unless both ends of the range are bounds.
        """
        bounds = [to_microseconds(moment) for moment in self._bounds(zone)]
        for field, end in (
            ("range.start_time", self.range.start),
            ("range.end_time", self.range.end),
        ):
            require(
                to_microseconds(end) in (bounds[0], bounds[-1]),
                "OFF_RASTER",
                f"{end.isoformat()} is not where a {self.unit.value} begins in {zone.key}",
                field,
            )
        return np.array(bounds, np.int64)

    def _bounds(self, zone: ZoneInfo) -> Iterator[datetime]:
        day = self._first(self.range.start.astimezone(zone).date())
        while True:
            moment = to_utc(datetime(day.year, day.month, day.day, tzinfo=zone))
            yield moment
            if moment >= self.range.end:
                return
            day = self._next(day)

    def _first(self, day: date) -> date:
        match self.unit:
            case CalendarUnit.DAY:
                return day
            case CalendarUnit.WEEK:
                return day - timedelta(days=day.weekday())
            case CalendarUnit.MONTH:
                return day.replace(day=1)
            case CalendarUnit.YEAR:
                return day.replace(month=1, day=1)

    def _next(self, day: date) -> date:
        match self.unit:
            case CalendarUnit.DAY:
                return day + timedelta(days=1)
            case CalendarUnit.WEEK:
                return day + timedelta(days=7)
            case CalendarUnit.MONTH:
                return (day + timedelta(days=31)).replace(day=1)
            case CalendarUnit.YEAR:
                return day.replace(year=day.year + 1)
