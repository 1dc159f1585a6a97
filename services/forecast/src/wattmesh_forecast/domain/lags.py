"""Looking back from an hour without ever looking past what was known.

Values have the hours on their last axis, and any axes before it: an axis of assets, mostly.
"""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from wattmesh_forecast.domain.hours import Floats, Ints, Rows

DAY = 24

Operation: TypeAlias = np.ufunc
"""An operation of two arguments whose order and grouping do not matter."""


def known(values: Floats, positions: Ints, last: Ints) -> Floats:
    """Return the values at `positions`, NaN before the raster and after `last`.

    Shape: the axes of `values` before its last, then those of `positions`. `last` broadcasts
    against `positions`: it is the newest hour that was known to whoever asks.
    """
    inside = (positions >= 0) & (positions <= np.minimum(last, values.shape[-1] - 1))
    found = np.take(values, positions, axis=-1, mode="clip")
    if not inside.all():
        found[..., ~inside] = np.nan
    return found


def same_hour(rows: Rows, days: int, offset_hours: Floats | None = None) -> Ints:
    """Return the positions of the same hour on earlier days, newest first, shape (n, days).

    The first column is the newest day on which that hour could be known. With `offset_hours`
    (local time less UTC, per position) it is the same hour by the local clock, so that patterns
    hold through a change of daylight-saving time; without, the same UTC hour, as the sun has it.
    """
    newest = np.maximum(1, np.ceil(rows.lead / DAY)).astype(np.int64)
    back = newest[:, None] + np.arange(days)[None, :]
    positions = np.asarray(rows.target[:, None] - DAY * back)
    if offset_hours is None or (offset_hours == offset_hours[0]).all():
        return positions
    then = np.clip(positions, 0, len(offset_hours) - 1)
    shift = np.rint(offset_hours[rows.target][:, None] - offset_hours[then])
    return np.asarray(positions + shift.astype(np.int64))


def trailing(values: Floats, last: Ints, hours: int, skip: int = 0) -> Floats:
    """Return the newest `hours` values up to `last`, newest first, shape (..., n, hours).

    `skip` leaves out the newest of them.
    """
    positions = last[:, None] - skip - np.arange(hours)[None, :]
    return known(values, positions, last[:, None])


def trailing_mean(values: Floats, last: Ints, hours: int) -> Floats:
    """Return the mean of the newest `hours` values up to `last`, shape (..., n).

    Missing ones do not count; NaN where all are missing.
    """
    if len(last) * hours <= values.shape[-1]:  # fewer values than the whole raster has
        return mean(trailing(values, last, hours))
    there = np.isfinite(values)
    counted = np.stack([np.where(there, values, 0.0), there.astype(np.float64)])
    (sums,) = running(counted, (hours,), np.add)
    total, count = at(sums, last)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def trailing_highest(values: Floats, last: Ints, hours: int) -> Floats:
    """Return the largest of the newest `hours` values up to `last`; NaN where all are missing."""
    if len(last) * hours <= values.shape[-1]:
        return highest(trailing(values, last, hours))
    (most,) = running(values, (hours,), np.fmax)
    return at(most, last)


def running(values: Floats, hours: Sequence[int], operation: Operation) -> list[Floats]:
    """Return, for each of `hours`, at each hour the operation over the values that end with it.

    Before the raster there is nothing. Windows are put together from windows of 1, 2, 4, … hours:
    24 h take 16 and 8, in six steps instead of 24, and no sum is the difference of two larger ones.
    """
    found: dict[int, tuple[Floats, int]] = {}
    window, size = values, 1
    while size <= max(hours):
        for wanted in hours:
            if wanted & size:
                part, covered = found.get(wanted, (None, 0))
                longer = window if part is None else _joined(part, window, covered, operation)
                found[wanted] = longer, covered + size
        size *= 2
        if size <= max(hours):
            window = _joined(window, window, size // 2, operation)
    return [found[wanted][0] for wanted in hours]


def _joined(newer: Floats, older: Floats, hours: int, operation: Operation) -> Floats:
    """Return the operation of each value with the one so many hours before it."""
    joined = newer.copy()
    if hours < newer.shape[-1]:
        operation(newer[..., hours:], older[..., :-hours], out=joined[..., hours:])
    return joined


def at(values: Floats, positions: Ints) -> Floats:
    """Return the values at positions of the raster, NaN before it, shape (..., n)."""
    return known(values, positions, positions)


def filled(lags: Floats, default: Floats) -> Floats:
    """Return lags (..., days) with gaps filled: by the next older day, else a newer, else default.

    `default` has the axes of `lags` but the last.
    """
    if np.isfinite(lags).all():
        return lags
    values = lags.copy()
    for column in range(values.shape[-1] - 2, -1, -1):
        values[..., column] = either(values[..., column], values[..., column + 1])
    for column in range(1, values.shape[-1]):
        values[..., column] = either(values[..., column], values[..., column - 1])
    return either(values, default[..., None])


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


def quantiles(values: Floats, ratios: tuple[float, ...]) -> list[Floats]:
    """Return quantiles over the last axis (..., days), linear between order statistics.

    NaN where everything is missing.
    """
    ordered = np.sort(values, axis=-1)  # missing values sort to the end
    count = np.isfinite(values).sum(axis=-1)
    return [_ordered_quantile(ordered, count, ratio) for ratio in ratios]


def quantile(values: Floats, ratio: float) -> Floats:
    """Return one quantile over the last axis; NaN where everything is missing."""
    return quantiles(values, (ratio,))[0]


def median(values: Floats) -> Floats:
    """Return the median over the last axis of what is not missing; NaN where everything is."""
    return quantile(values, 0.5)


def _ordered_quantile(ordered: Floats, count: Ints, ratio: float) -> Floats:
    position = ratio * np.maximum(count - 1, 0)
    below = np.floor(position).astype(np.int64)
    above = np.ceil(position).astype(np.int64)
    low = np.take_along_axis(ordered, below[..., None], axis=-1)[..., 0]
    high = np.take_along_axis(ordered, above[..., None], axis=-1)[..., 0]
    return np.asarray(low + (high - low) * (position - below))
