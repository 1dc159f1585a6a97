"""Issuing what is expected of occupants: by sensors, or a workplace's load, and by habit."""

import asyncio
import secrets
from datetime import datetime, timedelta

import numpy as np

from wattmesh_forecast.app.each_history import EachHistory
from wattmesh_forecast.app.failures import failed
from wattmesh_forecast.app.followed_sites import FollowedSites
from wattmesh_forecast.app.ports import Calendar, ForecastStore, Observations
from wattmesh_forecast.app.thermal_history import PointHistory
from wattmesh_forecast.domain.forecast import Forecast
from wattmesh_forecast.domain.hours import HOUR, Floats, LocalClock
from wattmesh_forecast.domain.intervals import on_intervals
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.occupancy.expected import DAYS, expected_shares, share_quantiles
from wattmesh_forecast.domain.occupancy.sensors import SHARES, of_load
from wattmesh_forecast.domain.occupancy.subjects import OccupancySubject
from wattmesh_forecast.domain.outcome import Issued, NotForecast, Outcome, Reason
from wattmesh_forecast.domain.wanted import Wanted
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import WattmeshError
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange, ceil_time, floor_time
from wattmesh_runtime.aio.tasks import together

BY_SENSOR, BY_LOAD = "sensor", "load"
"""The sources of forecasts of occupants."""
_AT_ONCE = 20


class IssueOccupancy:
    """Issues, stores and returns forecasts of the share of the usual occupants."""

    def __init__(
        self,
        *,
        sites: FollowedSites,
        points: PointHistory,
        history: EachHistory,
        calendar: Calendar,
        store: ForecastStore,
        clock: Clock,
        observations: Observations,
    ) -> None:
        self._sites = sites
        self._points = points
        self._history = history
        self._calendar = calendar
        self._store = store
        self._clock = clock
        self._observations = observations
        self._some = asyncio.Semaphore(_AT_ONCE)

    async def __call__(self, wanted: Wanted) -> list[Outcome]:
        """Return what becomes of each asset, in the order asked.

        Errors: InvalidArgument for the range; Unavailable while nothing can be stored, or nothing
        is known of any site.
        """
        now = self._clock.now()
        wanted.check_time(now)
        known = [self._sites.occupancy(asset, now) for asset in wanted.assets]
        outcomes = await together(*(self._outcome(each, wanted, now) for each in known))
        await self._store.add([each.forecast for each in outcomes if isinstance(each, Issued)])
        self._observations.answered(outcomes)
        return list(outcomes)

    async def _outcome(
        self, subject: OccupancySubject | NotForecast, wanted: Wanted, now: datetime
    ) -> Outcome:
        if isinstance(subject, NotForecast):
            return subject
        end = floor_time(now, HOUR)
        span = TimeRange(end - timedelta(days=DAYS + 1), end)
        async with self._some:
            found = await self._read(subject, span)
        if isinstance(found, NotForecast):
            return found
        try:
            return await asyncio.to_thread(self._issued, subject, found, wanted, now)
        except Exception:
            return failed(subject.asset)

    async def _read(self, subject: OccupancySubject, span: TimeRange) -> Series | NotForecast:
        if subject.point is None:
            assert subject.load is not None
            power = (await self._history.power_w([subject.load], span, HOUR))[subject.load]
            if isinstance(power, NotForecast):
                return _not(subject.asset, power.reason, power.message)
            return power
        try:
            return await self._points.mean(subject.point, span, HOUR)
        except WattmeshError as error:
            return _not(subject.asset, Reason.HISTORY_UNAVAILABLE, error.message)

    def _issued(
        self, subject: OccupancySubject, read: Series, wanted: Wanted, now: datetime
    ) -> Outcome:
        shares = self._shares(subject, read)
        there = np.flatnonzero(np.isfinite(shares))
        if not len(there):
            return _not(subject.asset, Reason.NO_HISTORY, _lacks(subject))
        first = floor_time(wanted.span.start, HOUR)
        whole = TimeRange(read.start, ceil_time(wanted.span.end, HOUR))
        holidays = self._calendar.days(subject.zone, whole)
        found = expected_shares(
            shares, read.start, HOUR, subject.zone, whole.count(HOUR) - len(shares), holidays
        )
        said = share_quantiles(*found, wanted.ratios)
        begun = (read.end - first) // HOUR
        if begun > 0:  # of an interval that has begun, hours that have passed are known
            passed = np.repeat(shares[-begun:, None], len(wanted.ratios), axis=1)
            said = np.concatenate([passed, said])
        else:
            said = said[-begun:]
        if np.isnan(said).any():
            return _not(subject.asset, Reason.NO_HISTORY, _lacks(subject))
        values = on_intervals(said, first, wanted.span, wanted.resolution)
        return Issued(
            forecast=Forecast(
                name=f"{subject.asset.name}/forecasts/{now:%Y%m%dt%H%M%Sz}-{secrets.token_hex(4)}",
                asset=subject.asset,
                kind=Kind.OCCUPANCY,
                issue_time=now,
                source=BY_LOAD if subject.point is None else BY_SENSOR,
                start=wanted.span.start,
                resolution=wanted.resolution,
                ratios=wanted.ratios,
                power_w=np.clip(values.T, 0.0, 1.0),
                last_measured=read.start + (int(there[-1]) + 1) * HOUR,
            )
        )

    def _shares(self, subject: OccupancySubject, read: Series) -> Floats:
        if subject.point is not None:
            return SHARES[subject.quantity](read.values, 1.0)
        holidays = self._calendar.days(subject.zone, read.range)
        clock = LocalClock.of(read.range, subject.zone, holidays)
        return of_load(np.maximum(read.values, 0.0), clock.hour, clock.day_type)


def _not(asset: AssetId, reason: Reason, message: str) -> NotForecast:
    return NotForecast(asset=asset, reason=reason, message=message)


def _lacks(subject: OccupancySubject) -> str:
    if subject.point is not None:
        return f"too little was measured of who is in {subject.asset.name}"
    return f"the load of {subject.asset.name} does not tell who is there, and no sensor does"
