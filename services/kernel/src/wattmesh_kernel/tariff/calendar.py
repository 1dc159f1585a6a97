"""The local calendar of intervals: offsets, dates, windows and billing periods."""

import math
from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.tariff.charges import BillingCycle, ChargeInterval
from wattmesh_kernel.tariff.windows import ClockRange, Day, Season, Window
from wattmesh_kernel.time import EPOCH, TimeRange, local_days

DAY_S = 86_400
_KEPT = 4096
"""Answers of a zone that are kept: sites planned at the same time ask for the same ones."""
_EPOCH_WEEKDAY = 3  # 1970-01-01 was a Thursday; Monday is 0

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def epoch_s(moment: datetime) -> int:
    """Return the whole seconds since 1970; InvalidArgument when there is a fraction."""
    seconds, rest = divmod(moment - EPOCH, timedelta(seconds=1))
    if rest:
        raise InvalidArgument(
            "INVALID_TIME", f"{moment.isoformat()} is not a whole second", field="start_time"
        )
    return seconds


def from_epoch_s(seconds: int) -> datetime:
    """Return the instant, UTC."""
    return EPOCH + timedelta(seconds=seconds)


def whole_seconds(duration: timedelta) -> int:
    """Return a positive duration in seconds; InvalidArgument unless it is a whole number."""
    seconds, rest = divmod(duration, timedelta(seconds=1))
    if rest or seconds <= 0:
        raise InvalidArgument(
            "INVALID_RESOLUTION", f"{duration} is not whole seconds", field="resolution"
        )
    return seconds


def utc_offsets_s(epochs: Ints, zone: ZoneInfo) -> Ints:
    """Return the zone's offset from UTC [s] at each of the ascending instants, shape `(n,)`.

    The zone is asked once per UTC day; only days with a change are looked at instant by instant.
    """
    if not len(epochs):
        return epochs
    first, last = int(epochs[0]) // DAY_S, int(epochs[-1]) // DAY_S
    known = [_offset_s(day * DAY_S, zone) for day in range(first, last + 2)]
    if len(set(known)) == 1:
        return np.full(len(epochs), known[0], dtype=np.int64)
    at_knots = np.array(known, dtype=np.int64)
    index = epochs // DAY_S - first
    offsets: Ints = at_knots[index]
    for i in np.flatnonzero((at_knots[:-1] != at_knots[1:])[index]):
        offsets[i] = _offset_s(int(epochs[i]), zone)
    return offsets


@lru_cache(_KEPT)
def _offset_s(epoch: int, zone: ZoneInfo) -> int:
    offset = datetime.fromtimestamp(epoch, zone).utcoffset()
    return int((offset or timedelta(0)).total_seconds())


@dataclass(frozen=True, slots=True, eq=False)
class LocalTimes:
    """The local wall-clock reading at instants: days since 1970-01-01 and seconds of the day."""

    day_number: Ints
    second_of_day: Ints

    @classmethod
    def at(cls, epochs: Ints, zone: ZoneInfo) -> "LocalTimes":
        """Return the reading at ascending instants."""
        local = epochs + utc_offsets_s(epochs, zone)
        return cls(*np.divmod(local, DAY_S))

    def within(self, window: Window, holidays: frozenset[date]) -> Bools:
        """Return which instants the window holds."""
        inside = np.ones(len(self.day_number), dtype=np.bool_)
        if window.seasons:
            inside &= season_mask(self.day_number, window.seasons)
        if window.days:
            inside &= _day_mask(self.day_number, window.days, holidays)
        if window.clock_ranges:
            inside &= _clock_mask(self.second_of_day, window.clock_ranges)
        return inside


def season_mask(day_numbers: Ints, seasons: Iterable[Season]) -> Bools:
    """Return which local dates any of the seasons holds."""
    dates = day_numbers.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    month_day = (months.astype(np.int64) % 12 + 1) * 100 + (dates - months).astype(np.int64) + 1
    inside = np.zeros(len(day_numbers), dtype=np.bool_)
    for season in seasons:
        start = season.start_month * 100 + season.start_day
        end = season.end_month * 100 + season.end_day
        after, before = month_day >= start, month_day <= end
        inside |= (after & before) if start <= end else (after | before)
    return inside


def _day_mask(day_numbers: Ints, days: frozenset[Day], holidays: frozenset[date]) -> Bools:
    kinds = (day_numbers + _EPOCH_WEEKDAY) % 7 + 1
    if holidays:
        numbers = [day_number(holiday) for holiday in holidays]
        kinds = np.where(np.isin(day_numbers, numbers), Day.HOLIDAY.value, kinds)
    return np.isin(kinds, [day.value for day in days])


def _clock_mask(second_of_day: Ints, ranges: Iterable[ClockRange]) -> Bools:
    inside = np.zeros(len(second_of_day), dtype=np.bool_)
    for each in ranges:
        start, end = each.start_minute * 60, each.end_minute * 60
        after, before = second_of_day >= start, second_of_day < end
        inside |= (after & before) if start < end else (after | before)
    return inside


def day_number(day: date) -> int:
    """Return the days since 1970-01-01."""
    return day.toordinal() - EPOCH.toordinal()


def sample_step_s(
    start_s: int, resolution_s: int, zone: ZoneInfo, count: int, others: Iterable[int]
) -> int:
    """Return a step [s] that meets every boundary inside the intervals.

    `others` are further seconds (clock boundaries, series starts and resolutions) to be met.
    """
    edges = np.arange(0, count + 1, dtype=np.int64) * resolution_s + start_s
    offsets = set(utc_offsets_s(edges, zone).tolist())
    return math.gcd(resolution_s, start_s, *offsets, *others)


def billing_periods(cycle: BillingCycle, span: TimeRange, zone: ZoneInfo) -> list[TimeRange]:
    """Return the whole billing periods that `span` touches, in order."""
    month = _period_month(cycle, span.start.astimezone(zone).date())
    periods: list[TimeRange] = []
    while True:
        period = _billing_period(month, cycle, zone)
        if period.start >= span.end and periods:
            return periods
        periods.append(period)
        month += cycle.months


@lru_cache(_KEPT)
def _billing_period(month: int, cycle: BillingCycle, zone: ZoneInfo) -> TimeRange:
    """Return the billing period that starts in a month, counted from year 0."""
    first, last = (_start_in(each, cycle) for each in (month, month + cycle.months))
    return TimeRange(_midnight(first, zone), _midnight(last, zone))


def charge_periods(
    interval: ChargeInterval, cycle: BillingCycle, span: TimeRange, zone: ZoneInfo
) -> list[TimeRange]:
    """Return the whole billing periods, or whole local days, that `span` touches, in order."""
    if interval is ChargeInterval.BILLING_PERIOD:
        return billing_periods(cycle, span, zone)
    first = _midnight(span.start.astimezone(zone).date(), zone)
    last = _midnight(span.end.astimezone(zone).date() + timedelta(days=1), zone)
    whole = local_days(TimeRange(first, last), zone)
    return [day for day in whole if day.start < span.end or day.contains(span.start)]


def earlier_period_start(
    interval: ChargeInterval, cycle: BillingCycle, start: datetime, count: int, zone: ZoneInfo
) -> datetime:
    """Return the start of the `count`-th period before the one that starts at `start`."""
    day = start.astimezone(zone).date()
    if interval is ChargeInterval.DAY:
        return _midnight(day - timedelta(days=count), zone)
    month = day.year * 12 + day.month - 1 - count * cycle.months
    return _midnight(_start_in(month, cycle), zone)


def _period_month(cycle: BillingCycle, day: date) -> int:
    """Return the month, counted from year 0, in which the period of a day starts."""
    month = day.year * 12 + day.month - 1
    month -= day < _start_in(month, cycle)
    return month - month % cycle.months


def _start_in(month: int, cycle: BillingCycle) -> date:
    """Return the day of a month on which periods start: its last where it is too short."""
    year, number = month // 12, month % 12 + 1
    return date(year, number, min(cycle.start_day, monthrange(year, number)[1]))


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
