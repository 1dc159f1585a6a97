"""From hours to the intervals that are asked for."""

from datetime import datetime, timedelta

import numpy as np

from wattmesh_forecast.domain.hours import HOUR, Floats
from wattmesh_kernel.time import TimeRange


def on_intervals(hourly: Floats, first: datetime, span: TimeRange, resolution: timedelta) -> Floats:
    """Return means per interval of `span`, shape (n, ...), from hourly means (hours, ...).

    `first` is the start of the first hour. Shorter intervals hold the hour's mean, longer ones are
    the mean of theirs: hours of 1 and 3 are 1, 1, 3, 3 by the half hour and 2 by two hours.
    """
    count = span.count(resolution)
    offset = span.start - first
    if resolution > HOUR:
        begin, per = offset // HOUR, resolution // HOUR
        blocks = hourly[begin : begin + count * per]
        return np.asarray(blocks.reshape(count, per, *hourly.shape[1:]).mean(axis=1))
    return hourly[[(offset + number * resolution) // HOUR for number in range(count)]]
