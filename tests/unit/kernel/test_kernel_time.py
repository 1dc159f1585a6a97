import itertools
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.time import TimeRange, ceil_time, floor_time, local_day, local_days

HOUR = timedelta(hours=1)
QUARTER = timedelta(minutes=15)
LOS_ANGELES = ZoneInfo("America/Los_Angeles")
moments = st.integers(-(10**9), 4 * 10**9).map(lambda s: datetime.fromtimestamp(s, UTC))


@given(moments, st.integers(1, 200_000))
def test_floor_and_ceil_are_the_grid_points_around_a_moment(t: datetime, seconds: int) -> None:
    resolution = timedelta(seconds=seconds)
    low, high = floor_time(t, resolution), ceil_time(t, resolution)
    assert low <= t <= high
    assert high - low in (timedelta(0), resolution)
    assert floor_time(low, resolution) == low == ceil_time(low, resolution)


def test_floor_and_ceil_use_the_utc_epoch_grid() -> None:
    t = datetime(2024, 5, 1, 10, 50, tzinfo=UTC)
    assert floor_time(t, QUARTER) == datetime(2024, 5, 1, 10, 45, tzinfo=UTC)
    assert ceil_time(t, QUARTER) == datetime(2024, 5, 1, 11, 0, tzinfo=UTC)


def test_naive_times_and_reversed_ranges_are_refused() -> None:
    with pytest.raises(InvalidArgument):
        TimeRange(datetime(2024, 1, 1), datetime(2024, 1, 2))  # noqa: DTZ001
    with pytest.raises(InvalidArgument):
        TimeRange(datetime(2024, 1, 2, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC))


def test_a_range_is_half_open_and_intersections_are_ranges_or_none() -> None:
    start = datetime(2024, 1, 1, tzinfo=UTC)
    day = TimeRange.of(start, 24 * HOUR)
    assert day.contains(start)
    assert not day.contains(day.end)
    assert day.intersect(TimeRange.of(day.end, HOUR)) is None
    assert day.intersect(TimeRange.of(start - HOUR, 2 * HOUR)) == TimeRange.of(start, HOUR)
    assert len(day.starts(QUARTER)) == 96 == day.count(QUARTER)
    assert day.starts(timedelta(hours=10))[-1] == start + 20 * HOUR


def test_local_days_have_23_24_and_25_hours() -> None:
    assert local_day(date(2024, 3, 10), LOS_ANGELES).duration == 23 * HOUR
    assert local_day(date(2024, 11, 3), LOS_ANGELES).duration == 25 * HOUR
    # In Beirut the clock goes from 00:00 to 01:00: the day starts at 01:00.
    assert local_day(date(2022, 3, 27), ZoneInfo("Asia/Beirut")).duration == 23 * HOUR


@given(moments, st.integers(1, 500))
def test_local_days_tile_the_range(start: datetime, hours: int) -> None:
    span = TimeRange.of(start, hours * HOUR)
    days = local_days(span, LOS_ANGELES)
    assert days[0].start == span.start
    assert days[-1].end == span.end
    assert all(a.end == b.start for a, b in itertools.pairwise(days))
    assert all(day.start.astimezone(LOS_ANGELES).hour == 0 for day in days[1:])
