"""Devices, how they are reached and what they measure."""

from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

from wattmesh_kernel.ids import AssetId, DeviceId, GatewayId, PointId
from wattmesh_kernel.quantities import QUANTITIES, Kind, Quantity
from wattmesh_metering.domain.checks import require, require_between, require_display_name


@dataclass(frozen=True, kw_only=True, slots=True)
class MqttConnection:
    """A device on MQTT topics; `address` fills in the profile's topics."""

    address: str

    def __post_init__(self) -> None:
        require(
            all(self.address.split("/")) and not set(self.address) & set("+#\0"),
            "INVALID_ADDRESS",
            "an MQTT address is a topic, or a part of one, without wildcards",
            "mqtt.address",
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class ModbusTcpConnection:
    """A device on Modbus TCP."""

    host: str
    port: int = 502
    unit_id: int = 1

    def __post_init__(self) -> None:
        require(bool(self.host), "INVALID_ADDRESS", "a host is required", "modbus_tcp.host")
        require_between(self.port, 1, 65535, "modbus_tcp.port")
        require_between(self.unit_id, 0, 255, "modbus_tcp.unit_id")


Connection: TypeAlias = MqttConnection | ModbusTcpConnection


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """One quantity that a device measures; its kind is that of the quantity."""

    id: PointId
    kind: Kind

    def __post_init__(self) -> None:
        quantity = QUANTITIES.get(self.id.segment)
        require(
            quantity is not None,
            "UNKNOWN_QUANTITY",
            f"{self.id.segment!r} is no known quantity",
            "points.name",
        )
        require(
            self.kind is self.quantity.kind,
            "WRONG_POINT_KIND",
            f"{self.id.segment} is a {self.quantity.kind.value}",
            "points.kind",
        )

    @property
    def quantity(self) -> Quantity:
        """What the point measures."""
        return QUANTITIES[self.id.segment]


@dataclass(frozen=True, kw_only=True, slots=True)
class Device:
    """Something that measures or controls an asset and that a gateway talks to.

    `reporting_interval` is the time between two readings of a point, on the UTC grid of that
    length; whole seconds.
    """

    id: DeviceId
    asset: AssetId
    profile: str
    gateway: GatewayId
    connection: Connection
    reporting_interval: timedelta
    points: tuple[Point, ...] = ()
    display_name: str = ""

    def __post_init__(self) -> None:
        require_display_name(self.display_name)
        require(
            self.asset.site == self.id.site,
            "FOREIGN_ASSET",
            f"{self.asset} is not an asset of {self.id.site}",
            "asset",
        )
        require(bool(self.profile), "MISSING_PROFILE", "a profile is required", "profile")
        require(
            self.reporting_interval > timedelta(0) and not self.reporting_interval.microseconds,
            "INVALID_INTERVAL",
            "the reporting interval must be positive and whole seconds",
            "reporting_interval",
        )
        self._check_points()

    @property
    def name(self) -> str:
        """The resource name."""
        return self.id.name

    def _check_points(self) -> None:
        ids = [point.id for point in self.points]
        require(
            all(point.device == self.id for point in ids),
            "FOREIGN_POINT",
            f"a point's name begins with {self.id}/points/",
            "points.name",
        )
        require(len(set(ids)) == len(ids), "REPEATED_POINT", "a point stands once", "points.name")
