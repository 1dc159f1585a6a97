"""What will act on a zone, as far as lately says: the same time of the last days, from now on.

Where weather is forecast, its temperatures go first. What stands here is what is known without.
"""

from collections.abc import Collection
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from wattmesh_forecast.domain.thermal.record import Floats

_WEATHER_DAYS = 3
_SATURDAY = 5
_LEVEL_HOURS, _LEVEL_FADES_HOURS = 3.0, 24.0


def as_lately(values: Floats, per_day: int, count: int, days: int = _WEATHER_DAYS) -> Floats:
    """Return the mean of the same time of the last days for the next `count` intervals.

    NaN where none of them was measured. 10 and 14 at noon of the last two days give 12 at noon.
    """
    lately = np.full(days * per_day, np.nan)
    there = min(len(lately), len(values))
    if there:
        lately[-there:] = values[-there:]
    same = lately.reshape(days, per_day)
    known = np.isfinite(same).sum(axis=0)
    total = np.where(np.isfinite(same), same, 0.0).sum(axis=0)
    mean = np.where(known > 0, total / np.maximum(known, 1), np.nan)
    return np.resize(mean, count)


def outdoor_ahead(values: Floats, hours: float, count: int) -> Floats:
    """Return the outdoor temperature expected [°C]: the last days' course at today's level."""
    per_day = round(24.0 / hours)
    course = as_lately(values, per_day, count)
    lately = max(1, round(_LEVEL_HOURS / hours))
    before = as_lately(values[:-lately], per_day, lately)
    off = values[-lately:] - before
    off = off[np.isfinite(off)]
    level = float(off.mean()) if len(off) else 0.0
    ahead = np.arange(1, count + 1) * hours
    return np.asarray(course + level * np.exp(-ahead / _LEVEL_FADES_HOURS))


def hours_of_day(start: datetime, step: timedelta, zone: ZoneInfo, count: int) -> Floats:
    """Return the local hour of the day at which each interval starts, 0 to below 24."""
    local = ((start + index * step).astimezone(zone) for index in range(count))
    return np.array([each.hour + each.minute / 60.0 for each in local], dtype=np.float64)


def slots(
    start: datetime,
    step: timedelta,
    zone: ZoneInfo,
    count: int,
    days_off: Collection[date] = frozenset(),
) -> NDArray[np.int64]:
    """Return the time of day of each interval in steps; of weekends and days off a day further."""
    local = ((start + index * step).astimezone(zone) for index in range(count))
    per_day = timedelta(days=1) // step
    return np.array(
        [
            timedelta(hours=each.hour, minutes=each.minute) // step
            + (per_day if each.weekday() >= _SATURDAY or each.date() in days_off else 0)
            for each in local
        ],
        dtype=np.int64,
    )


def on_raster(
    values: Floats, start: datetime, step: timedelta, first: datetime, to: timedelta, count: int
) -> Floats:
    """Return means over `count` intervals of `to` from `first` on of values by `step` from `start`.

    Before and after the values the outermost holds. [1, 3] by the half hour give 2 for the hour.
    """
    edges = np.concatenate([[0.0], np.cumsum(values)])
    at = (first - start) / step + np.arange(count + 1) * (to / step)
    inside = np.clip(at, 0.0, float(len(values)))
    total = np.interp(inside, np.arange(len(values) + 1), edges)
    total = total + np.minimum(at, 0.0) * values[0]
    total = total + np.maximum(at - len(values), 0.0) * values[-1]
    return np.asarray(np.diff(total) / (to / step))
