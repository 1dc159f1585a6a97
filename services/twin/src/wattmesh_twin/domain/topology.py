"""What metering is told about a site: its assets, and its devices with the way to reach them."""

from dataclasses import dataclass
from datetime import timedelta

from wattmesh_kernel.ids import AssetId, DeviceId
from wattmesh_twin.domain.battery import BatterySpec
from wattmesh_twin.domain.pv import PvSpec
from wattmesh_twin.domain.site import BATTERY, GRID_METER, INVERTER, SiteSpec

INVERTER_UNIT = 1
"""Modbus unit id of a site's inverter."""

BATTERY_UNIT = 2
"""Modbus unit id of a site's battery."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GridAsset:
    """The connection to the grid."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadAsset:
    """Consumption: the site's, derived from its balance, or a part of it that a sub-meter shows."""

    derived: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Asset:
    """An asset of a site, with what it is."""

    id: AssetId
    display_name: str
    kind: GridAsset | LoadAsset | PvSpec | BatterySpec


@dataclass(frozen=True, kw_only=True, slots=True)
class MqttAddress:
    """The topic that a device publishes on."""

    topic: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ModbusAddress:
    """Where a device listens."""

    host: str
    port: int
    unit_id: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Device:
    """A device: what it measures (`points` are quantities), by which profile, how it is reached."""

    id: DeviceId
    display_name: str
    asset: AssetId
    profile: str
    address: MqttAddress | ModbusAddress
    points: tuple[str, ...]
    reporting_interval: timedelta


def topic(device: DeviceId) -> str:
    """Return the topic of a meter: `meters/home-1/telegram`, or with the device's name below it.

    The site's own meter has the short one, a sub-meter `meters/campus/meter-b0/telegram`.
    """
    site = device.site.segment
    meter = site if device.segment == GRID_METER else f"{site}/{device.segment}"
    return f"meters/{meter}/telegram"


def assets_of(site: SiteSpec) -> list[Asset]:
    """Return grid, load, the PV plant and the battery if there are any, and sub-metered loads."""
    assets = [
        Asset(id=site.asset("grid"), display_name="Grid connection", kind=GridAsset()),
        Asset(id=site.asset("load"), display_name="Load", kind=LoadAsset(derived=True)),
    ]
    if site.pv is not None:
        name = f"PV ({site.pv.note})" if site.pv.note else "PV"
        assets.append(Asset(id=site.asset("pv"), display_name=name, kind=site.pv))
    if site.battery is not None:
        assets.append(Asset(id=site.asset("battery"), display_name="Battery", kind=site.battery))
    for load in site.sub_meters.values():
        part = LoadAsset(derived=False)
        assets.append(Asset(id=site.asset(f"load-{load}"), display_name=f"Load {load}", kind=part))
    return assets


def devices_of(site: SiteSpec, host: str, port: int, interval: timedelta) -> list[Device]:
    """Return the meters, and the inverter and battery that listen on `host` and `port`."""
    devices = [_meter(site, GRID_METER, "grid", interval)]
    devices += [
        _meter(site, device, f"load-{load}", interval) for device, load in site.sub_meters.items()
    ]
    if site.pv is not None:
        devices.append(
            Device(
                id=site.device(INVERTER),
                display_name="PV inverter",
                asset=site.asset("pv"),
                profile="sunspec-inverter",
                address=ModbusAddress(host=host, port=port, unit_id=INVERTER_UNIT),
                points=("active_power_w", "export_energy_wh"),
                reporting_interval=interval,
            )
        )
    if site.battery is not None:
        devices.append(
            Device(
                id=site.device(BATTERY),
                display_name="Battery",
                asset=site.asset("battery"),
                profile="sunspec-battery",
                address=ModbusAddress(host=host, port=port, unit_id=BATTERY_UNIT),
                points=("active_power_w", "import_energy_wh", "export_energy_wh", "soc_ratio"),
                reporting_interval=interval,
            )
        )
    return devices


def _meter(site: SiteSpec, segment: str, asset: str, interval: timedelta) -> Device:
    device = site.device(segment)
    return Device(
        id=device,
        display_name="Grid meter" if segment == GRID_METER else f"Sub-meter {asset}",
        asset=site.asset(asset),
        profile="mqtt-grid-meter",
        address=MqttAddress(topic=topic(device)),
        points=("import_energy_wh", "export_energy_wh", "active_power_w"),
        reporting_interval=interval,
    )
