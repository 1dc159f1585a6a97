"""Devices: what a gateway talks to, how it is reached, and what it does for which asset."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from types import MappingProxyType
from typing import ClassVar, TypeAlias

from wattmesh_kernel.checks import require, require_between, require_display_name, require_text
from wattmesh_kernel.ids import AssetId, DeviceId, GatewayId, PointId
from wattmesh_kernel.quantities import QUANTITIES
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.time import to_utc


@dataclass(frozen=True, kw_only=True, slots=True)
class MqttConnection:
    """A device on MQTT topics; `address` fills in the profile's topics."""

    protocol: ClassVar[str] = "mqtt"
    address: str

    def __post_init__(self) -> None:
        require_text(self.address, 255, "mqtt.address", required=True)
        require(
            all(self.address.split("/")) and not set(self.address) & set("+#"),
            "INVALID_ADDRESS",
            "an MQTT address is a topic, or a part of one, without wildcards",
            "mqtt.address",
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class ModbusTcpConnection:
    """A device on Modbus TCP."""

    protocol: ClassVar[str] = "modbus_tcp"
    host: str
    port: int = 502
    unit_id: int = 1

    def __post_init__(self) -> None:
        require_text(self.host, 253, "modbus_tcp.host", required=True)
        require_between(self.port, 1, 65535, "modbus_tcp.port")
        require_between(self.unit_id, 0, 255, "modbus_tcp.unit_id")


@dataclass(frozen=True, kw_only=True, slots=True)
class OcppConnection:
    """A charge point that dials in over OCPP; connectors count from 1."""

    protocol: ClassVar[str] = "ocpp"
    charge_point_id: str
    connector_id: int = 1

    def __post_init__(self) -> None:
        require_text(self.charge_point_id, 48, "ocpp.charge_point_id", required=True)
        require_between(self.connector_id, 1, 1000, "ocpp.connector_id")


@dataclass(frozen=True, kw_only=True, slots=True)
class CustomConnection:
    """A device behind a driver of the gateway's own."""

    protocol: str
    parameters: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require_text(self.protocol, 63, "custom.protocol", required=True)
        require(
            len(self.parameters) <= 64,
            "INVALID_ADDRESS",
            "at most 64 parameters",
            "custom.parameters",
        )
        for name, value in self.parameters.items():
            require_text(name, 63, "custom.parameters", required=True)
            require_text(value, 1024, "custom.parameters")
        object.__setattr__(self, "parameters", MappingProxyType(dict(self.parameters)))

    def __hash__(self) -> int:
        return hash((self.protocol, frozenset(self.parameters.items())))


Connection: TypeAlias = MqttConnection | ModbusTcpConnection | OcppConnection | CustomConnection
"""How a device is reached; `protocol` names the protocol, as the wire does, or a driver's own."""


class MeterRole(Enum):
    """What a device's measurement is for an asset."""

    MAIN = "main"
    """The asset's energy and state."""
    PART = "part"
    """One of several whose energies add up to the asset's."""
    CHECK = "check"
    """Compared with the main meter; never counted."""
    SUB = "sub"
    """A part of the asset; never counted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceFunction:
    """What a device does for one asset over a time: measures it, controls it, or both.

    Empty `points`: all of the device's, as quantities; empty `setpoint_kinds` with `controls`: all
    that the asset's kind can be told. `start` and `end` are half-open, None: ever since, for good.
    """

    asset: AssetId
    meter_role: MeterRole | None = None
    controls: bool = False
    points: frozenset[str] = frozenset()
    setpoint_kinds: frozenset[SetpointKind] = frozenset()
    start: datetime | None = None
    end: datetime | None = None

    def __post_init__(self) -> None:
        for name in ("start", "end"):
            if (moment := getattr(self, name)) is not None:
                object.__setattr__(self, name, to_utc(moment))
        require(
            self.meter_role is not None or self.controls,
            "MISSING_FIELD",
            f"a function for {self.asset} measures or controls it",
            "functions.meter_role",
        )
        require(
            self.start is None or self.end is None or self.start < self.end,
            "INVALID_RANGE",
            "a function ends after it starts",
            "functions.end_time",
        )

    def holds(self, moment: datetime) -> bool:
        """Return whether the device does so at `moment`."""
        begun = self.start is None or self.start <= moment
        return begun and (self.end is None or moment < self.end)

    def overlaps(self, other: "DeviceFunction") -> bool:
        """Return whether there is a time at which both hold."""
        return _before(self.start, other.end) and _before(other.start, self.end)


@dataclass(frozen=True, kw_only=True, slots=True)
class Device:
    """A meter, inverter, charge point or the like, with what it does for the assets of its site.

    `points` are the quantities it measures. Readings come every `reporting_interval`, on the UTC
    raster of that length; whole seconds.
    """

    id: DeviceId
    profile: str
    gateway: GatewayId
    connection: Connection
    reporting_interval: timedelta
    points: frozenset[str] = frozenset()
    functions: tuple[DeviceFunction, ...] = ()
    display_name: str = ""
    manufacturer: str = ""
    model: str = ""
    serial_number: str = ""

    def __post_init__(self) -> None:
        require_display_name(self.display_name)
        require_text(self.profile, 63, "profile", required=True)
        for text in ("manufacturer", "model", "serial_number"):
            require_text(getattr(self, text), 200, text)
        require(
            self.reporting_interval > timedelta(0) and not self.reporting_interval.microseconds,
            "INVALID_INTERVAL",
            "the reporting interval must be positive and whole seconds",
            "reporting_interval",
        )
        for point in self.points:
            known = point in QUANTITIES
            require(known, "UNKNOWN_QUANTITY", f"{point!r} is no known quantity", "points.name")
        for function in self.functions:
            self._check(function)

    @property
    def name(self) -> str:
        """The resource name."""
        return self.id.name

    def point(self, quantity: str) -> PointId:
        """Return the id of one of its points."""
        return PointId(self.id, quantity)

    def measures(self, function: DeviceFunction) -> frozenset[str]:
        """Return the quantities with which it measures by one of its functions."""
        if function.meter_role is None:
            return frozenset()
        return function.points or self.points

    def _check(self, function: DeviceFunction) -> None:
        require(
            function.asset.site == self.id.site,
            "FOREIGN_ASSET",
            f"{function.asset} is not an asset of {self.id.site}",
            "functions.asset",
        )
        unknown = sorted(function.points - self.points)
        require(
            not unknown,
            "UNKNOWN_POINT",
            f"{self.id} has no point {unknown[0] if unknown else ''}",
            "functions.points",
        )


def _before(start: datetime | None, end: datetime | None) -> bool:
    return start is None or end is None or start < end
