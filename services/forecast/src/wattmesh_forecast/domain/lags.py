"""Looking back from an hour without ever looking past what was known."""

import numpy as np

from wattmesh_forecast.domain.hours import Floats, Ints, Rows

DAY = 24


def known(values: Floats, positions: Ints, last: Ints) -> Floats:
    """Return the values at `positions`, NaN before the grid and after `last`.

    `last` broadcasts against `positions`: it is the newest hour that was known to whoever asks.
    """
    inside = (positions >= 0) & (positions <= last)
    safe = np.clip(positions, 0, len(values) - 1)
    return np.where(inside, values[safe], np.nan)


def same_hour(rows: Rows, days: int, offset_hours: Floats | None = None) -> Ints:
    """Return the positions of the same hour on earlier days, newest first, shape (n, days).

    The first column is the newest day on which that hour could be known. With `offset_hours`
    (local time less UTC, per position) it is the same hour by the local clock, so that patterns
    hold through a change of daylight-saving time; without, the same UTC hour, as the sun has it.
    """
    newest = np.maximum(1, np.ceil(rows.lead / DAY)).astype(np.int64)
    back = newest[:, None] + np.arange(days)[None, :]
    positions = np.asarray(rows.target[:, None] - DAY * back)
    if offset_hours is None:
        return positions
    then = np.clip(positions, 0, len(offset_hours) - 1)
    shift = np.rint(offset_hours[rows.target][:, None] - offset_hours[then])
    return np.asarray(positions + shift.astype(np.int64))


def trailing(values: Floats, last: Ints, hours: int, skip: int = 0) -> Floats:
    """Return the newest `hours` values up to `last`, newest first, shape (n, hours).

    `skip` leaves out the newest of them.
    """
    positions = last[:, None] - skip - np.arange(hours)[None, :]
    return known(values, positions, last[:, None])


def filled(lags: Floats, default: Floats) -> Floats:
    """Return lags (n, days) with gaps filled: by the next older day, else a newer, else default."""
    values = lags.copy()
    for column in range(values.shape[1] - 2, -1, -1):
        values[:, column] = either(values[:, column], values[:, column + 1])
    for column in range(1, values.shape[1]):
        values[:, column] = either(values[:, column], values[:, column - 1])
    return either(values, default[:, None])


def either(first: Floats, second: Floats | float) -> Floats:
    """Return `first`, or `second` where it is missing."""
    return np.where(np.isnan(first), second, first)


def mean(values: Floats) -> Floats:
    """Return the mean over the last axis of what is not missing; NaN where everything is."""
    there = np.isfinite(values)
    count = there.sum(axis=-1)
    total = np.where(there, values, 0.0).sum(axis=-1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def spread(values: Floats) -> Floats:
    """Return the standard deviation over the last axis; NaN where everything is missing."""
    return np.asarray(np.sqrt(mean((values - mean(values)[..., None]) ** 2)))


def highest(values: Floats) -> Floats:
    """Return the largest value over the last axis; NaN where everything is missing."""
    return np.asarray(np.fmax.reduce(values, axis=-1))


def quantile(values: Floats, ratio: float) -> Floats:
    """Return a quantile over the last axis (n, days), linear between order statistics.

    NaN where everything is missing.
    """
    ordered = np.sort(values, axis=-1)  # missing values sort to the end
    count = np.isfinite(values).sum(axis=-1)
    position = ratio * np.maximum(count - 1, 0)
    below = np.floor(position).astype(np.int64)
    above = np.ceil(position).astype(np.int64)
    low = np.take_along_axis(ordered, below[..., None], axis=-1)[..., 0]
    high = np.take_along_axis(ordered, above[..., None], axis=-1)[..., 0]
    return np.asarray(low + (high - low) * (position - below))


def median(values: Floats) -> Floats:
    """Return the median over the last axis of what is not missing; NaN where everything is."""
    return quantile(values, 0.5)
