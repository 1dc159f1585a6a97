"""Time ranges and rasters. Instants are UTC; days are those of a zone."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from wattmesh_kernel.errors import InvalidArgument

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""The origin of the UTC raster that intervals are aligned to."""


def to_utc(moment: datetime) -> datetime:
    """Return `moment` in UTC; InvalidArgument when it has no time zone."""
    if moment.tzinfo is UTC:
        return moment
    if moment.tzinfo is None:
        raise InvalidArgument("NAIVE_TIME", f"{moment.isoformat()} has no time zone", field="time")
    return moment.astimezone(UTC)


def time_zone(name: str, field: str = "time_zone") -> ZoneInfo:
    """Return the IANA time zone of that name; InvalidArgument naming `field` when there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # OSError: too long for a file
        raise InvalidArgument(
            "UNKNOWN_TIME_ZONE", f"{name[:100]!r} is no IANA time zone", field=field
        ) from error


def check_resolution(resolution: timedelta) -> None:
    """Raise InvalidArgument unless `resolution` is positive."""
    if resolution <= timedelta(0):
        raise InvalidArgument(
            "INVALID_RESOLUTION",
            f"resolution must be positive, not {resolution}",
            field="resolution",
        )


def floor_time(moment: datetime, resolution: timedelta) -> datetime:
    """Return the last instant of the UTC epoch raster at or before `moment`.

    `floor_time(10:50, 15 min)` is 10:45. Error: InvalidArgument for a naive time or a resolution
    that is not positive.
    """
    check_resolution(resolution)
    moment = to_utc(moment)
    return moment - (moment - EPOCH) % resolution


def ceil_time(moment: datetime, resolution: timedelta) -> datetime:
    """Return the first instant of the UTC epoch raster at or after `moment`."""
    check_resolution(resolution)
    moment = to_utc(moment)
    return moment + (EPOCH - moment) % resolution


@dataclass(frozen=True, slots=True, order=True)
class TimeRange:
    """The instants `start <= t < end`, in UTC.

    Aware times of any zone are accepted and turned into UTC. An empty range (start == end) is
    allowed. Error: InvalidArgument when a time is naive or the end precedes the start.
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is not UTC:
            object.__setattr__(self, "start", to_utc(self.start))
        if self.end.tzinfo is not UTC:
            object.__setattr__(self, "end", to_utc(self.end))
        if self.end < self.start:
            raise InvalidArgument(
                "INVALID_RANGE",
                f"the end {self.end.isoformat()} precedes the start {self.start.isoformat()}",
                field="end_time",
            )

    @classmethod
    def of(cls, start: datetime, duration: timedelta) -> Self:
        """Return the range of this duration from `start` on."""
        return cls(start, start.astimezone(UTC) + duration)

    @property
    def duration(self) -> timedelta:
        """The elapsed time from start to end."""
        return self.end - self.start

    @property
    def empty(self) -> bool:
        """True when no instant is inside."""
        return self.start == self.end

    def contains(self, moment: datetime) -> bool:
        """Return whether `moment` is inside; the end is not."""
        return self.start <= moment < self.end

    def covers(self, other: "TimeRange") -> bool:
        """Return whether the whole of `other` is inside."""
        return self.start <= other.start and other.end <= self.end

    def intersect(self, other: "TimeRange") -> "TimeRange | None":
        """Return the common part, or None when there is no common instant."""
        start, end = max(self.start, other.start), min(self.end, other.end)
        return TimeRange(start, end) if start < end else None

    def count(self, resolution: timedelta) -> int:
        """Return how many intervals of `resolution` start in this range."""
        check_resolution(resolution)
        return -((self.start - self.end) // resolution)

    def starts(self, resolution: timedelta) -> list[datetime]:
        """Return start, start + resolution, ... while before the end."""
        return [self.start + index * resolution for index in range(self.count(resolution))]

    def __str__(self) -> str:
        return f"{self.start.isoformat()}/{self.end.isoformat()}"


def local_day(day: date, zone: ZoneInfo) -> TimeRange:
    """Return the local calendar day: 23, 24 or 25 hours long.

    `local_day(date(2024, 3, 10), ZoneInfo("America/Los_Angeles"))` is 08:00Z to 07:00Z of the next
    day, 23 hours.
    """
    following = day + timedelta(days=1)
    return TimeRange(
        datetime(day.year, day.month, day.day, tzinfo=zone),
        datetime(following.year, following.month, following.day, tzinfo=zone),
    )


def local_days(span: TimeRange, zone: ZoneInfo) -> list[TimeRange]:
    """Return one range per local calendar day that `span` touches, clipped to `span`."""
    return list(_local_days(span, zone))


def _local_days(span: TimeRange, zone: ZoneInfo) -> Iterator[TimeRange]:
    day = span.start.astimezone(zone).date()
    while True:
        whole = local_day(day, zone)
        if whole.start >= span.end:
            return
        if clipped := whole.intersect(span):
            yield clipped
        day += timedelta(days=1)
