"""Energies from roll-ups, and what they are worth, are those from readings."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from wattmesh_kernel.time import TimeRange
from wattmesh_metering.domain.calendars import CalendarIntervals, CalendarUnit
from wattmesh_metering.domain.coverage import worth_of_meters
from wattmesh_metering.domain.histories import Histories
from wattmesh_metering.domain.readings import Ints, Rows, to_microseconds
from wattmesh_metering.domain.rollups import (
    DAY_US,
    QUARTER_US,
    PointDays,
    RolledDays,
    missing,
    outdated,
    roll_up,
    with_rolled,
)
from wattmesh_metering.domain.spans import Meters, MeterSpan

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
GAP_US = 3 * HOUR_US
DAYS = 4

a_register = st.lists(
    st.tuples(st.integers(1, 400), st.integers(0, 1000), st.integers(1, 3)), max_size=60
)
"""Minutes since the reading before, what came since [Wh], and its quality."""
some_days = st.sets(st.tuples(st.integers(0, 1), st.integers(0, DAYS - 1)))
"""Places and days that are rolled up."""


def _histories(registers: list[list[tuple[int, int, int]]], begin_us: int = 0) -> Histories:
    times = [np.cumsum([row[0] for row in each], dtype=np.int64) for each in registers]
    values = [np.cumsum([row[1] for row in each], dtype=np.float64) for each in registers]
    return Histories(
        keys=tuple(range(7, 7 + len(registers))),
        ends=np.cumsum([len(each) for each in registers], dtype=np.int64),
        times_us=begin_us + np.concatenate(times) * MINUTE_US,
        values=np.concatenate(values),
        qualities=np.array([row[2] for each in registers for row in each], np.int64),
    )


def _part(histories: Histories, spans: list[tuple[int, int, int]]) -> Histories:
    """Return the readings of spans alone."""
    owners = np.repeat(histories.keys, np.diff(histories.ends, prepend=0))
    wanted = np.zeros(len(owners), np.bool_)
    for key, first, last in spans:
        times = histories.times_us
        inside = (owners == key) & (times >= first) & (times <= last)
        assert not (wanted & inside).any(), "spans overlap"
        wanted |= inside
    sizes = [int(wanted[owners == key].sum()) for key in histories.keys]
    assert histories.qualities is not None
    return Histories(
        keys=histories.keys,
        ends=np.cumsum(sizes, dtype=np.int64),
        times_us=histories.times_us[wanted],
        values=histories.values[wanted],
        qualities=histories.qualities[wanted],
    )


def _rolled(histories: Histories, chosen: set[tuple[int, int]], first_day: int = 0) -> RolledDays:
    places = np.array(sorted(chosen), np.int64).reshape(-1, 2)
    keys: Ints = np.array(histories.keys, np.int64)[places[:, 0]]
    return roll_up(histories, PointDays(keys=keys, days=first_day + places[:, 1]), GAP_US)


def _mixed(histories: Histories, chosen: set[tuple[int, int]], bounds_us: Ints) -> Histories:
    """Return what a query has: the chosen days rolled up, and readings of no more than the rest."""
    span_us = int(bounds_us[0]), int(bounds_us[-1])
    days = span_us[0] // DAY_US, span_us[1] // DAY_US
    inside = {each for each in chosen if days[0] + each[1] <= days[1]}
    rolled = _rolled(histories, inside, days[0])
    spans = list(missing(histories.keys, rolled, span_us, GAP_US))
    return with_rolled(_part(histories, spans), rolled, days, GAP_US)


@settings(max_examples=60)
@given(st.tuples(a_register, a_register), some_days, st.integers(0, 95), st.integers(1, 8))
def test_energies_are_the_same_whichever_days_are_rolled_up(
    registers: tuple[list[tuple[int, int, int]], ...],
    chosen: set[tuple[int, int]],
    first: int,
    quarters: int,
) -> None:
    histories = _histories(list(registers))
    bounds_us: Ints = np.arange(first, DAYS * 96, quarters) * QUARTER_US
    mixed = _mixed(histories, chosen, bounds_us)
    times_us = np.tile(bounds_us, (2, 1))
    expected = histories.rises(histories.keys, times_us, GAP_US)
    assert np.allclose(
        mixed.rises(histories.keys, times_us, GAP_US), expected, equal_nan=True, rtol=1e-12
    )


@settings(max_examples=60)
@given(
    st.tuples(a_register, a_register),
    some_days,
    st.sampled_from(["hours", CalendarUnit.DAY, CalendarUnit.MONTH]),
    st.sampled_from([date(2024, 3, 30), date(2024, 10, 26), date(2024, 6, 29)]),
)
def test_coverage_and_quality_are_the_same_whichever_days_are_rolled_up(
    registers: tuple[list[tuple[int, int, int]], ...],
    chosen: set[tuple[int, int]],
    unit: CalendarUnit | str,
    around: date,
) -> None:
    """To the microsecond and the code: hours, days of 23 and 25 h, and months, in Berlin."""
    berlin = ZoneInfo("Europe/Berlin")
    begin = datetime.combine(around, time(), UTC)
    start, end = begin.replace(tzinfo=berlin), (begin + timedelta(days=3)).replace(tzinfo=berlin)
    if unit is CalendarUnit.MONTH:
        start, end = start.replace(day=1), (start + timedelta(days=7)).replace(day=1)
    if isinstance(unit, CalendarUnit):
        span = TimeRange(start.astimezone(UTC), end.astimezone(UTC))
        bounds_us = CalendarIntervals(range=span, unit=unit).bounds_us(berlin)
    else:
        bounds_us = np.arange(to_microseconds(start), to_microseconds(end) + 1, HOUR_US)
    histories = _histories(list(registers), to_microseconds(begin) - HOUR_US)
    mixed = _mixed(histories, chosen, bounds_us)
    for key in histories.keys:
        meters = Meters(spans=(MeterSpan(key=key),))
        found, expected = (
            worth_of_meters(meters, each, bounds_us, GAP_US) for each in (mixed, histories)
        )
        assert found.coverage.tolist() == expected.coverage.tolist()
        assert found.qualities.tolist() == expected.qualities.tolist()


def test_what_lies_in_too_long_a_gap_is_not_covered_and_tells_no_quality() -> None:
    """Readings until 00:30 and from 06:00 on, the first of these a substituted one."""
    histories = _histories([[(0, 0, 1), (30, 5, 1), (330, 50, 3), (60, 10, 1)]])
    bounds_us = np.arange(0, 8) * HOUR_US
    worth = worth_of_meters(Meters(spans=(MeterSpan(key=7),)), histories, bounds_us, GAP_US)
    assert worth.coverage.tolist() == [0.5, 0, 0, 0, 0, 0, 1]
    assert worth.qualities.tolist() == [1, 0, 0, 0, 0, 3, 3]
    # Nobody read it at 08:00: what it shows there is made from a reading before and one after.
    histories = _histories([[(0, 0, 1), (420, 9, 1), (70, 5, 3)]])
    hours = np.array([7, 8]) * HOUR_US
    worth = worth_of_meters(Meters(spans=(MeterSpan(key=7),)), histories, hours, GAP_US)
    assert worth.qualities.tolist() == [3]


def test_a_late_reading_outdates_the_days_that_it_can_reach_and_no_day_that_is_not_past() -> None:
    times_us = np.array([100 * DAY_US + HOUR_US, 109 * DAY_US + 12 * HOUR_US, 111 * DAY_US])
    rows = Rows(
        keys=np.array([5, 6, 7]),
        times_us=times_us,
        values=np.zeros(3),
        qualities=np.ones(3, np.int64),
        resets=np.zeros(3, np.bool_),
    )
    found = outdated(rows, 111 * DAY_US + HOUR_US, GAP_US)
    assert list(zip(found.keys.tolist(), found.days.tolist(), strict=True)) == [
        (5, 99),
        (5, 100),
        (6, 109),
    ]
