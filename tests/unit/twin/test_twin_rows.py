"""Rows on a local wall clock, through both changes of daylight-saving time."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.series import Series
from wattmesh_twin.adapters.data.rows import local_raster, utc_raster

HOUR = timedelta(hours=1)
LOS_ANGELES = ZoneInfo("America/Los_Angeles")


def local_hours(start: datetime, count: int, zone: ZoneInfo = LOS_ANGELES) -> Series:
    """Rows whose value is the number of the row."""
    times = [start + row * HOUR for row in range(count)]
    return local_raster(times, HOUR, zone).series(np.arange(count, dtype=np.float64))


def naive(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_row_holds_the_value_of_its_local_hour() -> None:
    series = local_hours(naive("2016-08-01T00:00"), 24)
    assert series.start == datetime(2016, 8, 1, 7, tzinfo=UTC)
    assert series.at(datetime(2016, 8, 1, 19, tzinfo=UTC)) == 12


def test_the_hour_that_autumn_repeats_has_its_one_row_twice() -> None:
    series = local_hours(naive("2016-11-06T00:00"), 24)
    assert series.values.tolist()[:4] == [0, 1, 1, 2]
    assert len(series) == 25


def test_the_hour_that_spring_skips_is_dropped() -> None:
    series = local_hours(naive("2017-03-12T00:00"), 24)
    assert series.values.tolist()[:4] == [0, 1, 3, 4]
    assert len(series) == 23


def test_a_year_of_local_rows_is_a_year_of_utc_hours() -> None:
    series = local_hours(naive("2016-08-01T00:00"), 8760)
    assert series.end == datetime(2017, 8, 1, 7, tzinfo=UTC)
    assert len(series) == 8760
    assert not np.isnan(series.values).any()


def test_two_rows_for_the_repeated_hour_are_its_two_times() -> None:
    times = [naive(f"2016-11-06T{hour}:00") for hour in ("00", "01", "01", "02")]
    series = local_raster(times, HOUR, LOS_ANGELES).series(np.array([0.0, 10, 20, 30]))
    assert series.values.tolist() == [0, 10, 20, 30]


def test_a_row_that_is_missing_is_missing() -> None:
    times = [naive("2016-08-01T00:00"), naive("2016-08-01T02:00")]
    series = local_raster(times, HOUR, LOS_ANGELES).series(np.array([1.0, 2.0]))
    np.testing.assert_array_equal(series.values, [1, np.nan, 2])


def test_hours_of_a_zone_half_an_hour_off_become_half_hours() -> None:
    series = local_hours(naive("2016-08-01T00:00"), 2, ZoneInfo("Asia/Kolkata"))
    assert series.start == datetime(2016, 7, 31, 18, 30, tzinfo=UTC)
    assert series.resolution == HOUR / 2
    assert series.values.tolist() == [0, 0, 1, 1]


def test_utc_rows_may_come_in_any_order_with_gaps_but_not_twice() -> None:
    start = datetime(2019, 1, 1, tzinfo=UTC)
    raster = utc_raster([start + 3 * HOUR, start], HOUR)
    np.testing.assert_array_equal(
        raster.series(np.array([3.0, 0.0])).values, [0, np.nan, np.nan, 3]
    )
    with pytest.raises(InvalidArgument):
        utc_raster([start, start], HOUR)
    with pytest.raises(InvalidArgument):
        utc_raster([start, start + 1.5 * HOUR], HOUR)


def test_local_rows_share_no_interval_but_the_one_that_autumn_repeats() -> None:
    start = naive("2016-11-06T00:00")
    for wrong in (start, start + 0.5 * HOUR):
        with pytest.raises(InvalidArgument, match="row 2"):
            local_raster([start, wrong], HOUR, LOS_ANGELES)
    repeated = naive("2016-11-06T01:00")
    with pytest.raises(InvalidArgument, match="row 4"):
        local_raster([start, repeated, repeated, repeated], HOUR, LOS_ANGELES)
