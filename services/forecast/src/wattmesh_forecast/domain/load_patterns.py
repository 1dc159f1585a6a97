"""Patterns of consumption: what the past days say of an hour.

Each pattern is a forecast in its own right. They differ in how many days they look at, whether they
tell working days from weekends, and how far they follow the recent level. None is best everywhere:
homes that stand empty for a few days want the newest, offices want the day type.
"""

import numpy as np

from wattmesh_forecast.domain.hours import AssetHours, Floats, Ints, Rows
from wattmesh_forecast.domain.lags import (
    DAY,
    either,
    filled,
    known,
    mean,
    median,
    same_hour,
    trailing,
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

_SATURDAY = 5
_LEVEL_BOUNDS = (0.2, 4.0)


def load_patterns(asset: AssetHours, rows: Rows) -> Floats:
    """Return what each pattern says of each target [W], shape (n, patterns), not negative."""
    past = _Past(asset, rows)
    week = past.smooth_median(7)
    day_type = past.day_type_median(14)
    level = week_level(asset, rows.issues)[rows.issue]
    day_type_level = past_day_type_level(asset, rows.issues)[rows.issue]
    half = np.sqrt(day_type_level)
    patterns = (
        past.yesterday,
        past.smooth_mean(2),
        day_type,
        week * level,
        week * np.sqrt(level),
        day_type * half,
        past.day_type_mean(21) * half,
    )
    return np.maximum(np.column_stack(patterns), 0.0)


def weekly_mean(asset: AssetHours, issues: Ints) -> Floats:
    """Return the mean power of the newest week [W] per issue; a little above 0 at least."""
    return np.maximum(either(mean(trailing(asset.power_w, issues, 7 * DAY)), 0.0), 1e-3)


def week_level(asset: AssetHours, issues: Ints) -> Floats:
    """Return the mean of the newest day over that of the newest week, per issue."""
    day = mean(trailing(asset.power_w, issues, DAY))
    return _bounded(either(day / weekly_mean(asset, issues), 1.0))


def past_day_type_level(asset: AssetHours, issues: Ints) -> Floats:
    """Return the newest day's energy over what its day types had promised a day before."""
    hours = np.arange(DAY)
    targets = Rows(
        target=np.maximum((issues[:, None] - hours).ravel(), 0),
        last=np.repeat(issues - DAY, DAY),
    )
    promised = _Past(asset, targets).day_type_median(14).reshape(len(issues), DAY)
    came = trailing(asset.power_w, issues, DAY)
    both = np.isfinite(came) & (promised > 0)
    promised_total = np.where(both, promised, 0.0).sum(axis=1)
    came_total = np.where(both, came, 0.0).sum(axis=1)
    enough = both.sum(axis=1) >= DAY // 4
    return _bounded(np.where(enough, came_total / np.maximum(promised_total, 1e-9), 1.0))


def _bounded(level: Floats) -> Floats:
    return np.clip(level, *_LEVEL_BOUNDS)


class _Past:
    """The same local hour on the four weeks before each target."""

    def __init__(self, asset: AssetHours, rows: Rows) -> None:
        self._power = asset.power_w
        self._last = rows.last[:, None]
        self._hours = same_hour(rows, 28, asset.clock.offset_hours)
        self._default = weekly_mean(asset, rows.issues)[rows.issue]
        self._lags = known(self._power, self._hours, self._last)
        self._week = filled(self._lags[:, :7], self._default)
        weekday = asset.clock.weekday
        then = weekday[np.clip(self._hours, 0, len(weekday) - 1)] >= _SATURDAY
        self._same_type = then == (weekday[rows.target] >= _SATURDAY)[:, None]

    @property
    def yesterday(self) -> Floats:
        """The newest known value of the hour."""
        return self._week[:, 0]

    def smooth_mean(self, days: int) -> Floats:
        return either(mean(self._around(days)), self._week[:, :days].mean(axis=1))

    def smooth_median(self, days: int) -> Floats:
        return either(median(self._around(days)), np.median(self._week[:, :days], axis=1))

    def day_type_median(self, days: int) -> Floats:
        return either(median(self._of_type(days)), either(median(self._lags), self._default))

    def day_type_mean(self, days: int) -> Floats:
        return either(mean(self._of_type(days)), either(mean(self._lags), self._default))

    def _around(self, days: int) -> Floats:
        """The hour and its neighbours on either side, on the newest days."""
        hours = self._hours[:, :days]
        neighbours = np.concatenate([hours - 1, hours, hours + 1], axis=1)
        return known(self._power, neighbours, self._last)

    def _of_type(self, days: int) -> Floats:
        return np.where(self._same_type[:, :days], self._lags[:, :days], np.nan)
