"""A site model for control, filled by hand."""

from datetime import timedelta

from tests.fakes.manual_clock import ManualClock
from wattmesh_control.app.devices import Devices
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import AssetId, DeviceId, GatewayId, SiteId
from wattmesh_kernel.sites import (
    Asset,
    BatteryRating,
    Device,
    DeviceFunction,
    MqttConnection,
    SiteModelChange,
)
from wattmesh_sitemodel.view import SiteModelView

SITE = SiteId("home-1")
BATTERY_ID = DeviceId(SITE, "battery")
GATEWAY_ID = GatewayId("local")


def battery_asset(limit_w: float = 5000.0, site: SiteId = SITE) -> Asset:
    """Return a battery that charges and discharges with at most `limit_w`."""
    rating = BatteryRating(
        capacity_wh=10_000.0, max_charge_power_w=limit_w, max_discharge_power_w=5000.0
    )
    return Asset(id=AssetId(site, "battery"), rating=rating)


def device(name: DeviceId, *functions: DeviceFunction, gateway: GatewayId = GATEWAY_ID) -> Device:
    """Return a device with these functions."""
    return Device(
        id=name,
        profile="mqtt-meter",
        gateway=gateway,
        connection=MqttConnection(address=name.segment),
        reporting_interval=timedelta(minutes=1),
        functions=functions,
    )


def battery_device(site: SiteId = SITE, gateway: GatewayId = GATEWAY_ID) -> Device:
    """Return the device that controls the battery."""
    function = DeviceFunction(asset=AssetId(site, "battery"), controls=True)
    return device(DeviceId(site, "battery"), function, gateway=gateway)


class FakeModel:
    """A view of a site model with one battery, that a test changes."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.view = SiteModelView(clock or ManualClock())
        self.devices = Devices(self.view, new_device_seconds=0.2)

    async def know(self, limit_w: float = 5000.0) -> None:
        """Let the model have a battery of so many watts."""
        await self.take(battery_asset(limit_w), battery_device())

    async def take(self, *resources: Asset | Device, deleted: tuple[str, ...] = ()) -> None:
        """Change the model."""
        revision = self.view.model.revision + 1
        change = SiteModelChange(revision=revision, changed=resources, deleted=frozenset(deleted))
        await self.view.take(change)
