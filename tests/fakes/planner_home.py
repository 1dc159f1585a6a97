"""A home for the planner: a load, solar, a battery, a tariff, and the devices for them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from wattmesh_kernel.ids import AssetId, DeviceId, GatewayId, GroupId, SiteId, TariffId, ZoneId
from wattmesh_kernel.sites import (
    Asset,
    BatteryRating,
    Device,
    DeviceFunction,
    GridConnectionRating,
    LoadRating,
    MeterRole,
    MqttConnection,
    PvRating,
    Resource,
    Site,
    SiteGroup,
    SiteModel,
    SiteModelChange,
)
from wattmesh_kernel.tariff import EnergyRates, RealTimePrice, Tariff, TouPeriod

HOUR = timedelta(hours=1)
START = datetime(2024, 5, 1, 12, tzinfo=UTC)
HOME = SiteId("home-1")
STREET = GroupId("street")
GATEWAY = GatewayId("local")
RATING = BatteryRating(
    capacity_wh=10_000.0,
    max_charge_power_w=5_000.0,
    max_discharge_power_w=5_000.0,
    charge_efficiency_ratio=0.9,
    discharge_efficiency_ratio=0.8,
)
TARIFF = Tariff(
    id=TariffId("tou"),
    currency_code="EUR",
    import_rates=EnergyRates(tou_periods=(TouPeriod(name="all", price_per_kwh=0.3),)),
)
DYNAMIC = Tariff(
    id=TariffId("dynamic"), currency_code="EUR", import_rates=EnergyRates(real_time=RealTimePrice())
)


def asset_id(name: str, site: SiteId = HOME) -> AssetId:
    return AssetId(site, name)


def device_id(name: str, site: SiteId = HOME) -> DeviceId:
    return DeviceId(site, name)


def home(site: SiteId = HOME, *, tariff: TariffId | None = TARIFF.id) -> list[Resource]:
    """A site with everything; `without` takes parts away."""
    return [
        Site(
            id=site,
            time_zone="Europe/Berlin",
            currency_code="EUR",
            tariff=tariff,
            carbon_zone=ZoneId("de"),
        ),
        Asset(id=asset_id("grid", site), rating=GridConnectionRating()),
        Asset(id=asset_id("load", site), rating=LoadRating()),
        Asset(id=asset_id("pv", site), rating=PvRating(peak_power_w=4_000.0)),
        Asset(id=asset_id("battery", site), rating=RATING),
        battery_device("battery", site),
    ]


def battery_device(
    name: str,
    site: SiteId = HOME,
    *,
    asset: str = "battery",
    meter_role: MeterRole | None = MeterRole.MAIN,
    controls: bool = True,
    reporting_interval: timedelta = timedelta(minutes=5),
) -> Device:
    """A device that measures a battery, controls it, or both."""
    return Device(
        id=device_id(name, site),
        profile="battery",
        gateway=GATEWAY,
        connection=MqttConnection(address=f"{site.segment}/{name}"),
        reporting_interval=reporting_interval,
        points=frozenset({"soc_ratio", "active_power_w"}),
        functions=(
            DeviceFunction(asset=asset_id(asset, site), meter_role=meter_role, controls=controls),
        ),
    )


def inverter(site: SiteId = HOME) -> list[Resource]:
    """Solar generation that can be curtailed, and the device that does it."""
    return [
        Asset(id=asset_id("pv", site), rating=PvRating(peak_power_w=4_000.0, curtailable=True)),
        Device(
            id=device_id("inverter", site),
            profile="inverter",
            gateway=GATEWAY,
            connection=MqttConnection(address=f"{site.segment}/inverter"),
            reporting_interval=timedelta(minutes=5),
            functions=(DeviceFunction(asset=asset_id("pv", site), controls=True),),
        ),
    ]


def without(resources: Sequence[Resource], *names: str) -> list[Resource]:
    """Everything but the assets and devices whose last segment is one of these."""
    return [each for each in resources if each.id.segment not in names]


def group(*sites: SiteId, peak_price_per_kw: float | None = None) -> SiteGroup:
    return SiteGroup(id=STREET, sites=sites, peak_price_per_kw=peak_price_per_kw)


def model_of(*resources: Resource) -> SiteModel:
    return SiteModel().apply(SiteModelChange(revision=1, changed=(TARIFF, DYNAMIC, *resources)))


def published(tariff: Tariff, prices: RealTimePrice) -> Tariff:
    """A dynamic tariff with prices."""
    return replace(tariff, import_rates=EnergyRates(real_time=prices))
