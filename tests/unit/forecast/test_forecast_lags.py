from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np

from wattmesh_forecast.domain.hours import HOUR, LocalClock, Rows
from wattmesh_forecast.domain.lags import (
    filled,
    highest,
    known,
    mean,
    median,
    quantile,
    same_hour,
    spread,
    trailing,
)
from wattmesh_kernel.time import TimeRange

ZONE = ZoneInfo("America/Los_Angeles")


def rows(last: int, *targets: int) -> Rows:
    return Rows(target=np.array(targets), last=np.full(len(targets), last))


def test_nothing_is_known_after_the_last_hour_nor_before_the_first() -> None:
    values = np.arange(10.0)

    seen = known(values, np.array([-1, 0, 4, 5, 12]), np.array(4))

    assert np.array_equal(seen, [np.nan, 0.0, 4.0, np.nan, np.nan], equal_nan=True)


def test_the_newest_day_on_which_the_hour_could_be_known_comes_first() -> None:
    # Hour 99 is the newest; hour 100 was last seen at 76, hour 123 at 99, hour 124 at 76.
    positions = same_hour(rows(99, 100, 123, 124), 2)

    assert positions.tolist() == [[76, 52], [99, 75], [76, 52]]


def test_the_same_local_hour_is_found_on_both_sides_of_a_clock_change() -> None:
    start = datetime(2016, 10, 30, tzinfo=UTC)  # the clock goes back on November 6, 09:00 UTC
    clock = LocalClock.of(TimeRange.of(start, 240 * HOUR), ZONE)
    target = 9 * 24 + 3  # November 8, 03:00 UTC, 19:00 local time on the 7th

    positions = same_hour(rows(target - 3, target), 4, clock.offset_hours)[0]

    assert clock.hour[target] == 19
    assert clock.hour[positions].tolist() == [19] * 4
    assert (np.diff(positions) == [-25, -24, -24]).all()  # the 6th had 25 hours


def test_trailing_values_come_newest_first_with_gaps_before_the_raster() -> None:
    newest = trailing(np.arange(5.0), np.array([1, 4]), 3)

    assert np.array_equal(newest, np.array([[1.0, 0.0, np.nan], [4.0, 3.0, 2.0]]), equal_nan=True)


def test_gaps_are_filled_by_an_older_day_first() -> None:
    lags = np.array([[np.nan, 2.0, 3.0], [1.0, np.nan, np.nan], [np.nan] * 3])

    assert filled(lags, np.array([7.0, 8.0, 9.0])).tolist() == [[2, 2, 3], [1, 1, 1], [9, 9, 9]]


def test_statistics_pass_over_what_is_missing() -> None:
    values = np.array([[1.0, np.nan, 3.0, 8.0], [np.nan] * 4])

    assert np.array_equal(mean(values), [4.0, np.nan], equal_nan=True)
    assert np.array_equal(median(values), [3.0, np.nan], equal_nan=True)
    assert np.array_equal(highest(values), [8.0, np.nan], equal_nan=True)
    assert np.array_equal(quantile(values, 0.75), [5.5, np.nan], equal_nan=True)
    assert np.isclose(spread(values)[0], np.std([1, 3, 8]))
