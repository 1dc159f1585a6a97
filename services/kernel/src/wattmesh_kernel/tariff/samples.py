"""Where within its intervals a tariff's windows hold."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.tariff.calendar import (
    Bools,
    Floats,
    Ints,
    LocalTimes,
    epoch_s,
    from_epoch_s,
    sample_step_s,
    whole_seconds,
)
from wattmesh_kernel.tariff.model import Tariff
from wattmesh_kernel.tariff.parts import ALWAYS_RANGE, TariffPart
from wattmesh_kernel.tariff.rates import EnergyRates
from wattmesh_kernel.tariff.windows import Window
from wattmesh_kernel.time import TimeRange

_MOMENT = timedelta(microseconds=1)
_ENDS = (ALWAYS_RANGE.start, ALWAYS_RANGE.end - _MOMENT)


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Instants at an even step within n intervals, m each, none of which crosses a boundary.

    An interval that straddles a boundary (8:30 within an hour, local midnight in a zone half an
    hour off) is thereby weighed by time.
    """

    zone: ZoneInfo
    holidays: frozenset[date]
    starts_s: Ints
    """Start of each interval, seconds since 1970, shape (n,)."""
    resolution_s: int
    epochs: Ints
    """The instants, seconds since 1970, shape (n * m,)."""
    local: LocalTimes
    held: Bools | None = None
    """At which samples the part of the tariff holds, shape (n * m,); None: at all."""
    part: TimeRange | None = None
    """The time of the span in which it holds; None: all of it."""

    @classmethod
    def of(
        cls,
        parts: Sequence[TariffPart],
        span: TimeRange,
        resolution: timedelta,
        zone: ZoneInfo,
    ) -> "Samples":
        """Return the samples of a span for the parts of a tariff that are in it.

        Error: InvalidArgument unless it is whole intervals.
        """
        resolution_s, start_s = whole_seconds(resolution), epoch_s(span.start)
        count, rest = divmod(span.duration, resolution)
        if rest or count < 1:
            raise InvalidArgument(
                "INVALID_RANGE",
                f"{span} is not a whole number of intervals of {resolution}",
                field="range",
            )
        boundaries = frozenset(_boundaries_of(parts))
        starts, epochs, local = _instants(start_s, resolution_s, count, zone, boundaries)
        return cls(zone, _holidays(parts, zone), starts, resolution_s, epochs, local)

    def during(self, part: TimeRange) -> "Samples":
        """Return the samples for what holds in a part of the span alone."""
        if part is ALWAYS_RANGE:
            return self
        span = TimeRange(*(from_epoch_s(int(self.edges_s[end])) for end in (0, -1)))
        if part.covers(span):
            return self
        inside = span.intersect(part) or TimeRange(span.start, span.start)
        held = (self.epochs >= epoch_s(inside.start)) & (self.epochs < epoch_s(inside.end))
        return replace(self, held=held, part=inside)

    @property
    def holding(self) -> Floats:
        """For how much of each interval the part holds, 0..1, shape (n,)."""
        if self.held is None:
            return np.ones(len(self.starts_s))
        return self.per_interval(self.held)

    def per_interval(self, values: Bools | Floats) -> Floats:
        """Return the mean of sampled values over each interval, shape (n,); NaN if any is."""
        if len(self.epochs) == len(self.starts_s):
            return values.astype(np.float64)
        return np.asarray(values.reshape(len(self.starts_s), -1).mean(axis=1))

    def within(self, window: Window) -> Bools:
        """Return at which samples the window holds, shape (n * m,)."""
        within = self.local.within(window, self.holidays)
        return within if self.held is None else within & self.held

    def share(self, window: Window) -> Floats:
        """Return for how much of each interval the window holds, 0..1, shape (n,)."""
        return self.per_interval(self.within(window))

    @property
    def edges_s(self) -> Ints:
        """The start of every interval and the end of the last, shape (n + 1,)."""
        return np.concatenate((self.starts_s, self.starts_s[-1:] + self.resolution_s))


@lru_cache(8)
def _instants(
    start_s: int, resolution_s: int, count: int, zone: ZoneInfo, boundaries: frozenset[int]
) -> tuple[Ints, Ints, LocalTimes]:
    """Return starts, epochs and their local time; kept, as sites are planned over the same span."""
    step = sample_step_s(start_s, resolution_s, zone, count, boundaries)
    starts = np.arange(count, dtype=np.int64) * resolution_s + start_s
    epochs = np.arange(count * (resolution_s // step), dtype=np.int64) * step + start_s
    local = LocalTimes.at(epochs, zone)
    for shared in (starts, epochs, local.day_number, local.second_of_day):
        shared.setflags(write=False)
    return starts, epochs, local


def windows_of(tariff: Tariff) -> Iterator[Window]:
    """Yield every window of a tariff."""
    for rates in (tariff.import_rates, tariff.export_rates):
        yield from (period.window for period in rates.tou_periods)
        yield from (rate.window for rate in rates.tiered_rates)
    yield from (limit.window for limit in tariff.power_limits)


def _boundaries_of(parts: Sequence[TariffPart]) -> Iterator[int]:
    for part in parts:
        yield from _boundaries_s(part.terms)
    yield from (epoch_s(part.range.start) for part in parts[1:])


def _holidays(parts: Sequence[TariffPart], zone: ZoneInfo) -> frozenset[date]:
    """Return the holidays of each part in its own time."""
    if len(parts) == 1:
        return parts[0].terms.holidays
    found: set[date] = set()
    for part in parts:
        first, last = (
            (moment if moment in _ENDS else moment.astimezone(zone)).date()
            for moment in (part.range.start, part.range.end - _MOMENT)
        )
        found |= {day for day in part.terms.holidays if first <= day <= last}
    return frozenset(found)


def _boundaries_s(tariff: Tariff) -> Iterator[int]:
    for window in windows_of(tariff):
        for each in window.clock_ranges:
            yield each.start_minute * 60
            yield each.end_minute * 60
    yield from _published_boundaries_s(tariff.import_rates)
    yield from _published_boundaries_s(tariff.export_rates)


def _published_boundaries_s(rates: EnergyRates) -> Iterator[int]:
    if rates.real_time is not None and (published := rates.real_time.published) is not None:
        yield whole_seconds(published.resolution)
        yield epoch_s(published.start)


def epochs_of(moments: list[datetime]) -> Ints:
    """Return instants as seconds since 1970, shape (n,)."""
    return np.array([epoch_s(moment) for moment in moments], dtype=np.int64)
