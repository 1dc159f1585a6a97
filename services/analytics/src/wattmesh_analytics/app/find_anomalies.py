"""Look for what is wrong with a site's consumption, plants, batteries, zones and meters."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import numpy as np

from wattmesh_analytics.app.ports import Meter, Reading, Tariffs
from wattmesh_analytics.app.question import SiteAssets, known_model, site_assets
from wattmesh_analytics.domain.anomalies import findings
from wattmesh_analytics.domain.anomalies.findings import Anomaly, Days
from wattmesh_analytics.domain.energy import Energy, Floats
from wattmesh_kernel.checks import require
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import InvalidArgument, NotFound
from wattmesh_kernel.ids import AssetId, PointId, SiteId
from wattmesh_kernel.money import Money
from wattmesh_kernel.sites import BatteryRating, HvacZoneRating, MeterRole, PvRating
from wattmesh_kernel.tariff import lower_tariff
from wattmesh_kernel.time import TimeRange, ceil_time, floor_time
from wattmesh_sitemodel.contract import read_contract
from wattmesh_sitemodel.view import SiteModelView

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
MOST_DAYS, LEAST_DAYS = 400, 21


@dataclass(frozen=True, kw_only=True, slots=True)
class PricedAnomaly:
    """An anomaly with what it has cost until the end of the range, and costs in a year."""

    anomaly: Anomaly
    cost: Money | None
    yearly_cost: Money | None


class FindAnomalies:
    """Reads hours, makes figures of days, and says when they moved."""

    def __init__(
        self, *, clock: Clock, view: SiteModelView, meter: Meter, tariffs: Tariffs
    ) -> None:
        self._clock = clock
        self._view = view
        self._meter = meter
        self._tariffs = tariffs

    async def __call__(self, site: SiteId, span: TimeRange) -> list[PricedAnomaly]:
        """Return what is wrong, newest first.

        Errors: as `site_assets`; InvalidArgument for a range that is not over, shorter than three
        weeks or longer than 400 days.
        """
        require(span.end <= self._clock.now(), "NOT_OVER", "the range is not over", "range")
        assets = site_assets(self._view, site)
        whole, days = _days(span, assets)
        found = [
            *await self._consumption(assets, whole, days),
            *await self._plants(assets, whole, days),
            *await self._batteries(assets, whole, days),
            *await self._meters(assets, whole, days),
            *await self._zones(assets, whole, days),
        ]
        price = await self._price(assets, whole)
        priced = [_priced(each, days, price) for each in found]
        return sorted(priced, key=lambda each: each.anomaly.since, reverse=True)

    async def _consumption(self, assets: SiteAssets, whole: TimeRange, days: Days) -> list[Anomaly]:
        """Look at what the site consumes: its exchange, and what its plants and batteries gave."""
        energies = await self._meter.energy(assets.every, whole, _HOUR)
        consumed = by_days(np.sum([energies[each].net_wh for each in assets.grids], axis=0))
        for each in (*assets.plants, *assets.batteries):
            consumed = consumed - by_days(energies[each].net_wh)
        subject = assets.grids[0]
        return [
            *findings.base_load(subject, days, consumed),
            *findings.days_off(subject, days, consumed),
        ]

    async def _plants(self, assets: SiteAssets, whole: TimeRange, days: Days) -> list[Anomaly]:
        """Hold plants against the sun, where an irradiance is metered on the site."""
        sun = self._point(assets.site.id, "irradiance_w_per_m2", whole)
        if sun is None:
            return []
        irradiation = by_days((await self._meter.hourly(sun, whole, Reading.MEAN)).values)
        found = list[Anomaly]()
        for plant in _of_kind(self._view, assets, PvRating):
            energy = await self._energy(plant, whole)
            found += findings.low_generation(plant, days, by_days(-energy.net_wh), irradiation)
        return found

    async def _batteries(self, assets: SiteAssets, whole: TimeRange, days: Days) -> list[Anomaly]:
        found = list[Anomaly]()
        for asset in _of_kind(self._view, assets, BatteryRating):
            point = known_model(self._view).point_of(asset, "soc_ratio", whole.start)
            if point is not None:
                soc = await self._meter.hourly(point, whole, Reading.LAST)
                energy = await self._energy(asset, whole)
                found += findings.battery(asset, days, by_days(energy.net_wh), by_days(soc.values))
        return found

    async def _meters(self, assets: SiteAssets, whole: TimeRange, days: Days) -> list[Anomaly]:
        """Hold check meters against main meters."""
        found, register = list[Anomaly](), "import_energy_wh"
        model = known_model(self._view)
        for asset in assets.every:
            main = model.point_of(asset, register, whole.start)
            for meter in model.meters_of(asset, whole.start):
                checks = meter.function.meter_role is MeterRole.CHECK
                if not checks or register not in meter.quantities or main is None:
                    continue
                check = await self._register(meter.device.point(register), whole)
                known = await self._register(main, whole)
                found += findings.drift(meter.device.id, days, check, known)
        return found

    async def _zones(self, assets: SiteAssets, whole: TimeRange, days: Days) -> list[Anomaly]:
        """Hold heating and cooling against the difference to the outside, where that is metered."""
        outside = self._point(assets.site.id, "outdoor_temperature_celsius", whole)
        if outside is None:
            return []
        cold = by_days((await self._meter.hourly(outside, whole, Reading.MEAN)).values)
        found, model = list[Anomaly](), known_model(self._view)
        for zone in _of_kind(self._view, assets, HvacZoneRating):
            inside = model.point_of(zone, "temperature_celsius", whole.start)
            if inside is not None:
                warm = by_days((await self._meter.hourly(inside, whole, Reading.MEAN)).values)
                energy = await self._energy(zone, whole)
                found += findings.hvac(zone, days, by_days(energy.import_wh.values), warm, cold)
        return found

    async def _energy(self, asset: AssetId, whole: TimeRange) -> Energy:
        return (await self._meter.energy([asset], whole, _HOUR))[asset]

    async def _register(self, point: PointId, whole: TimeRange) -> Floats:
        return by_days((await self._meter.hourly(point, whole, Reading.INCREASE)).values)

    def _point(self, site: SiteId, quantity: str, whole: TimeRange) -> PointId | None:
        """Return a point of a site that shows a quantity, whatever of."""
        model = known_model(self._view)
        for asset in model.assets_of(site):
            point = model.point_of(asset.id, quantity, whole.start)
            if point is not None:
                return point
        return None

    async def _price(self, assets: SiteAssets, whole: TimeRange) -> Money | None:
        """Return the mean import price of a kWh; None: the site has no tariff, or no price."""
        try:
            tariff = await read_contract(
                assets.site, lambda each: self._tariffs.tariff(each, whole)
            )
            if tariff is None:
                return None
            prices = lower_tariff(tariff, whole, _HOUR, assets.zone).import_price_per_kwh
        except (NotFound, InvalidArgument):
            return None
        known = prices[np.isfinite(prices)]
        if not known.size:
            return None
        return Money(Decimal(f"{known.mean():.9f}"), tariff.currency_code)


def by_days(hours: Floats) -> Floats:
    """Return hourly values of whole days, shape (days, 24)."""
    return hours.reshape(-1, 24)


def _days(span: TimeRange, assets: SiteAssets) -> tuple[TimeRange, Days]:
    """Return the whole days of standard time within a range, and which of them are days off."""
    local = span.start.astimezone(assets.zone)
    offset = (local.utcoffset() or timedelta(0)) - (local.dst() or timedelta(0))
    start = ceil_time(span.start + offset, _DAY) - offset
    end = floor_time(span.end + offset, _DAY) - offset
    count = (end - start) // _DAY
    require(
        LEAST_DAYS <= count <= MOST_DAYS and ceil_time(start, _HOUR) == start,
        "INVALID_RANGE",
        f"a range of {LEAST_DAYS} to {MOST_DAYS} whole days",
        "range",
    )
    days = tuple((start + offset + each * _DAY).date() for each in range(count))
    off = np.array([each.weekday() >= 5 for each in days])
    return TimeRange(start, end), Days(days=days, off=off)


def _of_kind(view: SiteModelView, assets: SiteAssets, kind: type) -> Iterator[AssetId]:
    for each in known_model(view).assets_of(assets.site.id):
        if isinstance(each.rating, kind):
            yield each.id


def _priced(anomaly: Anomaly, days: Days, price: Money | None) -> PricedAnomaly:
    """Return an anomaly with its cost: lost energy at the mean import price."""
    if price is None or anomaly.lost_wh_per_day is None:
        return PricedAnomaly(anomaly=anomaly, cost=None, yearly_cost=None)
    last: date = anomaly.ended or days.days[-1] + _DAY
    per_day = Decimal(f"{anomaly.lost_wh_per_day / 1000:.9f}") * price.amount

    def over(count: int) -> Money:
        return Money(per_day * count, price.currency_code).rounded()

    return PricedAnomaly(
        anomaly=anomaly, cost=over((last - anomaly.since).days), yearly_cost=over(365)
    )
