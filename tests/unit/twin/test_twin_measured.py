"""Nobody looks ahead in measured data."""

from datetime import timedelta

import numpy as np
import pytest

from tests.fakes.manual_clock import ManualClock
from tests.fakes.twin_sites import HOUR, START, hourly
from wattmesh_kernel.time import TimeRange
from wattmesh_twin.domain.measured import LookAhead


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


def test_the_running_interval_is_there_for_the_physics(clock: ManualClock) -> None:
    series = hourly([1, 2, 3], clock)
    clock.advance(1.5 * HOUR)
    assert series.current(START + HOUR) == 2
    assert series.current(clock.now()) == 2


def test_an_interval_that_has_not_begun_is_refused(clock: ManualClock) -> None:
    series = hourly([1, 2, 3], clock)
    clock.advance(timedelta(minutes=59))
    with pytest.raises(LookAhead):
        series.current(START + HOUR)
    clock.advance(timedelta(minutes=1))
    assert series.current(START + HOUR) == 2


def test_history_is_handed_out_only_for_intervals_that_ended(clock: ManualClock) -> None:
    series = hourly([1, 2, 3], clock)
    clock.advance(1.5 * HOUR)
    assert series.history(TimeRange(START, START + HOUR)).values.tolist() == [1]
    with pytest.raises(LookAhead):
        series.history(TimeRange(START, START + 2 * HOUR))
    with pytest.raises(LookAhead):
        series.history(TimeRange(START, START + timedelta(minutes=90)))


def test_what_was_not_measured_is_none_and_not_zero(clock: ManualClock) -> None:
    clock.advance(10 * HOUR)
    series = hourly([0, np.nan], clock)
    assert series.current(START) == 0
    assert series.current(START + HOUR) is None
    assert series.current(START + 5 * HOUR) is None
    assert series.current(START - HOUR) is None


def test_changes_come_at_interval_bounds_until_the_data_ends(clock: ManualClock) -> None:
    series = hourly([1, 2], clock)
    assert series.next_change(START - 3 * HOUR) == START
    assert series.next_change(START) == START + HOUR
    assert series.next_change(START + timedelta(minutes=90)) == START + 2 * HOUR
    assert series.next_change(START + 2 * HOUR) is None
