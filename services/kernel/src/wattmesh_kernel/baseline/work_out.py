"""Baselines out of what was metered.

High 5 of 10 is the customer baseline of several markets: of the last ten days of the same kind
(working days, or weekends) without an event, the five with the most energy in the event's hours;
their mean, hour by hour, moved to what the day is like before the event (New York ISO, Emergency
Demand Response Program Manual, section 5.2; North American Energy Standards Board, WEQ-015).
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from wattmesh_kernel.baseline.method import BY_RECENT_DAYS, Adjustment, Baseline, BaselineMethod
from wattmesh_kernel.errors import FailedPrecondition
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange, floor_time, local_days

Powers = NDArray[np.float64]

LOOK_BACK = timedelta(days=60)
"""How far back days are looked for."""
_HELD_WINDOW = timedelta(hours=1)
_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class WorkedOut:
    """A baseline [W], import positive, NaN where it cannot be said, and the days that count."""

    power_w: Series
    days: tuple[date, ...] = ()


def look_back(baseline: Baseline, span: TimeRange) -> TimeRange:
    """Return what has to have been metered for the baseline over `span`."""
    before = _window(baseline.adjustment, span)
    if baseline.method in BY_RECENT_DAYS:
        return TimeRange(floor_time(span.start - LOOK_BACK, _DAY), span.start)
    return before


def work_out(
    baseline: Baseline,
    metered_w: Series,
    span: TimeRange,
    zone: ZoneInfo,
    passed_over: Collection[date] = (),
) -> WorkedOut:
    """Return the baseline over `span`, on the raster of `metered_w` [W], import positive.

    Days of `zone` that are `passed_over` (with events, holidays) do not count. What follows the
    start of `span` in `metered_w` is not looked at. Where the window of an adjustment was not
    metered, the baseline is not moved.

    With 100 W metered in the event's hour of five of the last ten working days and 60 W in that of
    the others, high 5 of 10 is 100 W; with 120 W metered in the hour before, where those five days
    have 100 W, and an adjustment by at most 0.2, it is 120 W.

    Error: FailedPrecondition `BASELINE_DAYS_MISSING` when fewer days than count were metered.
    """
    if baseline.method is BaselineMethod.METER_BEFORE:
        held = metered_w.window(_window(baseline.adjustment, span)).values
        return WorkedOut(power_w=Series.filled(span, metered_w.resolution, _mean(held)))
    if baseline.method not in BY_RECENT_DAYS:
        return WorkedOut(power_w=Series.filled(span, metered_w.resolution, float("nan")))
    days = _counted(baseline, _Days(metered_w, span, zone), frozenset(passed_over))
    power_w = _mean_of([each.power_w for each in days])
    if baseline.adjustment is not None:
        power_w = _moved(power_w, baseline.adjustment, days, metered_w, span)
    return WorkedOut(
        power_w=Series(span.start, metered_w.resolution, power_w),
        days=tuple(each.day for each in days),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Day:
    """A day as it was metered in the hours of an event."""

    day: date
    back: int
    power_w: Powers
    days: "_Days"

    def window(self, span: TimeRange) -> Powers:
        """Return what was metered in hours of another span, as many days back."""
        return self.days.powers_w(span, self.back)


@dataclass(frozen=True, slots=True, eq=False)
class _Days:
    """What was metered in the hours of an event, day by day: local hours, not elapsed ones."""

    metered_w: Series
    span: TimeRange
    zone: ZoneInfo

    def back_from(self) -> Iterator[_Day]:
        """Yield days before the event, the newest first."""
        day = self.span.start.astimezone(self.zone).date()
        for back in range(1, LOOK_BACK // _DAY + 1):
            yield _Day(day - back * _DAY, back, self.powers_w(self.span, back), self)

    def powers_w(self, span: TimeRange, back: int) -> Powers:
        starts = span.starts(self.metered_w.resolution)
        return np.array([self.metered_w.at(self._back(each, back)) for each in starts])

    def _back(self, moment: datetime, days: int) -> datetime:
        local = moment.astimezone(self.zone).replace(tzinfo=None) - days * _DAY
        return local.replace(tzinfo=self.zone)


def _counted(baseline: Baseline, days: _Days, passed_over: frozenset[date]) -> list[_Day]:
    event_day = days.span.start.astimezone(days.zone).date()
    known: list[_Day] = []
    for each in days.back_from():
        if each.day in passed_over or _weekend(each.day) != _weekend(event_day):
            continue
        if np.isfinite(each.power_w).all():
            known.append(each)
        if len(known) == baseline.considered_days:
            break
    if len(known) < baseline.counted_days:
        raise FailedPrecondition(
            "BASELINE_DAYS_MISSING",
            f"{baseline.counted_days} days count and {len(known)} were metered",
        )
    ranked = sorted(known, key=lambda each: float(each.power_w.mean()), reverse=True)
    if baseline.method is BaselineMethod.MIDDLE_OF_RECENT_DAYS:
        left_out = len(ranked) - baseline.counted_days
        ranked = ranked[(left_out + 1) // 2 :]
    return ranked[: baseline.counted_days]


def _moved(
    power_w: Powers,
    adjustment: Adjustment,
    days: list[_Day],
    metered_w: Series,
    span: TimeRange,
) -> Powers:
    window = _window(adjustment, span)
    seen = _mean(metered_w.window(window).values)
    usual = _mean(_mean_of([each.window(window) for each in days]))
    if not (np.isfinite(seen) and np.isfinite(usual)):
        return power_w
    if adjustment.multiplicative:
        if usual <= 0:  # a ratio says nothing about what is exported
            return power_w
        least, most = 1 - adjustment.most_ratio, 1 + adjustment.most_ratio
        return power_w * float(np.clip(seen / usual, least, most))
    bound = adjustment.most_ratio * abs(float(power_w.mean()))
    return power_w + float(np.clip(seen - usual, -bound, bound))


def _window(adjustment: Adjustment | None, span: TimeRange) -> TimeRange:
    if adjustment is None:
        return TimeRange(span.start - _HELD_WINDOW, span.start)
    end = span.start - adjustment.gap
    return TimeRange(end - adjustment.window, end)


def _mean_of(days: list[Powers]) -> Powers:
    mean: Powers = np.mean(days, axis=0)
    return mean


def _mean(values: Powers) -> float:
    """Return the mean; NaN when any part is missing."""
    return float(values.mean()) if len(values) else float("nan")


def _weekend(day: date) -> bool:
    return day.weekday() >= 5


def event_days(ranges: Collection[TimeRange], zone: ZoneInfo) -> frozenset[date]:
    """Return the local days that any of the ranges touches."""
    return frozenset(
        day.start.astimezone(zone).date() for span in ranges for day in local_days(span, zone)
    )
