"""wattmesh.type.v1 and the well-known time types ↔ kernel values."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache

import numpy as np
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from numpy.typing import NDArray

from wattmesh.type.v1 import money_pb2, series_pb2, time_range_pb2
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.money import Money
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange, to_utc

_KEPT_TIMES = 4096
"""Times of a raster come again with each asset's plan, schedule and forecast: made once."""

_VALUES_TAG = bytes([series_pb2.Series.VALUES_FIELD_NUMBER << 3 | 2])

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_SECOND = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // timedelta(seconds=1)
_LAST_SECOND = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // timedelta(seconds=1)


def timestamp_to_proto(moment: datetime) -> Timestamp:
    """Return an aware time as a Timestamp; InvalidArgument when it is naive."""
    since = to_utc(moment) - _EPOCH
    seconds = since.days * 86_400 + since.seconds
    return Timestamp(seconds=seconds, nanos=since.microseconds * 1_000)


def datetime_from_proto(proto: Timestamp, field: str = "time") -> datetime:
    """Return a Timestamp as UTC, to the microsecond.

    Error: InvalidArgument naming `field` when it is outside of the years 1 to 9999.
    """
    moment = _moment(proto.seconds, proto.nanos)
    if moment is None:
        raise InvalidArgument("INVALID_TIME", "not a time", field=field)
    return moment


@lru_cache(maxsize=_KEPT_TIMES)
def _moment(seconds: int, nanos: int) -> datetime | None:
    """Return an instant; None when it is none."""
    if _FIRST_SECOND <= seconds <= _LAST_SECOND and 0 <= nanos < 1_000_000_000:
        return _EPOCH + timedelta(seconds=seconds, microseconds=nanos // 1_000)
    return None


def required_datetime_from_proto(proto: Message, field: str) -> datetime:
    """Return the Timestamp of a message's field; InvalidArgument when it is absent or no time."""
    _require(proto.HasField(field), field)
    return datetime_from_proto(getattr(proto, field), field)


def optional_datetime_from_proto(
    proto: Timestamp, *, present: bool, field: str = "time"
) -> datetime | None:
    """Return a Timestamp that may be absent: `present` is the message's HasField."""
    return datetime_from_proto(proto, field) if present else None


def duration_to_proto(duration: timedelta) -> Duration:
    """Return a timedelta as a Duration."""
    proto = Duration()
    proto.FromTimedelta(duration)
    return proto


def duration_from_proto(proto: Duration, field: str = "duration") -> timedelta:
    """Return a Duration as a timedelta, to the microsecond; InvalidArgument when out of range."""
    try:
        return proto.ToTimedelta()
    except (ValueError, OverflowError) as error:
        raise InvalidArgument("INVALID_DURATION", "not a duration", field=field) from error


def time_range_to_proto(span: TimeRange) -> time_range_pb2.TimeRange:
    """Return a half-open range as its proto."""
    return time_range_pb2.TimeRange(
        start_time=timestamp_to_proto(span.start), end_time=timestamp_to_proto(span.end)
    )


def time_range_from_proto(proto: time_range_pb2.TimeRange, field: str = "range") -> TimeRange:
    """Return a half-open range; InvalidArgument when an end is missing or they are reversed."""
    if proto.HasField("start_time") and proto.HasField("end_time"):
        start, end = proto.start_time, proto.end_time
        span = _span(start.seconds, start.nanos, end.seconds, end.nanos)
        if span is not None:
            return span
    return _checked_range(proto, field)


@lru_cache(maxsize=_KEPT_TIMES)
def _span(start_s: int, start_ns: int, end_s: int, end_ns: int) -> TimeRange | None:
    """Return a range; None when it is none."""
    start, end = _moment(start_s, start_ns), _moment(end_s, end_ns)
    if start is None or end is None or end < start:
        return None
    return TimeRange(start, end)


def _checked_range(proto: time_range_pb2.TimeRange, field: str) -> TimeRange:
    """Return a range, or say what is wrong with it."""
    _require(proto.HasField("start_time"), f"{field}.start_time")
    _require(proto.HasField("end_time"), f"{field}.end_time")
    with at_field(field):
        return TimeRange(
            datetime_from_proto(proto.start_time, "start_time"),
            datetime_from_proto(proto.end_time, "end_time"),
        )


def series_to_proto(series: Series) -> series_pb2.Series:
    """Return a regular series as its proto; missing values stay NaN."""
    proto = series_pb2.Series(
        start_time=timestamp_to_proto(series.start),
        resolution=duration_to_proto(series.resolution),
    )
    add_values(proto, series.values)
    return proto


def add_values(proto: series_pb2.Series, values: NDArray[np.float64]) -> None:
    """Add a column of values to a series, at a fifth of what a list of them costs.

    The bytes of a packed field are those of the column: they are merged as they would come by wire.
    """
    data = values.astype("<f8", copy=False).tobytes()
    if data:
        proto.MergeFromString(_VALUES_TAG + _varint(len(data)) + data)


def _varint(number: int) -> bytes:
    """Return a number as protobuf writes lengths: seven bits a byte, the lowest first."""
    parts = []
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])


def series_from_proto(proto: series_pb2.Series, field: str = "series") -> Series:
    """Return a regular series.

    Error: InvalidArgument when start or resolution is missing or the resolution is not positive.
    """
    _require(proto.HasField("start_time"), f"{field}.start_time")
    _require(proto.HasField("resolution"), f"{field}.resolution")
    start = datetime_from_proto(proto.start_time, f"{field}.start_time")
    resolution = duration_from_proto(proto.resolution, f"{field}.resolution")
    values = np.fromiter(proto.values, dtype=np.float64, count=len(proto.values))
    with at_field(field):
        return Series(start, resolution, values)


def money_to_proto(money: Money) -> money_pb2.Money:
    """Return an amount with its currency as text, exact."""
    return money_pb2.Money(currency_code=money.currency_code, amount=format(money.amount, "f"))


def money_from_proto(proto: money_pb2.Money, field: str = "money") -> Money:
    """Return an amount of money; InvalidArgument when the amount is not a decimal number."""
    try:
        amount = Decimal(proto.amount)
    except InvalidOperation as error:
        raise InvalidArgument(
            "INVALID_MONEY", f"{proto.amount!r} is not a decimal number", field=f"{field}.amount"
        ) from error
    with at_field(field):
        return Money(amount, proto.currency_code)


@contextmanager
def at_field(field: str) -> Iterator[None]:
    """Let an InvalidArgument of a part say where the part stands: `battery.capacity_wh`."""
    try:
        yield
    except InvalidArgument as error:
        raise error.within(field) from error


def _require(present: bool, field: str) -> None:
    if not present:
        raise InvalidArgument("MISSING_FIELD", f"{field} is required", field=field)
