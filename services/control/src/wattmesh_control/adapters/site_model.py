"""The site model, asked of metering's SiteService."""

import logging

import grpc

from wattmesh.site.v1 import asset_pb2, site_pb2, site_pb2_grpc
from wattmesh_control.domain.envelope import (
    ControllableDevice,
    Envelopes,
    battery_envelopes,
    charger_envelopes,
    consumer_envelopes,
    generation_envelopes,
    generator_envelopes,
    zone_envelopes,
)
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import AssetId, DeviceId, GatewayId
from wattmesh_runtime.errors import rpc_errors

log = logging.getLogger(__name__)

_DEFAULT_VOLTAGE_V = 230.0
_PAGE = 1000
_ALL_SITES = "sites/-"


class SiteServiceModel:
    """SiteModel: reads all devices and assets."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = site_pb2_grpc.SiteServiceStub(channel)

    async def devices(self) -> list[ControllableDevice]:
        """Return every device with what its asset can do. Error: Unavailable."""
        with rpc_errors():
            assets = {asset.name: asset for asset in await self._list_assets()}
            devices = await self._list_devices()
        found = (_device(device, assets.get(device.asset)) for device in devices)
        return [device for device in found if device is not None]

    async def _list_assets(self) -> list[asset_pb2.Asset]:
        assets, token = list[asset_pb2.Asset](), ""
        while True:
            request = site_pb2.ListAssetsRequest(
                parent=_ALL_SITES, page_size=_PAGE, page_token=token
            )
            response = await self._stub.ListAssets(request)
            assets.extend(response.assets)
            token = response.next_page_token
            if not token:
                return assets

    async def _list_devices(self) -> list[site_pb2.Device]:
        devices, token = list[site_pb2.Device](), ""
        while True:
            request = site_pb2.ListDevicesRequest(
                parent=_ALL_SITES, page_size=_PAGE, page_token=token
            )
            response = await self._stub.ListDevices(request)
            devices.extend(response.devices)
            token = response.next_page_token
            if not token:
                return devices


def _device(device: site_pb2.Device, asset: asset_pb2.Asset | None) -> ControllableDevice | None:
    """Return a device as control sees it; None, with a warning, when it makes no sense."""
    try:
        return ControllableDevice(
            device=DeviceId.parse(device.name),
            asset=AssetId.parse(device.asset),
            gateway=GatewayId.parse(device.gateway),
            envelopes={} if asset is None else envelopes_from_proto(asset),
        )
    except InvalidArgument as error:
        log.warning("%s is left out: %s", device.name, error)
        return None


def envelopes_from_proto(asset: asset_pb2.Asset) -> Envelopes:
    """Return what a device of this asset can be told; nothing for one that nobody steers."""
    match asset.WhichOneof("kind"):
        case "battery":
            battery = asset.battery
            return battery_envelopes(battery.charge_limit_w, battery.discharge_limit_w)
        case "pv_array" if asset.pv_array.curtailable:
            pv = asset.pv_array
            rated_w = pv.inverter_power_w if pv.HasField("inverter_power_w") else pv.peak_power_w
            return generation_envelopes(rated_w)
        case "wind_turbine" if asset.wind_turbine.curtailable:
            return generation_envelopes(asset.wind_turbine.rated_power_w)
        case "ev_charger":
            return _charger(asset.ev_charger)
        case "hvac_zone":
            zone = asset.hvac_zone
            return zone_envelopes(
                zone.power_limit_w, zone.comfort_min_celsius, zone.comfort_max_celsius
            )
        case "thermal_tank":
            return consumer_envelopes(asset.thermal_tank.power_limit_w)
        case "deferrable_load":
            return consumer_envelopes(asset.deferrable_load.power_w)
        case "generator":
            generator = asset.generator
            return generator_envelopes(generator.min_output_w, generator.rated_output_w)
        case _:
            return {}


def _charger(charger: asset_pb2.EvCharger) -> Envelopes:
    return charger_envelopes(
        min_current_a=charger.min_current_a,
        max_current_a=charger.max_current_a,
        phases=charger.phases or 1,
        voltage_v=charger.voltage_v if charger.HasField("voltage_v") else _DEFAULT_VOLTAGE_V,
        reversible=charger.bidirectional,
    )
