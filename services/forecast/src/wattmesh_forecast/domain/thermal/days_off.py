"""On which public holidays a building rests: what it did on those before tells of the next."""

from collections.abc import Collection
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from wattmesh_forecast.domain.thermal.record import Floats

_SATURDAY = 5


def days_off(
    holidays: Collection[date], values: Floats, start: datetime, step: timedelta, zone: ZoneInfo
) -> frozenset[date]:
    """Return the holidays on which a building rests, of those given.

    `values` (n,) say how busy it was from `start` on, as occupants or a load do; NaN where not
    known. A holiday that was seen is one of rest if it was more like weekends than like workdays,
    and those that come are as the last that was seen. Where nothing tells, all are days of rest.
    With 7 kW on workdays and 1 kW on weekends a Monday of 6.5 kW was none, and the next is none.
    """
    busy = _by_day(values, start, step, zone)
    plain = [day for day in busy if day not in holidays]
    weekends = [busy[day] for day in plain if day.weekday() >= _SATURDAY]
    workdays = [busy[day] for day in plain if day.weekday() < _SATURDAY]
    if not weekends or not workdays:
        return frozenset(holidays)
    middle = (float(np.mean(weekends)) + float(np.mean(workdays))) / 2.0
    rests_below = np.mean(workdays) > np.mean(weekends)
    worked = {
        day
        for day in busy
        if day in holidays and day.weekday() < _SATURDAY and (busy[day] < middle) != rests_below
    }
    seen = [day for day in busy if day in holidays and day.weekday() < _SATURDAY]
    if seen and max(seen) in worked:
        worked |= {day for day in holidays if day > max(seen)}
    return frozenset(holidays) - worked


def _by_day(values: Floats, start: datetime, step: timedelta, zone: ZoneInfo) -> dict[date, float]:
    """Return the mean of every local day of which at least half is known, the oldest first."""
    days = [(start + index * step).astimezone(zone).date() for index in range(len(values))]
    least = timedelta(days=1) / step / 2.0
    known: dict[date, list[float]] = {}
    for day, value in zip(days, values.tolist(), strict=True):
        if np.isfinite(value):
            known.setdefault(day, []).append(value)
    return {day: float(np.mean(found)) for day, found in known.items() if len(found) >= least}
