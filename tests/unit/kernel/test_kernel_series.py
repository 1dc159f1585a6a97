from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange

START = datetime(2024, 1, 1, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
NAN = float("nan")


def quarters(*values: float, start: datetime = START) -> Series:
    return Series(start, QUARTER, np.array(values))


def test_values_cannot_be_changed_through_the_callers_array() -> None:
    source = np.ones(3)
    series = Series(START, QUARTER, source)
    source[0] = 7
    assert series.values.tolist() == [1, 1, 1]
    with pytest.raises(ValueError, match="read-only"):
        series.values[0] = 2


def test_at_answers_nan_outside_and_the_interval_value_inside() -> None:
    series = quarters(1, 2)
    assert series.at(START + timedelta(minutes=29)) == 2
    assert np.isnan(series.at(series.end))
    assert np.isnan(series.at(START - timedelta(seconds=1)))


def test_a_window_pads_with_missing_on_both_sides() -> None:
    window = quarters(1, 2).window(TimeRange(START - QUARTER, START + 3 * QUARTER))
    assert window == quarters(NAN, 1, 2, NAN, start=START - QUARTER)
    assert quarters(1, 2).window(TimeRange.of(START + 8 * QUARTER, QUARTER)).values.size == 1


def test_a_window_off_the_grid_is_refused() -> None:
    with pytest.raises(InvalidArgument):
        quarters(1).window(TimeRange.of(START + timedelta(minutes=1), QUARTER))


def test_coarser_is_the_mean_of_clock_aligned_blocks_and_missing_stays_missing() -> None:
    assert quarters(1, 3, 5, NAN).to_resolution(2 * QUARTER).values.tolist()[0] == 2
    half = quarters(1, 3, 5, start=START + QUARTER).to_resolution(2 * QUARTER)
    assert half.start == START
    np.testing.assert_array_equal(half.values, [NAN, 4])


def test_finer_holds_the_value() -> None:
    half = Series(START, 2 * QUARTER, np.array([2.0, 4.0]))
    assert half.to_resolution(QUARTER) == quarters(2, 2, 4, 4)
    with pytest.raises(InvalidArgument):
        half.to_resolution(timedelta(minutes=20))


def test_missing_values_compare_equal() -> None:
    assert quarters(1, NAN) == quarters(1, NAN)
    assert quarters(1, NAN) != quarters(1, 0)
    assert Series.filled(TimeRange.of(START, 2 * QUARTER), QUARTER, 3) == quarters(3, 3)
