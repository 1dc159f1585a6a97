"""A home with solar, battery and two meters, by name."""

from datetime import UTC, datetime, timedelta
from typing import Any

from wattmesh_kernel.ids import AssetId, DeviceId, GatewayId, SiteId
from wattmesh_kernel.sites import (
    Asset,
    BatteryRating,
    Device,
    DeviceFunction,
    GridConnectionRating,
    MeterRole,
    MqttConnection,
    PvRating,
    Resource,
    Site,
    SiteModel,
    SiteModelChange,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOME = SiteId("home")
GATEWAY = GatewayId("cellar")
GRID, PV, BATTERY = (AssetId(HOME, name) for name in ("grid", "pv", "battery"))

site = Site(id=HOME, time_zone="Europe/Berlin", currency_code="EUR")
grid = Asset(id=GRID, rating=GridConnectionRating())
pv = Asset(id=PV, rating=PvRating(peak_power_w=8000))
battery = Asset(
    id=BATTERY,
    rating=BatteryRating(capacity_wh=10_000, max_charge_power_w=5_000, max_discharge_power_w=4_000),
)


def device(name: str, *functions: DeviceFunction, **more: Any) -> Device:
    """Return a device of the home with an energy register and a state of charge."""
    values: dict[str, Any] = {
        "id": DeviceId(HOME, name),
        "profile": "meter",
        "gateway": GATEWAY,
        "connection": MqttConnection(address=name),
        "reporting_interval": timedelta(seconds=60),
        "points": frozenset({"import_energy_wh", "soc_ratio"}),
        "functions": functions,
    }
    return Device(**{**values, **more})


def main(asset: AssetId, **more: Any) -> DeviceFunction:
    """Return the function of an asset's main meter."""
    return DeviceFunction(asset=asset, meter_role=MeterRole.MAIN, **more)


def model(*resources: Resource) -> SiteModel:
    """Return the model of these at revision 1."""
    return SiteModel().apply(SiteModelChange(revision=1, snapshot=True, changed=resources))
