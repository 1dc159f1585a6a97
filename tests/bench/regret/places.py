"""Places with batteries and what was measured there: five homes, and a campus."""

import csv
import gzip
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from tests.bench.citylearn import homes
from tests.bench.citylearn.environment import data_folder
from tests.bench.citylearn.forecasts import Measured
from wattmesh_forecast.domain.hours import Floats
from wattmesh_kernel.ids import AssetId, DeviceId, GatewayId, GroupId, SiteId, TariffId, ZoneId
from wattmesh_kernel.series import Series
from wattmesh_kernel.sites import (
    Asset,
    BatteryRating,
    Device,
    DeviceFunction,
    GridConnectionRating,
    LoadRating,
    MeterRole,
    MqttConnection,
    PlanningGoals,
    Resource,
    Site,
    SiteGroup,
    SiteModel,
    SiteModelChange,
)
from wattmesh_kernel.tariff import EnergyRates, RealTimePrice, Tariff, lower_tariff
from wattmesh_kernel.time import TimeRange

HOUR = timedelta(hours=1)
GROUP = GroupId("judged")


@dataclass(frozen=True, kw_only=True, eq=False)
class Place:
    """One place over `hours` hours from `start` on.

    `power_w` by the uncertain assets (hours, assets), positive into them; `carbon` [g/kWh];
    `price_per_kwh` what importing costs. `owned` says which site an uncertain asset is of;
    each site has one battery of the rating `battery`.
    """

    name: str
    start: datetime
    zone: ZoneInfo
    resources: tuple[Resource, ...]
    sites: tuple[SiteId, ...]
    uncertain: tuple[AssetId, ...]
    battery: BatteryRating
    power_w: Floats
    carbon: Floats
    price_per_kwh: Floats
    peak_price_per_kw: float

    def model(self, goals: PlanningGoals, *, priced_peak: bool) -> SiteModel:
        """Return the site model with goals of the group."""
        group = SiteGroup(
            id=GROUP,
            sites=self.sites,
            goals=goals,
            peak_price_per_kw=self.peak_price_per_kw if priced_peak else None,
        )
        changed = (*self.resources, group)
        return SiteModel().apply(SiteModelChange(revision=1, changed=changed))

    def tariff(self, target: TimeRange) -> Tariff:
        """Return the tariff as it is known when `target` begins: prices a day ahead."""
        first = (target.start - self.start) // HOUR
        prices = self.price_per_kwh[first : first + target.count(HOUR)]
        published = Series(target.start, HOUR, prices)
        return Tariff(
            id=TariffId("published"),
            currency_code=self.currency,
            import_rates=EnergyRates(real_time=RealTimePrice(published=published)),
        )

    @property
    def currency(self) -> str:
        """What is paid with."""
        (site, *_) = (each for each in self.resources if isinstance(each, Site))
        return site.currency_code

    def net_w(self, site: int, hour: int) -> float:
        """Return what a site would exchange without its battery [W]."""
        own = [
            number for number, each in enumerate(self.uncertain) if each.site == self.sites[site]
        ]
        return float(self.power_w[hour, own].sum())


def five_homes() -> Place:
    """Return homes 1 to 5 of the CityLearn Challenge 2022, in hours of UTC."""
    model = homes.site_model(homes.UserSettings())
    measured = Measured(data_folder())
    start = homes.start_of(0)
    offsets = [(homes.start_of(hour) - start) // HOUR for hour in range(len(measured.power_w))]
    power = _gapless(measured.power_w, offsets)
    carbon = _gapless(measured.carbon[:, None], offsets)[:, 0]
    sites = tuple(homes.site_ids())
    kept: list[Resource] = [
        *(each for each in model.sites.values()),
        *(each for each in model.assets.values()),
        *(each for each in model.devices.values()),
    ]
    return Place(
        name="five_homes",
        start=start,
        zone=ZoneInfo(homes.ZONE),
        resources=tuple(kept),
        sites=sites,
        uncertain=tuple(homes.asset_of(site, kind) for kind in ("load", "pv") for site in sites),
        battery=next(
            each.rating for each in model.assets.values() if isinstance(each.rating, BatteryRating)
        ),
        power_w=power,
        carbon=carbon,
        price_per_kwh=_tou(model, start, len(power)),
        peak_price_per_kw=4.0,
    )


def _gapless(values: Floats, offsets: list[int]) -> Floats:
    """Return values by the hour of UTC; an hour that the clock skipped is as the one before."""
    found = np.full((offsets[-1] + 1, values.shape[1]), np.nan)
    found[offsets] = values
    for hour in np.flatnonzero(np.isnan(found[:, 0])):
        found[hour] = found[hour - 1]
    return found


def _tou(model: SiteModel, start: datetime, count: int) -> Floats:
    (tariff,) = model.tariffs.values()
    lowered = lower_tariff(tariff, TimeRange.of(start, count * HOUR), HOUR, ZoneInfo(homes.ZONE))
    return np.asarray(lowered.import_price_per_kwh)


def campus(data: Path) -> Place:
    """Return six buildings of a university behind one connection, 2019, with 500 kWh beside."""
    file = data / "uk_campus_2019" / "campus_hourly_2019.csv.gz"
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    names = [name for name in rows[0] if name.startswith("elec_")]
    power = np.array([[float(row[name]) for name in names] for row in rows]) * 1e3
    site = SiteId("campus")
    loads = tuple(AssetId(site, name.split("_")[1]) for name in names)
    battery = BatteryRating(
        capacity_wh=500_000.0,
        max_charge_power_w=250_000.0,
        max_discharge_power_w=250_000.0,
        charge_efficiency_ratio=0.95,
        discharge_efficiency_ratio=0.95,
    )
    return Place(
        name="uk_campus",
        start=datetime(2019, 1, 1, tzinfo=UTC),
        zone=ZoneInfo("Europe/London"),
        resources=_campus(site, loads, battery),
        sites=(site,),
        uncertain=loads,
        battery=battery,
        power_w=power,
        carbon=np.array([float(row["carbon_kg_per_kwh"]) for row in rows]) * 1e3,
        price_per_kwh=np.array([float(row["agile_import_gbp_per_kwh"]) for row in rows]),
        peak_price_per_kw=4.0,
    )


def _campus(
    site: SiteId, loads: tuple[AssetId, ...], battery: BatteryRating
) -> tuple[Resource, ...]:
    stored = AssetId(site, "battery")
    function = DeviceFunction(asset=stored, meter_role=MeterRole.MAIN, controls=True)
    return (
        Site(
            id=site,
            time_zone="Europe/London",
            currency_code="GBP",
            carbon_zone=ZoneId("gb"),
            latitude_degrees=52.2,
            longitude_degrees=0.1,
        ),
        Asset(id=AssetId(site, "grid"), rating=GridConnectionRating()),
        *(Asset(id=load, rating=LoadRating()) for load in loads),
        Asset(id=stored, rating=battery),
        Device(
            id=DeviceId(site, "battery"),
            profile="battery",
            gateway=GatewayId("local"),
            connection=MqttConnection(address="campus/battery"),
            reporting_interval=timedelta(minutes=5),
            points=frozenset({"soc_ratio", "active_power_w"}),
            functions=(function,),
        ),
    )
