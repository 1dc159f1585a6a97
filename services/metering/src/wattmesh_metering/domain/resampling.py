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
