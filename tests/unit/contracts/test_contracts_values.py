from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from wattmesh.type.v1 import money_pb2, series_pb2, time_range_pb2
from wattmesh_contracts.values import (
    datetime_from_proto,
    duration_from_proto,
    duration_to_proto,
    money_from_proto,
    money_to_proto,
    optional_datetime_from_proto,
    series_from_proto,
    series_to_proto,
    time_range_from_proto,
    time_range_to_proto,
    timestamp_to_proto,
)
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.money import Money
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange

moments = st.datetimes(
    datetime(1900, 1, 1),  # noqa: DTZ001 (hypothesis takes naive bounds)
    datetime(2200, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
resolutions = st.timedeltas(timedelta(seconds=1), timedelta(days=1))


@given(moments)
def test_times_survive(moment: datetime) -> None:
    assert datetime_from_proto(timestamp_to_proto(moment)) == moment


def test_a_time_of_another_zone_arrives_in_utc() -> None:
    moment = datetime(2016, 8, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    back = datetime_from_proto(timestamp_to_proto(moment))
    assert (back, back.tzinfo) == (datetime(2016, 8, 1, tzinfo=UTC), UTC)


def test_a_naive_time_does_not_leave() -> None:
    with pytest.raises(InvalidArgument):
        timestamp_to_proto(datetime(2016, 8, 1))  # noqa: DTZ001


def test_a_time_out_of_range_is_refused_by_name() -> None:
    with pytest.raises(InvalidArgument) as caught:
        datetime_from_proto(Timestamp(seconds=10**15), "issue_time")
    assert caught.value.field == "issue_time"


def test_an_absent_time_is_none() -> None:
    span = time_range_pb2.TimeRange(end_time=Timestamp(seconds=5))
    assert optional_datetime_from_proto(span.start_time, present=False) is None
    assert optional_datetime_from_proto(span.end_time, present=True) == datetime(
        1970, 1, 1, 0, 0, 5, tzinfo=UTC
    )


@given(st.timedeltas(timedelta(days=-(10**4)), timedelta(days=10**4)))
def test_durations_survive(duration: timedelta) -> None:
    assert duration_from_proto(duration_to_proto(duration)) == duration


def test_a_duration_out_of_range_is_refused() -> None:
    with pytest.raises(InvalidArgument):
        duration_from_proto(Duration(seconds=10**16))


@given(moments, resolutions)
def test_time_ranges_survive(start: datetime, length: timedelta) -> None:
    span = TimeRange(start, start + length)
    assert time_range_from_proto(time_range_to_proto(span)) == span


def test_half_a_time_range_is_refused_by_name() -> None:
    with pytest.raises(InvalidArgument) as caught:
        time_range_from_proto(time_range_pb2.TimeRange(start_time=Timestamp()), "window")
    assert caught.value.field == "window.end_time"


@given(moments, resolutions, st.lists(st.floats(allow_nan=True), max_size=50))
def test_series_survive_with_their_gaps(
    start: datetime, resolution: timedelta, values: list[float]
) -> None:
    series = Series(start, resolution, values)  # type: ignore[arg-type]
    wire = series_pb2.Series.FromString(series_to_proto(series).SerializeToString())
    assert series_from_proto(wire) == series


@pytest.mark.parametrize(
    ("proto", "field"),
    [
        (series_pb2.Series(resolution=Duration(seconds=1)), "s.start_time"),
        (series_pb2.Series(start_time=Timestamp()), "s.resolution"),
        (series_pb2.Series(start_time=Timestamp(), resolution=Duration()), "s.resolution"),
    ],
)
def test_a_series_without_its_raster_is_refused_by_name(
    proto: series_pb2.Series, field: str
) -> None:
    with pytest.raises(InvalidArgument) as caught:
        series_from_proto(proto, "s")
    assert caught.value.field == field


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6))
def test_money_survives_to_the_last_digit(amount: Decimal) -> None:
    money = Money(amount, "EUR")
    assert money_from_proto(money_to_proto(money)) == money


def test_money_is_written_as_a_plain_decimal() -> None:
    assert money_to_proto(Money(Decimal("1E+3"), "EUR")).amount == "1000"


@pytest.mark.parametrize("amount", ["", "1,5", "NaN"])
def test_money_that_is_none_is_refused(amount: str) -> None:
    with pytest.raises(InvalidArgument):
        money_from_proto(money_pb2.Money(amount=amount, currency_code="EUR"))
