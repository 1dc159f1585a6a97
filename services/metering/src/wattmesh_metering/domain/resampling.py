"""Readings to regular series.

A reading stamps the end of what it describes: a mean power of 10:15 is that of the time up to
10:15. So a reading belongs to the interval (start, end] that it ends or lies in.
"""

from datetime import timedelta
from enum import Enum

import numpy as np

from wattmesh_metering.domain.readings import Floats, History, Ints

LAST_READING_AGE = timedelta(days=1)
"""How old the last reading may be to stand for an interval's start."""


class Aggregation(Enum):
    """How readings become a series."""

    MEAN = "mean"
    LAST = "last"
    INCREASE = "increase"
    MAX = "max"
    COUNT = "count"


def mean(history: History, bounds_us: Ints) -> Floats:
    """Return the mean of each interval's readings; NaN where there is none."""
    return _reduced(np.add, history, bounds_us) / np.maximum(count(history, bounds_us), 1)


def largest(history: History, bounds_us: Ints) -> Floats:
    """Return each interval's largest reading; NaN where there is none."""
    return _reduced(np.maximum, history, bounds_us)


def count(history: History, bounds_us: Ints) -> Floats:
    """Return the number of each interval's readings."""
    first, last = _slices(history, bounds_us)
    return (last - first).astype(np.float64)


def last_before(history: History, bounds_us: Ints) -> Floats:
    """Return the last reading at or before each start; NaN where it is older than a day."""
    starts = bounds_us[:-1]
    return _last_within(history, starts, LAST_READING_AGE // timedelta(microseconds=1))


def without_resets(history: History) -> Floats:
    """Return a register's values as if it had never been reset.

    A reset begins anew from 0, so what was shown before it is added to all that comes from there
    on: 90, 95, then after a reset 2, 7 become 90, 95, 97, 102.
    """
    places = np.searchsorted(history.times_us, history.resets_us)
    places = places[(places > 0) & (places < len(history.times_us))]
    lift = np.zeros(len(history.values))
    lift[places] = history.values[places - 1]
    return history.values + np.cumsum(lift)


def register_at(history: History, times_us: Ints, longest_gap_us: int) -> Floats:
    """Return a register's value at each time, interpolated between the readings around it.

    Its values go on growing over resets, as if there had been none.
    NaN outside of the readings, and between two that are further apart than `longest_gap_us`:
    there nobody knows when the energy flowed. 100 at 10:00 and 160 at 11:00 are 115 at 10:15.
    """
    history = History(times_us=history.times_us, values=without_resets(history))
    exact = _last_within(history, times_us, 0)
    if len(history.times_us) < 2:
        return exact
    right = np.clip(np.searchsorted(history.times_us, times_us), 1, len(history.times_us) - 1)
    before, after = history.times_us[right - 1], history.times_us[right]
    share = (times_us - before) / (after - before)
    rise = history.values[right] - history.values[right - 1]
    known = (share >= 0) & (share <= 1) & (after - before <= longest_gap_us)
    between = np.where(known, history.values[right - 1] + share * rise, np.nan)
    return np.where(np.isnan(exact), between, exact)


def increase(history: History, bounds_us: Ints, longest_gap_us: int) -> Floats:
    """Return a register's increase over each interval; NaN where a bound's value is not known.

    A decrease is no energy and NaN too; one that is only rounding counts as 0.
    """
    at_bounds = register_at(history, bounds_us, longest_gap_us)
    rise = np.diff(at_bounds)
    rounding = 1e-9 * np.abs(at_bounds[1:])
    return np.where(rise < -rounding, np.nan, np.maximum(rise, 0.0))


def _slices(history: History, bounds_us: Ints) -> tuple[Ints, Ints]:
    """Return per interval (start, end] the index of its first reading and after its last."""
    edges = np.searchsorted(history.times_us, bounds_us, side="right")
    return edges[:-1], edges[1:]


def _reduced(combine: np.ufunc, history: History, bounds_us: Ints) -> Floats:
    first, last = _slices(history, bounds_us)
    result = np.full(len(first), np.nan)
    filled = first < last
    if filled.any():
        # reduceat goes from each start to the next: between intervals there are no readings
        result[filled] = combine.reduceat(history.values[: last[-1]], first[filled])
    return result


def _last_within(history: History, times_us: Ints, oldest_us: int) -> Floats:
    place = np.searchsorted(history.times_us, times_us, side="right") - 1
    if not len(history.times_us):
        return np.full(len(times_us), np.nan)
    fresh = (place >= 0) & (times_us - history.times_us[place] <= oldest_us)
    return np.where(fresh, history.values[place], np.nan)
