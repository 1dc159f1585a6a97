"""Baselines against figures worked out by hand."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from wattmesh_kernel.baseline import (
    Adjustment,
    Baseline,
    BaselineMethod,
    event_days,
    look_back,
    work_out,
)
from wattmesh_kernel.errors import FailedPrecondition, InvalidArgument
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange

BERLIN = ZoneInfo("Europe/Berlin")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
START = datetime(2024, 5, 15, 15, tzinfo=UTC)
"""A Wednesday, 17 h in Berlin."""
SPAN = TimeRange.of(START, 2 * HOUR)
HIGH = Baseline(method=BaselineMethod.HIGH_OF_RECENT_DAYS)


def metered(hours: dict[datetime, float] | None = None, usual_w: float = 1_000.0) -> Series:
    """By the hour over 60 days until the end of the event, 1 kW where nothing else is said."""
    first = START - 60 * DAY
    values = np.full(60 * 24 + 2, usual_w)
    for moment, value in (hours or {}).items():
        values[(moment - first) // HOUR] = value
    return Series(first, HOUR, values)


def days_before(*powers_w: float) -> dict[datetime, float]:
    """Both hours of the event on the working days before it, the newest first."""
    days = [START - back * DAY for back in range(1, 30)]
    working = [day for day in days if day.weekday() < 5]
    return {
        day + hour * HOUR: power_w
        for day, power_w in zip(working, powers_w, strict=False)
        for hour in range(2)
    }


def test_the_five_highest_of_ten_working_days_count() -> None:
    hours = days_before(1, 10, 2, 9, 3, 8, 4, 7, 5, 6, 1_000_000)

    found = work_out(HIGH, metered(hours), SPAN, BERLIN)

    assert found.power_w.values.tolist() == [8.0, 8.0]
    assert len(found.days) == 5
    assert all(day.weekday() < 5 for day in found.days)


def test_days_with_events_do_not_count() -> None:
    hours = days_before(*[100.0] * 10, 70.0)
    passed_over = event_days([TimeRange.of(START - DAY, HOUR)], BERLIN)

    found = work_out(
        Baseline(method=BaselineMethod.HIGH_OF_RECENT_DAYS, counted=10, considered=10),
        metered(hours),
        SPAN,
        BERLIN,
        passed_over,
    )

    assert found.power_w.values.tolist() == [97.0, 97.0]
    assert date(2024, 5, 14) not in found.days


def test_the_middle_days_leave_highest_and_lowest_out() -> None:
    hours = days_before(0, 10, 20, 30, 40, 50, 60, 70, 80, 1_000)
    middle = Baseline(method=BaselineMethod.MIDDLE_OF_RECENT_DAYS)

    found = work_out(middle, metered(hours), SPAN, BERLIN)

    assert found.power_w.values.tolist() == [45.0, 45.0]


def test_weekends_are_compared_with_weekends() -> None:
    saturday = TimeRange.of(START + 3 * DAY, HOUR)
    values = {START - back * DAY: 500.0 for back in range(60) if (START - back * DAY).weekday() > 4}

    found = work_out(
        Baseline(method=BaselineMethod.HIGH_OF_RECENT_DAYS), metered(values), saturday, BERLIN
    )

    assert found.power_w.values.tolist() == [500.0]


def test_a_baseline_is_moved_to_the_day_and_no_further_than_agreed() -> None:
    hours = {**days_before(*[1_000.0] * 10), START - 2 * HOUR: 1_150.0, START - HOUR: 9_000.0}

    def with_adjustment(*, most: float, multiplicative: bool = True) -> list[float]:
        moved = Adjustment(window=HOUR, gap=HOUR, most_ratio=most, multiplicative=multiplicative)
        baseline = Baseline(method=BaselineMethod.HIGH_OF_RECENT_DAYS, adjustment=moved)
        return list(work_out(baseline, metered(hours), SPAN, BERLIN).power_w.values)

    assert with_adjustment(most=0.2) == pytest.approx([1_150.0] * 2)
    assert with_adjustment(most=0.1) == pytest.approx([1_100.0] * 2)
    assert with_adjustment(most=0.2, multiplicative=False) == pytest.approx([1_150.0] * 2)


def test_hours_are_those_of_clocks_on_the_wall_through_a_change_of_time() -> None:
    monday = datetime(2024, 4, 1, 15, tzinfo=UTC)  # 17 h; on Friday 17 h was 16 h UTC
    friday = datetime(2024, 3, 29, 16, tzinfo=UTC)
    series = Series(friday - 10 * DAY, HOUR, np.arange(14 * 24, dtype=float))

    one = Baseline(method=BaselineMethod.HIGH_OF_RECENT_DAYS, counted=1, considered=1)
    found = work_out(one, series, TimeRange.of(monday, HOUR), BERLIN)

    assert found.power_w.values.tolist() == [10 * 24.0]


def test_what_was_metered_just_before_is_held() -> None:
    held = Baseline(method=BaselineMethod.METER_BEFORE)

    found = work_out(held, metered({START - HOUR: 700.0, START: 1.0}), SPAN, BERLIN)

    assert found.power_w.values.tolist() == [700.0, 700.0]
    assert look_back(held, SPAN) == TimeRange(START - HOUR, START)


def test_too_few_metered_days_are_no_baseline() -> None:
    lately = metered().window(TimeRange(START - 5 * DAY, START))

    with pytest.raises(FailedPrecondition, match="5 days count and 3 were metered"):
        work_out(HIGH, lately, SPAN, BERLIN)


def test_no_more_days_count_than_are_looked_at() -> None:
    with pytest.raises(InvalidArgument):
        Baseline(method=BaselineMethod.HIGH_OF_RECENT_DAYS, counted=6, considered=5)
