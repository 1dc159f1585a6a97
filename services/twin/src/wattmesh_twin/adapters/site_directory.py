"""Metering's SiteService as the twin's directory of sites and its board of prices."""

from typing import assert_never

import grpc

from wattmesh.site.v1 import asset_pb2, site_pb2, site_pb2_grpc
from wattmesh_contracts.tariff import tariff_to_proto
from wattmesh_contracts.values import duration_to_proto, series_to_proto, timestamp_to_proto
from wattmesh_kernel.ids import GatewayId, PointId, TariffId
from wattmesh_kernel.quantities import QUANTITIES, Kind
from wattmesh_kernel.tariff import Tariff
from wattmesh_runtime.errors import rpc_errors
from wattmesh_twin.app.ports import Group, SiteTerms
from wattmesh_twin.domain.battery import BatterySpec
from wattmesh_twin.domain.pv import PvSpec
from wattmesh_twin.domain.site import SiteSpec
from wattmesh_twin.domain.tariff import PublishedDay
from wattmesh_twin.domain.topology import (
    Asset,
    Device,
    GridAsset,
    LoadAsset,
    ModbusAddress,
    MqttAddress,
)

_KINDS = {Kind.REGISTER: site_pb2.POINT_KIND_REGISTER, Kind.GAUGE: site_pb2.POINT_KIND_GAUGE}


class SiteServiceClient:
    """Updates that create what is missing, so that all of it can be repeated."""

    def __init__(self, channel: grpc.aio.Channel, gateway: GatewayId) -> None:
        self._stub = site_pb2_grpc.SiteServiceStub(channel)
        self._gateway = gateway

    async def put_tariff(self, tariff: Tariff) -> None:
        """Make a tariff known, without published prices."""
        request = site_pb2.UpdateTariffRequest(tariff=tariff_to_proto(tariff), allow_missing=True)
        with rpc_errors():
            await self._stub.UpdateTariff(request)

    async def put_site(self, site: SiteSpec, terms: SiteTerms) -> None:
        """Make a site known."""
        request = site_pb2.UpdateSiteRequest(site=_site_to_proto(site, terms), allow_missing=True)
        with rpc_errors():
            await self._stub.UpdateSite(request)

    async def put_asset(self, asset: Asset) -> None:
        """Make an asset of a known site known."""
        request = site_pb2.UpdateAssetRequest(asset=_asset_to_proto(asset), allow_missing=True)
        with rpc_errors():
            await self._stub.UpdateAsset(request)

    async def put_device(self, device: Device) -> None:
        """Make a device of a known asset known."""
        proto = _device_to_proto(device, self._gateway)
        request = site_pb2.UpdateDeviceRequest(device=proto, allow_missing=True)
        with rpc_errors():
            await self._stub.UpdateDevice(request)

    async def put_group(self, group: Group) -> None:
        """Make known which sites are planned together."""
        proto = site_pb2.SiteGroup(
            name=group.id.name,
            display_name=group.display_name,
            sites=[site.name for site in group.sites],
            peak_price_per_kw=group.peak_price_per_kw,
        )
        request = site_pb2.UpdateSiteGroupRequest(site_group=proto, allow_missing=True)
        with rpc_errors():
            await self._stub.UpdateSiteGroup(request)

    async def publish(self, tariff: TariffId, day: PublishedDay) -> None:
        """Publish the prices of a local day."""
        request = site_pb2.PublishPricesRequest(
            tariff=tariff.name,
            publish_time=timestamp_to_proto(day.publish_time),
            import_price_per_kwh=series_to_proto(day.prices),
        )
        with rpc_errors():
            await self._stub.PublishPrices(request)


def _site_to_proto(site: SiteSpec, terms: SiteTerms) -> site_pb2.Site:
    where = site.location
    return site_pb2.Site(
        name=site.id.name,
        display_name=site.display_name,
        time_zone=terms.time_zone,
        latitude_degrees=where.latitude_degrees if where else None,
        longitude_degrees=where.longitude_degrees if where else None,
        tariff=terms.tariff.name,
        carbon_zone=terms.carbon_zone.name if terms.carbon_zone else "",
        currency_code=terms.currency_code,
    )


def _asset_to_proto(asset: Asset) -> asset_pb2.Asset:
    proto = asset_pb2.Asset(name=asset.id.name, display_name=asset.display_name)
    match asset.kind:
        case GridAsset():
            proto.grid_connection.SetInParent()
        case LoadAsset(derived=derived):
            proto.load.CopyFrom(asset_pb2.Load(derived=derived, informational=not derived))
        case PvSpec() as pv:
            array = asset_pb2.PvArray(peak_power_w=pv.peak_power_w, curtailable=True)
            proto.pv_array.CopyFrom(array)
        case BatterySpec() as battery:
            proto.battery.CopyFrom(_battery_to_proto(battery))
        case _:
            assert_never(asset.kind)
    return proto


def _battery_to_proto(battery: BatterySpec) -> asset_pb2.Battery:
    return asset_pb2.Battery(
        capacity_wh=battery.capacity_wh,
        charge_limit_w=battery.charge_limit_w,
        discharge_limit_w=battery.discharge_limit_w,
        charge_efficiency_ratio=battery.charge_efficiency_ratio,
        discharge_efficiency_ratio=battery.discharge_efficiency_ratio,
        min_soc_ratio=battery.min_soc_ratio,
        max_soc_ratio=battery.max_soc_ratio,
    )


def _device_to_proto(device: Device, gateway: GatewayId) -> site_pb2.Device:
    proto = site_pb2.Device(
        name=device.id.name,
        display_name=device.display_name,
        asset=device.asset.name,
        profile=device.profile,
        gateway=gateway.name,
        reporting_interval=duration_to_proto(device.reporting_interval),
    )
    match device.address:
        case MqttAddress(topic=topic):
            proto.mqtt.address = topic
        case ModbusAddress(host=host, port=port, unit_id=unit_id):
            modbus = site_pb2.ModbusTcpConnection(host=host, port=port, unit_id=unit_id)
            proto.modbus_tcp.CopyFrom(modbus)
        case _:
            assert_never(device.address)
    for point in device.points:
        kind = _KINDS[QUANTITIES[point].kind]
        proto.points.add(name=PointId(device.id, point).name, kind=kind)
    return proto
