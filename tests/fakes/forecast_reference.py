"""The patterns as their definitions read: one asset, one question, one number at a time.

Slow, and without any of the arrays and shortcuts of the real ones, which must give the same.
"""

import math
from collections.abc import Iterable, Sequence
from statistics import fmean, median
from typing import TypeAlias

from wattmesh_forecast.domain.hours import AssetHours

DAY = 24
Value: TypeAlias = float | None


class Reference:
    """An asset's past as it was known when hour `last` was the newest."""

    def __init__(self, asset: AssetHours, last: int) -> None:
        self._asset = asset
        self._last = last

    def load_patterns(self, target: int) -> list[float]:
        """Return what each load pattern says of a target [W]."""
        lags, default = self._lags(target, 28, local=True), self._weekly_mean(self._last)
        week = _filled([value for _, value in lags[:7]], default)
        weekend = self._weekend(target)
        around = [self._around(target, days) for days in (2, 7)]
        smooth_mean = _mean(around[0], fmean(week[:2]))
        smooth_median = _quantile(around[1], 0.5, median(week))
        of_type = [v if self._weekend(p) == weekend else None for p, v in lags]
        every = [value for _, value in lags]
        day_type = _quantile(of_type[:14], 0.5, _quantile(every, 0.5, default))
        day_type_mean = _mean(of_type[:21], _mean(every, default))
        level = _bounded(_mean(self._newest(DAY), default) / default if self._known_day else 1.0)
        half = math.sqrt(self._day_type_level())
        scaled = (smooth_median * level, smooth_median * math.sqrt(level))
        typed = (day_type * half, day_type_mean * half)
        return [max(v, 0.0) for v in (week[0], smooth_mean, day_type, *scaled, *typed)]

    def pv_patterns(self, target: int) -> list[float]:
        """Return what each solar pattern says of a target [W]."""
        now = self._clear_sky(target)
        if now <= 0:
            return [0.0] * 9
        lags = [
            None if v is None else v * self._carry(now, p)
            for p, v in self._lags(target, 28, local=False)
        ]
        envelope = max(_there(lags[:21]), default=0.0)
        week = _filled(lags[:7], envelope)
        day = self._index(0, DAY, 0.7)
        three = self._index(0, 3, self._index(0, 6, day))
        middle, upper = (_quantile(lags[:14], ratio, 0.0) for ratio in (0.5, 0.75))
        means = (week[0], fmean(week[:3]), fmean(week), median(week))
        return [*means, middle, _mean(lags, 0.0), upper, envelope * day, envelope * three]

    def _day_type_level(self) -> float:
        before = Reference(self._asset, self._last - DAY)
        promised_total = came_total = 0.0
        both = 0
        for hour in range(self._last, self._last - DAY, -1):
            came = self._known(hour)
            if came is not None and (promised := before._day_type(hour)) > 0:
                both, promised_total, came_total = (
                    both + 1,
                    promised_total + promised,
                    came_total + came,
                )
        return _bounded(came_total / max(promised_total, 1e-9) if both >= DAY // 4 else 1.0)

    def _day_type(self, target: int) -> float:
        lags, weekend = self._lags(target, 28, local=True), self._weekend(target)
        of_type = [v if self._weekend(p) == weekend else None for p, v in lags[:14]]
        every = _quantile([v for _, v in lags], 0.5, self._weekly_mean(self._last))
        return _quantile(of_type, 0.5, every)

    def _index(self, first: int, end: int, default: float) -> float:
        given = possible = 0.0
        for hour in range(self._last - first, self._last - end, -1):
            came = self._known(hour) or 0.0
            earlier = _there(self._known(hour - DAY * day) for day in range(1, 22))
            given, possible = given + came, possible + max([came, *earlier])
        peak = max(_there(self._newest(28 * DAY)), default=0.0)
        return given / possible if possible > 0.02 * max(peak, 1e-3) else default

    def _lags(self, target: int, days: int, *, local: bool) -> list[tuple[int, Value]]:
        newest = max(1, math.ceil((target - self._last) / DAY))
        found = []
        for day in range(newest, newest + days):
            position = target - DAY * day
            position += self._shift(target, position) if local else 0
            found.append((position, self._known(position)))
        return found

    def _around(self, target: int, days: int) -> list[Value]:
        hours = [position for position, _ in self._lags(target, days, local=True)]
        return [self._known(hour + beside) for hour in hours for beside in (-1, 0, 1)]

    def _shift(self, target: int, then: int) -> int:
        offset = self._asset.clock.offset_hours
        return round(float(offset[target] - offset[self._inside(then)]))

    def _weekend(self, position: int) -> bool:
        return bool(self._asset.clock.weekday[self._inside(position)] >= 5)

    def _carry(self, now: float, then: int) -> float:
        ratio = min(now / max(self._clear_sky(self._inside(then)), 5.0), 1.5)
        return min(ratio, 1.0) if now < 20.0 else ratio

    def _clear_sky(self, position: int) -> float:
        assert self._asset.sun is not None
        return float(self._asset.sun.clear_sky_w_m2[position])

    @property
    def _known_day(self) -> bool:
        return bool(_there(self._newest(DAY)))

    def _weekly_mean(self, last: int) -> float:
        return max(_mean(Reference(self._asset, last)._newest(7 * DAY), 0.0), 1e-3)

    def _newest(self, hours: int) -> list[Value]:
        return [self._known(self._last - back) for back in range(hours)]

    def _known(self, position: int) -> Value:
        if not 0 <= position <= self._last:
            return None
        value = float(self._asset.power_w[position])
        return None if math.isnan(value) else value

    def _inside(self, position: int) -> int:
        return min(max(position, 0), len(self._asset.power_w) - 1)


def _there(values: Iterable[Value]) -> list[float]:
    return [value for value in values if value is not None]


def _mean(values: Iterable[Value], otherwise: float) -> float:
    there = _there(values)
    return fmean(there) if there else otherwise


def _quantile(values: Iterable[Value], ratio: float, otherwise: float) -> float:
    there = sorted(_there(values))
    if not there:
        return otherwise
    position = ratio * (len(there) - 1)
    low, high = there[math.floor(position)], there[math.ceil(position)]
    return low + (high - low) * (position - math.floor(position))


def _filled(lags: Sequence[Value], default: float) -> list[float]:
    """Fill gaps by the next older day, else the next newer, else the default."""
    filled = []
    for number, value in enumerate(lags):
        older = _there(lags[number:])
        newer = _there(reversed(lags[:number]))
        filled.append(value if value is not None else (older or newer or [default])[0])
    return filled


def _bounded(level: float) -> float:
    return min(max(level, 0.2), 4.0)
