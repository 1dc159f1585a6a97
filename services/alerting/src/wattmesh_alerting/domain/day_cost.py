"""What a day has cost so far, beside days of its type."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from wattmesh_kernel.series import Series

WEEKS = 4
"""Days of so many weeks before are looked at."""
_LEAST_DAYS = 4
_LEAST_HOURS = 3
"""Before, a day has hardly begun."""
_SPREADS = 3.0
_LEAST_SHARE = 0.25
_LEAST_SHARE_OF_DAY = 0.1
_MAD = 1.4826
"""Median absolute deviation to standard deviation of what is normally distributed."""
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class DayCost:
    """What a day has cost so far [currency], what is usual, and by how much days differ."""

    cost: float
    usual: float
    margin: float
    days: int

    @property
    def excess(self) -> float:
        """How much more than usual it has cost."""
        return self.cost - self.usual


def day_cost(
    costs: Series, now: datetime, zone: ZoneInfo, holidays: Collection[date] = ()
) -> DayCost | None:
    """Return what the day has cost so far, beside the days of its type before.

    `costs` are those of hours [currency], of some weeks until now, NaN: not known. Days off are
    Saturdays, Sundays and holidays. Compared are the hours of today that are over and known, with
    the same local hours. The margin is three standard deviations of the days (by their median
    absolute deviation), at least a quarter of what is usual until now and a tenth of a whole day.
    None: too early, or fewer than four days to compare with.
    """
    by_day = _by_day(costs, now, zone)
    today = now.astimezone(zone).date()
    so_far = by_day.pop(today, {})
    if len(so_far) < _LEAST_HOURS:
        return None
    off = _is_off(today, holidays)
    alike = [hours for day, hours in by_day.items() if _is_off(day, holidays) == off]
    sums = [sum(hours[hour] for hour in so_far) for hours in alike if so_far.keys() <= hours.keys()]
    if len(sums) < _LEAST_DAYS:
        return None
    usual = float(np.median(sums))
    spread = _MAD * float(np.median(np.abs(np.asarray(sums) - usual)))
    of_day = abs(float(np.median([sum(hours.values()) for hours in alike])))
    margin = max(_SPREADS * spread, _LEAST_SHARE * abs(usual), _LEAST_SHARE_OF_DAY * of_day)
    return DayCost(cost=sum(so_far.values()), usual=usual, margin=margin, days=len(sums))


def _by_day(costs: Series, now: datetime, zone: ZoneInfo) -> dict[date, dict[int, float]]:
    """Return the known costs by local day and hour; an hour that comes twice counts together."""
    found: defaultdict[date, dict[int, float]] = defaultdict(dict)
    for start, cost in zip(costs.times(), costs.values.tolist(), strict=True):
        if np.isfinite(cost) and start + _HOUR <= now:
            local = start.astimezone(zone)
            hours = found[local.date()]
            hours[local.hour] = hours.get(local.hour, 0.0) + cost
    return dict(found)


def _is_off(day: date, holidays: Collection[date]) -> bool:
    return day.weekday() >= 5 or day in holidays
