"""Patterns of consumption: what the past days say of an hour.

Each pattern is a forecast in its own right. They differ in how many days they look at, whether they
tell working days from weekends, and how far they follow the recent level. None is best everywhere:
homes that stand empty for a few days want the newest, offices want the day type.
"""

from collections.abc import Callable
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from wattmesh_forecast.domain.hours import Batch, Floats, Ints, Rows
from wattmesh_forecast.domain.lags import (
    DAY,
    either,
    filled,
    known,
    mean,
    median,
    same_hour,
    trailing,
    trailing_mean,
)

LOAD_PATTERNS = (
    "yesterday",
    "last_two_days",
    "day_type",
    "week_at_level",
    "week_at_half_level",
    "day_type_at_half_level",
    "day_type_mean_at_half_level",
)
"""Names of the columns of `load_patterns`; the first is the naive forecast."""

Mask: TypeAlias = NDArray[np.bool_]

_SATURDAY = 5
_LEVEL_BOUNDS = (0.2, 4.0)


def load_patterns(batch: Batch, rows: Rows) -> Floats:
    """Return what each pattern says of each target [W], (assets, n, patterns), not negative."""
    past = _Past(batch, rows)
    week = past.smooth_median(7)
    day_type = past.day_type_median(14)
    level = week_level(batch, rows.issues)[:, rows.issue]
    half = np.sqrt(past_day_type_level(batch, rows.issues))[:, rows.issue]
    patterns = (
        past.yesterday,
        past.smooth_mean(2),
        day_type,
        week * level,
        week * np.sqrt(level),
        day_type * half,
        past.day_type_mean(21) * half,
    )
    return np.maximum(np.stack(patterns, axis=-1), 0.0)


def weekly_mean(batch: Batch, issues: Ints) -> Floats:
    """Return the mean power of the newest week [W] per issue; a little above 0 at least."""
    return np.maximum(either(trailing_mean(batch.power_w, issues, 7 * DAY), 0.0), 1e-3)


def week_level(batch: Batch, issues: Ints) -> Floats:
    """Return the mean of the newest day over that of the newest week, per issue."""
    day = trailing_mean(batch.power_w, issues, DAY)
    return _bounded(either(day / weekly_mean(batch, issues), 1.0))


def past_day_type_level(batch: Batch, issues: Ints) -> Floats:
    """Return the newest day's energy over what its day types had promised a day before."""
    promised = _promised_a_day_before(batch, issues)
    came = trailing(batch.power_w, issues, DAY)
    both = np.isfinite(came) & (promised > 0)
    promised_total = np.where(both, promised, 0.0).sum(axis=-1)
    came_total = np.where(both, came, 0.0).sum(axis=-1)
    enough = both.sum(axis=-1) >= DAY // 4
    return _bounded(np.where(enough, came_total / np.maximum(promised_total, 1e-9), 1.0))


def _promised_a_day_before(batch: Batch, issues: Ints) -> Floats:
    """Return what the day type's median said, a day before each issue, of each hour of that day.

    Shape (assets, issues, 24), newest hour first. What is said of an hour is the same whoever asks:
    every earlier day is known by then. Only when the clock went forward in between, the same local
    hour of the day before lies so late that the first to ask did not know it.
    """
    asked = issues[:, None] - np.arange(DAY)
    hours = np.unique(np.maximum(asked, 0))
    # Position of each asked hour among `hours`; before the raster nothing came, whatever was said.
    where = np.searchsorted(hours, np.maximum(asked, 0))
    late = _latest_shift(batch)
    said = [_said_of(batch, hours, knowing=number) for number in range(late + 1)]
    promised = said[late][:, where]
    for number in range(min(late, DAY)):
        promised[..., number] = said[number][:, where[:, number]]
    return either(promised, weekly_mean(batch, issues - DAY)[..., None])


def _said_of(batch: Batch, hours: Ints, knowing: int) -> Floats:
    """Return the day type's median of hours, with the hours until a day before and a few known."""
    rows = Rows(target=hours, last=hours - DAY + knowing)
    return _Past(batch, rows).bare_day_type_median(14)


def _latest_shift(batch: Batch) -> int:
    """Return by how many hours at most the clock goes forward within the raster, at least 0."""
    offset = batch.clock.offset_hours
    return max(0, int(np.rint(offset.max() - offset.min())))


def _bounded(level: Floats) -> Floats:
    return np.clip(level, *_LEVEL_BOUNDS)


class _Past:
    """The same local hour on the four weeks before each target; answers have shape (assets, n)."""

    def __init__(self, batch: Batch, rows: Rows) -> None:
        self._batch = batch
        self._rows = rows
        self._last = rows.last[:, None]
        self._hours = same_hour(rows, 28, batch.clock.offset_hours)
        self._lags = known(batch.power_w, self._hours, self._last)
        weekday = batch.clock.weekday
        then = weekday[np.clip(self._hours, 0, len(weekday) - 1)] >= _SATURDAY
        self._same_type = then == (weekday[rows.target] >= _SATURDAY)[:, None]

    @property
    def yesterday(self) -> Floats:
        """The newest known value of the hour."""
        return self._week[..., 0]

    def smooth_mean(self, days: int) -> Floats:
        smooth = mean(self._around(days))
        return _where_missing(smooth, lambda at: self._week[at][:, :days].mean(axis=-1))

    def smooth_median(self, days: int) -> Floats:
        smooth = median(self._around(days))
        return _where_missing(smooth, lambda at: np.median(self._week[at][:, :days], axis=-1))

    def day_type_median(self, days: int) -> Floats:
        return _where_missing(self.bare_day_type_median(days), lambda at: self._default[at])

    def bare_day_type_median(self, days: int) -> Floats:
        """The median of the day type, else of all days; NaN where nothing is known of the hour."""
        of_type = median(self._of_type(days))
        return _where_missing(of_type, lambda at: median(self._lags[at]))

    def day_type_mean(self, days: int) -> Floats:
        of_type = _where_missing(mean(self._of_type(days)), lambda at: mean(self._lags[at]))
        return _where_missing(of_type, lambda at: self._default[at])

    @cached_property
    def _week(self) -> Floats:
        return filled(self._lags[..., :7], self._default)

    @cached_property
    def _default(self) -> Floats:
        return weekly_mean(self._batch, self._rows.issues)[:, self._rows.issue]

    def _around(self, days: int) -> Floats:
        """The hour and its neighbours on either side, on the newest days."""
        hours = self._hours[:, :days]
        neighbours = np.concatenate([hours - 1, hours, hours + 1], axis=1)
        return known(self._batch.power_w, neighbours, self._last)

    def _of_type(self, days: int) -> Floats:
        return np.where(self._same_type[:, :days], self._lags[..., :days], np.nan)


def _where_missing(values: Floats, other: Callable[[Mask], Floats]) -> Floats:
    """Return `values`, in which what is missing comes from elsewhere: asked for only there."""
    missing = np.isnan(values)
    if missing.any():
        values[missing] = other(missing)
    return values
