"""Baselines and metered power of sites and groups: the one place where they come from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from wattmesh_demandresponse.app.ports import Meter, MeteredSite, Records, Sites
from wattmesh_kernel.baseline import Baseline, WorkedOut, event_days, look_back, work_out
from wattmesh_kernel.baseline.method import BY_RECENT_DAYS, BaselineMethod
from wattmesh_kernel.checks import require
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import EPOCH, TimeRange, ceil_time, floor_time

_RASTERS = tuple(timedelta(minutes=each) for each in (60, 30, 15, 5, 1))
"""Coarsest first: what meters tell by the hour is known by the hour."""
_LONGEST = timedelta(days=31)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Metered:
    sites: Sequence[MeteredSite]
    resolution: timedelta


class Baselines:
    """Works baselines out of what was metered, and of which days had events."""

    def __init__(self, clock: Clock, sites: Sites, meter: Meter, records: Records) -> None:
        self._clock = clock
        self._sites = sites
        self._meter = meter
        self._records = records

    async def __call__(
        self,
        subject: str,
        baseline: Baseline,
        span: TimeRange,
        *,
        step: timedelta | None = None,
        known_by: datetime | None = None,
    ) -> WorkedOut:
        """Return the baseline of a site or group over `span`, in intervals of `step` if given.

        Errors: NotFound; InvalidArgument `INVALID_RANGE`; FailedPrecondition
        `BASELINE_DAYS_MISSING`; Unavailable.
        """
        _check(baseline, span)
        metered = _Metered(sites=self._sites.of(subject), resolution=raster(span, step))
        before = look_back(baseline, span)
        passed_over: frozenset[date] = frozenset()
        zone = metered.sites[0].zone
        if baseline.method in BY_RECENT_DAYS:
            ranges = await self._records.event_ranges(subject, before)
            passed_over = event_days(ranges, zone)
        power_w = await self._power_w(metered, before, known_by)
        found = work_out(baseline, power_w, span, zone, passed_over)
        return WorkedOut(power_w=_in_steps(found.power_w, step), days=found.days)

    def zone(self, subject: str) -> ZoneInfo:
        """Return whose days count. Error: NotFound."""
        return self._sites.of(subject)[0].zone

    async def metered_w(self, subject: str, span: TimeRange, step: timedelta) -> Series:
        """Return the power of a site or group that was metered [W], NaN where it was not."""
        metered = _Metered(sites=self._sites.of(subject), resolution=raster(span, step))
        return _in_steps(await self._power_w(metered, span, None), step)

    async def _power_w(
        self, metered: _Metered, span: TimeRange, known_by: datetime | None
    ) -> Series:
        """Return what was metered on the raster that covers a span; NaN for what is to come."""
        resolution = metered.resolution
        start, end = floor_time(span.start, resolution), ceil_time(span.end, resolution)
        passed = min(end, floor_time(self._clock.now(), resolution))
        whole = TimeRange(start, end)
        if passed <= start:
            return Series.filled(whole, resolution, float("nan"))
        connections = [each.connection for each in metered.sites]
        power_w = await self._meter.net_power_w(
            connections, TimeRange(start, passed), resolution, known_by
        )
        return power_w.window(whole)


def raster(span: TimeRange, step: timedelta | None) -> timedelta:
    """Return the coarsest raster that a span and its intervals lie on; a minute where none is."""
    step = span.duration if step is None else step
    for each in _RASTERS:
        if not (span.start - EPOCH) % each and not step % each:
            return each
    return _RASTERS[-1]


def _in_steps(power_w: Series, step: timedelta | None) -> Series:
    """Return means over whole steps, counted from the start of the series."""
    if step is None or step == power_w.resolution:
        return power_w
    each = step // power_w.resolution
    return Series(power_w.start, step, power_w.values.reshape(-1, each).mean(axis=1))


def _check(baseline: Baseline, span: TimeRange) -> None:
    require(
        timedelta(0) < span.duration <= _LONGEST,
        "INVALID_RANGE",
        f"a baseline is over at most {_LONGEST.days} days",
        "range",
    )
    minute = _RASTERS[-1]
    require(
        not (span.start - EPOCH) % minute and not span.duration % minute,
        "INVALID_RANGE",
        "baselines are over whole minutes",
        "range",
    )
    require(
        baseline.method is not BaselineMethod.DECLARED,
        "BASELINE_NOT_METERED",
        "what was declared is not worked out of meters",
        "baseline.method",
    )
