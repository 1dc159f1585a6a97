"""Energies from roll-ups are those from readings."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from wattmesh_metering.domain.histories import Histories
from wattmesh_metering.domain.readings import Floats, Ints, Rows
from wattmesh_metering.domain.rollups import (
    DAY_US,
    QUARTER_US,
    RolledDays,
    missing,
    outdated,
    roll_up,
    with_rolled,
)

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
GAP_US = 3 * HOUR_US
DAYS = 4

a_register = st.lists(st.tuples(st.integers(1, 400), st.integers(0, 1000)), max_size=60)
"""Minutes since the reading before, and what came since [Wh]."""
some_days = st.sets(st.tuples(st.integers(0, 1), st.integers(0, DAYS - 1)))
"""Places and days that are rolled up."""


def _histories(registers: list[list[tuple[int, int]]]) -> Histories:
    times = [np.cumsum([step for step, _ in each], dtype=np.int64) for each in registers]
    values = [np.cumsum([rise for _, rise in each], dtype=np.float64) for each in registers]
    return Histories(
        keys=tuple(range(7, 7 + len(registers))),
        ends=np.cumsum([len(each) for each in registers], dtype=np.int64),
        times_us=np.concatenate(times) * MINUTE_US,
        values=np.concatenate(values),
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
    return Histories(
        keys=histories.keys,
        ends=np.cumsum(sizes, dtype=np.int64),
        times_us=histories.times_us[wanted],
        values=histories.values[wanted],
    )


def _rolled(histories: Histories, chosen: set[tuple[int, int]]) -> RolledDays:
    places = np.array(sorted(chosen), np.int64).reshape(-1, 2)
    keys = np.array(histories.keys, np.int64)[places[:, 0]]
    rows = [
        roll_up(_only(histories, key), np.array([day], np.int64), GAP_US)[0]
        for key, day in zip(keys.tolist(), places[:, 1].tolist(), strict=True)
    ]
    values: Floats = np.array(rows, np.float64).reshape(-1, 96)
    return RolledDays(keys=keys, days=places[:, 1], values=values)


def _only(histories: Histories, key: int) -> Histories:
    history = histories.of(key)
    return Histories(
        keys=(key,),
        ends=np.array([len(history.times_us)]),
        times_us=history.times_us,
        values=history.values,
    )


@settings(max_examples=60)
@given(st.tuples(a_register, a_register), some_days, st.integers(0, 95), st.integers(1, 8))
def test_energies_are_the_same_whichever_days_are_rolled_up(
    registers: tuple[list[tuple[int, int]], ...],
    chosen: set[tuple[int, int]],
    first: int,
    quarters: int,
) -> None:
    histories = _histories(list(registers))
    bounds_us: Ints = np.arange(first, DAYS * 96, quarters) * QUARTER_US
    span_us = int(bounds_us[0]), int(bounds_us[-1])
    rolled = _rolled(histories, {each for each in chosen if each[1] >= span_us[0] // DAY_US})
    rolled = _until(rolled, span_us[1] // DAY_US)
    spans = list(missing(histories.keys, rolled, span_us, GAP_US))
    mixed = with_rolled(
        _part(histories, spans), rolled, (span_us[0] // DAY_US, span_us[1] // DAY_US)
    )
    times_us = np.tile(bounds_us, (2, 1))
    expected = histories.rises(histories.keys, times_us, GAP_US)
    assert np.allclose(
        mixed.rises(histories.keys, times_us, GAP_US), expected, equal_nan=True, rtol=1e-12
    )


def _until(rolled: RolledDays, day: int) -> RolledDays:
    which = rolled.days <= day
    return RolledDays(keys=rolled.keys[which], days=rolled.days[which], values=rolled.values[which])


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
