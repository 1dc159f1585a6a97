"""Filling what a series lacks with what was there at the same time of an earlier day."""

from datetime import timedelta

import numpy as np

from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange

_DAY = timedelta(days=1)


def same_time_before(known: Series, span: TimeRange) -> Series:
    """Return, per interval of `span`, the newest known value of the same UTC time on a day before.

    NaN where there is none. `span` lies on the intervals of `known`, which divide a day.
    """
    values = np.full(span.count(known.resolution), np.nan)
    earlier = TimeRange(span.start - _DAY, span.end - _DAY)
    while earlier.end > known.start and np.isnan(values).any():
        values = np.where(np.isnan(values), known.window(earlier).values, values)
        earlier = TimeRange(earlier.start - _DAY, earlier.end - _DAY)
    return Series(span.start, known.resolution, values)


def filled_from_before(series: Series, before: Series) -> Series:
    """Return a series with its gaps filled from one that has the days before it."""
    if complete(series):
        return series
    assumed = same_time_before(before, series.range)
    return series.with_values(np.where(np.isnan(series.values), assumed.values, series.values))


def complete(series: Series) -> bool:
    """Return whether a series has a value everywhere."""
    return bool(np.isfinite(series.values).all())
