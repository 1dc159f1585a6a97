"""From hours to the intervals that are asked for."""

from datetime import datetime, timedelta

import numpy as np

from wattmesh_forecast.domain.hours import HOUR, Floats
from wattmesh_kernel.time import TimeRange

_STEEPEST = 3.0


def on_intervals(hourly: Floats, first: datetime, span: TimeRange, resolution: timedelta) -> Floats:
    """Return means per interval of `span`, shape (n, quantiles), from hourly (hours, quantiles).

    `first` is the start of the first hour. Longer intervals are the mean of theirs: hours of 1 and
    3 are 2 by two hours. Shorter ones follow the energy counted so far along a smooth curve through
    the hours' ends: each hour keeps its mean and none changes sign. Hours of 2, 4, 6 are 3.25,
    3.75, 4.25, 4.75 by quarters of the middle one.
    """
    count = span.count(resolution)
    offset = span.start - first
    if resolution >= HOUR:
        begin, per = offset // HOUR, resolution // HOUR
        blocks = hourly[begin : begin + count * per]
        if per == 1:
            return blocks
        return np.asarray(blocks.reshape(count, per, *hourly.shape[1:]).mean(axis=1))
    ends = np.linspace(offset / HOUR, (offset + count * resolution) / HOUR, count + 1)
    means = np.diff(_energy_until(hourly, ends), axis=0) / (resolution / HOUR)
    return np.asarray(np.maximum.accumulate(means, axis=-1))


def _energy_until(hourly: Floats, ends: Floats) -> Floats:
    """Return the energy until moments [h], (ends, quantiles), along a monotone cubic through hours.

    The curve's slope at an hour's end is the power there: the mean of both hours, but at most three
    times the lower, with which no curve turns back (Fritsch and Carlson, SIAM Journal on Numerical
    Analysis 17 (1980) 238).
    """
    total = np.concatenate([np.zeros((1, hourly.shape[1])), np.cumsum(hourly, axis=0)])
    power = _power_at_ends(hourly)
    hour = np.clip(ends.astype(np.int64), 0, len(hourly) - 1)
    x = (ends - hour)[:, None]
    before, after = power[hour], power[hour + 1]
    rest = hourly[hour]
    bend = before + after - 2 * rest
    return np.asarray(
        total[hour] + x * before + x**2 * (3 * rest - 2 * before - after) + x**3 * bend
    )


def _power_at_ends(hourly: Floats) -> Floats:
    """Return the power at the hours' starts and at the last one's end, (hours + 1, quantiles)."""
    left, right = np.abs(hourly[:-1]), np.abs(hourly[1:])
    inner = np.minimum((left + right) / 2, _STEEPEST * np.minimum(left, right))
    towards = np.where(hourly[:-1] * hourly[1:] > 0, np.sign(hourly[1:]), 0.0)
    return np.concatenate([hourly[:1], towards * inner, hourly[-1:]])
