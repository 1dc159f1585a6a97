"""Say what a measure of efficiency has saved in the weather there was."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import numpy as np

from wattmesh_analytics.app.ports import Meter, Reading, Tariffs
from wattmesh_analytics.app.question import SiteAssets, known_model, site_assets
from wattmesh_analytics.app.read_energy import ReadEnergy
from wattmesh_analytics.app.read_rules import outdoor_point
from wattmesh_analytics.domain.energy import Floats
from wattmesh_analytics.domain.weather_baseline import (
    Hours,
    MonthFit,
    fit_baseline,
    hours_of,
    predict,
    uncertainty_wh,
)
from wattmesh_kernel.checks import require
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import FailedPrecondition, NotFound
from wattmesh_kernel.ids import PointId, SiteId
from wattmesh_kernel.money import Money
from wattmesh_kernel.series import Series
from wattmesh_kernel.tariff import lower_tariff
from wattmesh_kernel.time import TimeRange, floor_time
from wattmesh_sitemodel.contract import read_contract
from wattmesh_sitemodel.view import SiteModelView

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_MOST_DAYS = 400


@dataclass(frozen=True, kw_only=True, slots=True)
class MeasureSavings:
    """What would have been, and was, consumed in the hours that count [Wh].

    `uncertain_wh`: how far the difference may be off with 90 %; `error_ratio`: that of the baseline
    in its own time; `saved` None: no price is known.
    """

    site: SiteId
    before: TimeRange
    after: TimeRange
    baseline: Series
    baseline_wh: float
    metered_wh: float
    uncertain_wh: float
    saved: Money | None
    covered_ratio: float
    error_ratio: float
    missing_months: tuple[int, ...]


class QueryMeasureSavings:
    """Fits a baseline to the time before a measure, and holds the time after it against that."""

    def __init__(
        self, *, clock: Clock, view: SiteModelView, meter: Meter, tariffs: Tariffs
    ) -> None:
        self._clock = clock
        self._view = view
        self._meter = meter
        self._energy = ReadEnergy(meter)
        self._tariffs = tariffs

    async def __call__(self, site: SiteId, before: TimeRange, after: TimeRange) -> MeasureSavings:
        """Return what was saved.

        Errors: as `site_assets`; InvalidArgument for ranges that are not whole hours, too long, not
        over, or not one after the other; FailedPrecondition `BASELINE_MONTHS_MISSING`,
        `NO_OUTDOOR_TEMPERATURE`.
        """
        self._check(before, after)
        assets = site_assets(self._view, site)
        outside = self._outside(assets, before)
        models = fit_baseline(hours := await self._hours(assets, outside, before))
        if not models:
            message = f"no month of {before} was metered well enough"
            raise FailedPrecondition("BASELINE_MONTHS_MISSING", message)
        now = await self._hours(assets, outside, after)
        expected = predict(models, now)
        counts = np.isfinite(expected) & np.isfinite(now.consumed_wh)
        saved_wh = np.where(counts, expected - now.consumed_wh, 0.0)
        return MeasureSavings(
            site=site,
            before=before,
            after=after,
            baseline=Series(after.start, _HOUR, expected),
            baseline_wh=float(expected[counts].sum()),
            metered_wh=float(now.consumed_wh[counts].sum()),
            uncertain_wh=uncertainty_wh(models, now),
            saved=await self._worth(assets, after, saved_wh),
            covered_ratio=float(np.mean(counts)),
            error_ratio=_error_ratio(models, hours),
            missing_months=tuple(sorted(set(range(1, 13)) - set(models))),
        )

    def _check(self, before: TimeRange, after: TimeRange) -> None:
        for field, span in (("baseline_range", before), ("range", after)):
            whole = floor_time(span.start, _HOUR) == span.start
            whole = whole and floor_time(span.end, _HOUR) == span.end
            require(whole and not span.empty, "INVALID_RANGE", "whole hours, one at least", field)
            short = span.duration <= _MOST_DAYS * _DAY
            require(short, "RANGE_TOO_LONG", f"{_MOST_DAYS} days at most", field)
        apart = before.end <= after.start
        require(apart, "INVALID_RANGE", "it begins when the baseline has ended", "range")
        require(after.end <= self._clock.now(), "NOT_OVER", f"{after} is not over", "range")

    def _outside(self, assets: SiteAssets, before: TimeRange) -> PointId:
        found = outdoor_point(known_model(self._view), assets.grids[0], before.start)
        if found is None:
            message = f"nothing measures how warm it is outside of {assets.site.id}"
            raise FailedPrecondition("NO_OUTDOOR_TEMPERATURE", message)
        return found

    async def _hours(self, assets: SiteAssets, outside: PointId, span: TimeRange) -> Hours:
        energy = await self._energy(assets, span, _HOUR)
        outdoor = await self._meter.readings(outside, span, _HOUR, Reading.MEAN)
        consumed = Series(span.start, _HOUR, energy.consumption_wh)
        return hours_of(consumed, outdoor.values, assets.zone)

    async def _worth(self, assets: SiteAssets, after: TimeRange, saved_wh: Floats) -> Money | None:
        try:
            tariff = await read_contract(
                assets.site, lambda each: self._tariffs.tariff(each, after)
            )
        except NotFound:
            return None
        if tariff is None:
            return None
        prices = lower_tariff(tariff, after, _HOUR, assets.zone).import_price_per_kwh
        if not np.isfinite(prices).any():
            return None
        worth = float(np.nansum(prices * saved_wh) / 1000)
        return Money(Decimal(f"{worth:.9f}"), tariff.currency_code)


def _error_ratio(models: Mapping[int, MonthFit], hours: Hours) -> float:
    """Return the root of the mean squared error over the mean, in the baseline's own time."""
    fitted = predict(models, hours)
    known = np.isfinite(fitted) & np.isfinite(hours.consumed_wh)
    mean = float(np.abs(hours.consumed_wh[known]).mean())
    error = float(np.sqrt(np.mean((fitted[known] - hours.consumed_wh[known]) ** 2)))
    return error / mean if mean else 0.0
