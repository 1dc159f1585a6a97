"""Which intervals of a meter's series speak of the time before a command, and of it."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from wattmesh_kernel.series import Series
from wattmesh_kernel.time import ceil_time, floor_time

Floats = NDArray[np.float64]

_LEAST_KNOWN_RATIO = 0.9


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """The time of one command: sent, acknowledged by its device, and over (or now)."""

    sent: datetime
    acknowledged: datetime
    end: datetime


def index_from(series: Series, moment: datetime) -> int:
    """Return the first interval that begins at or after `moment`."""
    return (ceil_time(moment, series.resolution) - series.start) // series.resolution


def index_until(series: Series, moment: datetime) -> int:
    """Return the first interval that is not over at `moment`."""
    return (floor_time(moment, series.resolution) - series.start) // series.resolution


def values_before(series: Series, moment: datetime, count: int) -> Floats:
    """Return what is known of the last `count` intervals that are over at `moment`."""
    end = max(index_until(series, moment), 0)
    return _known(series.values[max(end - count, 0) : end])


def values_within(series: Series, start: datetime, end: datetime) -> Floats:
    """Return the whole intervals of a span, NaN where missing."""
    first, last = index_from(series, start), index_until(series, end)
    return series.values[max(first, 0) : max(last, 0)]


def known_within(series: Series, start: datetime, end: datetime) -> Floats | None:
    """Return what is known of the whole intervals of a span; None while too many are missing."""
    if index_from(series, start) < 0 or index_until(series, end) > len(series):
        return None
    values = values_within(series, start, end)
    known = _known(values)
    return known if len(known) >= _LEAST_KNOWN_RATIO * len(values) else None


def _known(values: Floats) -> Floats:
    known: Floats = values[np.isfinite(values)]
    return known
