"""Sites, groups, assets and devices as rows."""

from collections.abc import Mapping
from dataclasses import asdict
from types import MappingProxyType
from typing import Any

from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

from wattmesh_kernel.errors import FailedPrecondition
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
from wattmesh_metering.adapters.shelf import Row
from wattmesh_metering.domain.assets import KIND_NAMES, KINDS, Asset, AssetKind
from wattmesh_metering.domain.devices import (
    Connection,
    Device,
    ModbusTcpConnection,
    MqttConnection,
    Point,
)
from wattmesh_metering.domain.sites import Site, SiteGroup

_CONNECTIONS: Mapping[str, type[Connection]] = MappingProxyType(
    {"mqtt": MqttConnection, "modbus_tcp": ModbusTcpConnection}
)


class Json(Jsonb):
    """A JSON value with a stable representation, for fingerprints."""

    def __repr__(self) -> str:
        return repr(self.obj)


def asset_kind(kind: str, parameters: Mapping[str, Any]) -> AssetKind:
    """Return the kind that stands in two columns."""
    return KINDS[kind](**parameters)


class SiteShelf:
    """Sites."""

    kind = "site"
    table = "sites"
    columns = (
        "name",
        "display_name",
        "time_zone",
        "latitude_degrees",
        "longitude_degrees",
        "tariff",
        "carbon_zone",
        "currency_code",
    )
    selected = ", ".join(columns)
    filters: Mapping[str, str] = MappingProxyType(
        {"group": "name IN (SELECT site FROM group_sites WHERE group_name = %s)"}
    )

    def to_row(self, value: Site) -> Row:
        """Return the values of the columns."""
        return (
            value.name,
            value.display_name,
            value.time_zone,
            value.latitude_degrees,
            value.longitude_degrees,
            value.tariff.name if value.tariff else None,
            value.carbon_zone.name if value.carbon_zone else None,
            value.currency_code,
        )

    def from_row(self, row: Row) -> Site:
        """Return the site of a row."""
        name, display_name, time_zone, latitude, longitude, tariff, zone, currency_code = row
        return Site(
            id=SiteId.parse(name),
            display_name=display_name,
            time_zone=time_zone,
            latitude_degrees=latitude,
            longitude_degrees=longitude,
            tariff=TariffId.parse(tariff) if tariff else None,
            carbon_zone=ZoneId.parse(zone) if zone else None,
            currency_code=currency_code,
        )

    def parts(self, value: Site) -> Row:
        """Return nothing: a site is one row."""
        return ()

    async def write_parts(self, connection: AsyncConnection, value: Site) -> None:
        """Write nothing: a site is one row."""


class GroupShelf:
    """Groups; their members stand in a table of their own, where a site can stand once."""

    kind = "site_group"
    table = "site_groups"
    columns = ("name", "display_name", "import_limit_w", "export_limit_w", "peak_price_per_kw")
    selected = f"""{", ".join(columns)},
        ARRAY(SELECT site FROM group_sites WHERE group_name = site_groups.name ORDER BY place)"""
    filters: Mapping[str, str] = MappingProxyType({})

    def to_row(self, value: SiteGroup) -> Row:
        """Return the values of the columns."""
        return (
            value.name,
            value.display_name,
            value.import_limit_w,
            value.export_limit_w,
            value.peak_price_per_kw,
        )

    def from_row(self, row: Row) -> SiteGroup:
        """Return the group of a row."""
        name, display_name, import_limit_w, export_limit_w, peak_price_per_kw, sites = row
        return SiteGroup(
            id=GroupId.parse(name),
            display_name=display_name,
            import_limit_w=import_limit_w,
            export_limit_w=export_limit_w,
            peak_price_per_kw=peak_price_per_kw,
            sites=tuple(SiteId.parse(site) for site in sites),
        )

    def parts(self, value: SiteGroup) -> Row:
        """Return the members."""
        return tuple(site.name for site in value.sites)

    async def write_parts(self, connection: AsyncConnection, value: SiteGroup) -> None:
        """Replace the members."""
        await connection.execute("DELETE FROM group_sites WHERE group_name = %s", (value.name,))
        await connection.execute(
            "INSERT INTO group_sites (site, group_name, place)"
            " SELECT site, %s, place FROM unnest(%s::text[]) WITH ORDINALITY AS s (site, place)",
            (value.name, list(self.parts(value))),
        )


class AssetShelf:
    """Assets; the parameters of their kind are JSON."""

    kind = "asset"
    table = "assets"
    columns = ("name", "site", "display_name", "kind", "parameters")
    selected = "name, display_name, kind, parameters"
    filters: Mapping[str, str] = MappingProxyType({"site": "site = %s"})

    def to_row(self, value: Asset) -> Row:
        """Return the values of the columns."""
        kind = KIND_NAMES[type(value.kind)]
        parameters = Json(asdict(value.kind))
        return value.name, value.id.site.name, value.display_name, kind, parameters

    def from_row(self, row: Row) -> Asset:
        """Return the asset of a row."""
        name, display_name, kind, parameters = row
        return Asset(
            id=AssetId.parse(name), display_name=display_name, kind=asset_kind(kind, parameters)
        )

    def parts(self, value: Asset) -> Row:
        """Return nothing: an asset is one row."""
        return ()

    async def write_parts(self, connection: AsyncConnection, value: Asset) -> None:
        """Write nothing: an asset is one row."""


class DeviceShelf:
    """Devices; their points have keys, under which readings are kept."""

    kind = "device"
    table = "devices"
    columns = (
        "name",
        "site",
        "asset",
        "display_name",
        "profile",
        "gateway",
        "connection_kind",
        "connection",
        "reporting_interval",
    )
    selected = """name, asset, display_name, profile, gateway, connection_kind, connection,
        reporting_interval,
        ARRAY(SELECT ARRAY[points.name, points.kind] FROM points
              WHERE points.device = devices.name AND NOT points.removed ORDER BY points.name)"""
    filters: Mapping[str, str] = MappingProxyType({"site": "site = %s", "gateway": "gateway = %s"})

    def to_row(self, value: Device) -> Row:
        """Return the values of the columns."""
        return (
            value.name,
            value.id.site.name,
            value.asset.name,
            value.display_name,
            value.profile,
            value.gateway.name,
            "mqtt" if isinstance(value.connection, MqttConnection) else "modbus_tcp",
            Json(asdict(value.connection)),
            value.reporting_interval,
        )

    def from_row(self, row: Row) -> Device:
        """Return the device of a row."""
        name, asset, display_name, profile, gateway, via, connection, interval, points = row
        return Device(
            id=DeviceId.parse(name),
            asset=AssetId.parse(asset),
            display_name=display_name,
            profile=profile,
            gateway=GatewayId.parse(gateway),
            connection=_CONNECTIONS[via](**connection),
            reporting_interval=interval,
            points=tuple(Point(id=PointId.parse(p), kind=Kind(kind)) for p, kind in points),
        )

    def parts(self, value: Device) -> Row:
        """Return the points by name, each with its quantity and kind."""
        points = ((point.id.name, point.id.segment, point.kind.value) for point in value.points)
        return tuple(sorted(points))

    async def write_parts(self, connection: AsyncConnection, value: Device) -> None:
        """Add and remove points; FailedPrecondition for removing one that has readings."""
        points = self.parts(value)
        names = [name for name, _, _ in points]
        cursor = await connection.execute(_REMOVE_POINTS, (value.name, names))
        if blocked := [name for name, has_readings in await cursor.fetchall() if has_readings]:
            raise FailedPrecondition(
                "POINT_HAS_READINGS", f"{blocked[0]} has readings and cannot be removed"
            )
        await connection.execute(
            _ADD_POINTS,
            (value.name, names, [each[1] for each in points], [each[2] for each in points]),
        )


_REMOVE_POINTS = """
UPDATE points SET removed = true
WHERE device = %s AND NOT removed AND name <> ALL(%s)
RETURNING name,
    EXISTS (SELECT FROM readings WHERE readings.point_key = points.point_key)
"""
_ADD_POINTS = """
INSERT INTO points (device, name, quantity, kind)
SELECT %s, * FROM unnest(%s::text[], %s::text[], %s::text[])
ON CONFLICT (name) DO UPDATE SET removed = false
"""
