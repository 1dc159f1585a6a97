"""wattmesh.site.v1 ↔ domain: sites, groups and devices."""

from wattmesh.site.v1 import site_pb2
from wattmesh_contracts.values import duration_from_proto, duration_to_proto
from wattmesh_kernel.ids import (
    AssetId,
    DeviceId,
    GatewayId,
    GroupId,
    PointId,
    SiteId,
    TariffId,
    ZoneId,
)
from wattmesh_kernel.quantities import Kind
from wattmesh_metering.api.fields import optional, present
from wattmesh_metering.domain.checks import require
from wattmesh_metering.domain.devices import (
    Connection,
    Device,
    ModbusTcpConnection,
    MqttConnection,
    Point,
)
from wattmesh_metering.domain.sites import Site, SiteGroup

_POINT_KINDS = {
    site_pb2.POINT_KIND_REGISTER: Kind.REGISTER,
    site_pb2.POINT_KIND_GAUGE: Kind.GAUGE,
}
_POINT_KIND_CODES = {kind: code for code, kind in _POINT_KINDS.items()}


def site_from_proto(proto: site_pb2.Site) -> Site:
    """Return a site; InvalidArgument when it makes no sense."""
    return Site(
        id=SiteId.parse(proto.name),
        display_name=proto.display_name,
        time_zone=proto.time_zone,
        latitude_degrees=optional(proto, "latitude_degrees"),
        longitude_degrees=optional(proto, "longitude_degrees"),
        tariff=TariffId.parse(proto.tariff) if proto.tariff else None,
        carbon_zone=ZoneId.parse(proto.carbon_zone) if proto.carbon_zone else None,
        currency_code=proto.currency_code,
    )


def site_to_proto(site: Site) -> site_pb2.Site:
    """Return a site's message."""
    return site_pb2.Site(
        name=site.name,
        display_name=site.display_name,
        time_zone=site.time_zone,
        latitude_degrees=site.latitude_degrees,
        longitude_degrees=site.longitude_degrees,
        tariff=site.tariff.name if site.tariff else "",
        carbon_zone=site.carbon_zone.name if site.carbon_zone else "",
        currency_code=site.currency_code,
    )


def group_from_proto(proto: site_pb2.SiteGroup) -> SiteGroup:
    """Return a group of sites; InvalidArgument when it makes no sense."""
    return SiteGroup(
        id=GroupId.parse(proto.name),
        display_name=proto.display_name,
        sites=tuple(SiteId.parse(site) for site in proto.sites),
        import_limit_w=optional(proto, "import_limit_w"),
        export_limit_w=optional(proto, "export_limit_w"),
        peak_price_per_kw=optional(proto, "peak_price_per_kw"),
    )


def group_to_proto(group: SiteGroup) -> site_pb2.SiteGroup:
    """Return a group's message."""
    return site_pb2.SiteGroup(
        name=group.name,
        display_name=group.display_name,
        sites=[site.name for site in group.sites],
        import_limit_w=group.import_limit_w,
        export_limit_w=group.export_limit_w,
        peak_price_per_kw=group.peak_price_per_kw,
    )


def device_from_proto(proto: site_pb2.Device) -> Device:
    """Return a device; InvalidArgument when it makes no sense."""
    return Device(
        id=DeviceId.parse(proto.name),
        display_name=proto.display_name,
        asset=AssetId.parse(proto.asset),
        profile=proto.profile,
        gateway=GatewayId.parse(proto.gateway),
        connection=_connection_from_proto(proto),
        reporting_interval=duration_from_proto(proto.reporting_interval, "reporting_interval"),
        points=tuple(_point_from_proto(point) for point in proto.points),
    )


def device_to_proto(device: Device) -> site_pb2.Device:
    """Return a device's message."""
    proto = site_pb2.Device(
        name=device.name,
        display_name=device.display_name,
        asset=device.asset.name,
        profile=device.profile,
        gateway=device.gateway.name,
        reporting_interval=duration_to_proto(device.reporting_interval),
        points=[
            site_pb2.Point(name=point.id.name, kind=_POINT_KIND_CODES[point.kind])
            for point in device.points
        ],
    )
    match device.connection:
        case MqttConnection(address=address):
            proto.mqtt.address = address
        case ModbusTcpConnection(host=host, port=port, unit_id=unit_id):
            proto.modbus_tcp.CopyFrom(
                site_pb2.ModbusTcpConnection(host=host, port=port, unit_id=unit_id)
            )
    return proto


def _connection_from_proto(proto: site_pb2.Device) -> Connection:
    if present(proto, "mqtt"):
        return MqttConnection(address=proto.mqtt.address)
    require(present(proto, "modbus_tcp"), "MISSING_FIELD", "a connection is required", "connection")
    modbus = proto.modbus_tcp
    return ModbusTcpConnection(host=modbus.host, port=modbus.port, unit_id=modbus.unit_id)


def _point_from_proto(proto: site_pb2.Point) -> Point:
    kind = _POINT_KINDS.get(proto.kind)
    require(kind is not None, "MISSING_FIELD", "a point's kind is required", "points.kind")
    return Point(id=PointId.parse(proto.name), kind=_POINT_KINDS[proto.kind])
