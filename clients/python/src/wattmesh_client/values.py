"""Times and series, to and from the contracts' types."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from wattmesh.type.v1.time_range_pb2 import TimeRange


def timestamp(moment: datetime) -> Timestamp:
    """Return an instant. Error: ValueError for a time without a zone."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment} is in no time zone: is it UTC?")
    proto = Timestamp()
    proto.FromDatetime(moment.astimezone(UTC))
    return proto


def moment(proto: Timestamp) -> datetime:
    """Return an instant, in UTC."""
    return proto.ToDatetime(UTC)


def duration(span: timedelta) -> Duration:
    """Return a length of time."""
    proto = Duration()
    proto.FromTimedelta(span)
    return proto


def time_range(start: datetime, end: datetime) -> TimeRange:
    """Return the range from `start` on, and before `end`."""
    return TimeRange(start_time=timestamp(start), end_time=timestamp(end))


def samples(series: Any, values: str) -> Iterator[tuple[datetime, float]]:
    """Give the start of each interval of a series and its value; NaN is missing."""
    start, step = moment(series.start_time), series.resolution.ToTimedelta()
    for number, value in enumerate(getattr(series, values)):
        yield start + number * step, value
